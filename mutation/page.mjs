import { PARTS } from './parts.mjs';

const HEAD = `# What the tests would miss

[Stryker](https://stryker-mutator.io) changes the code of the modules that decide, one place at a time (\`<\` to \`<=\`, a condition to \`true\`, a call left out),
and runs the tests that reach the place. A change that a test sees is *killed*. One that none sees has *survived*: either it changes nothing that a user
could notice, or a promise has no test. Texts are left as they are. The tests are those beside the module, and then, for what these do not see, those over
whole models; with a star, those beside it alone.
\`npm run mutation\` makes this page anew. It takes hours, and is no part of the checks of a change.
`;

const COLUMNS = `changes | killed | survived | reached by no test | score |
| --- | ---: | ---: | ---: | ---: | ---: |`;

function row(name, { killed, survived, unreached }) {
  const all = killed + survived + unreached;
  const score = all === 0 ? '' : `${((100 * killed) / all).toFixed(1)} %`;
  return `| ${name} | ${all} | ${killed} | ${survived} | ${unreached} | ${score} |`;
}

/** docs/mutation.md from the numbers of each module. A module without any was not run, and is listed so. */
export function pageOf(results) {
  const ran = PARTS.flatMap(({ files }) => files).flatMap((file) => results[file] ?? []);
  const sum = (key) => ran.reduce((total, counts) => total + counts[key], 0);
  const all = { killed: sum('killed'), survived: sum('survived'), unreached: sum('unreached') };
  const tables = PARTS.map(({ name, files }) => {
    const rows = files.map((file) => {
      const counts = results[file];
      return counts === undefined ? `| ${file} | not run | | | | |` : row(file + (counts.isWhole ? '' : ' *'), counts);
    });
    return `\n## ${name}\n\n| module | ${COLUMNS}\n${rows.join('\n')}\n`;
  });
  return `${HEAD}\n| | ${COLUMNS}\n${row('all that ran', all)}\n${tables.join('')}`;
}
