// Changes the code of the modules that decide, one place at a time, and counts the changes that no test sees: `npm run mutation`.
// `npm run mutation -- verdict/gate` takes the module of that name alone. MUTATION_MINUTES (120) bounds it: nothing is begun
// after that. results.json keeps the last numbers of each module; docs/mutation.md is made from it.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pageOf } from './page.mjs';
import { PARTS } from './parts.mjs';

const root = join(import.meta.dirname, '..');
const reports = join(root, 'coverage/mutation');
const stryker = join(import.meta.dirname, 'node_modules/@stryker-mutator/core/bin/stryker.js');
const kept = join(import.meta.dirname, 'results.json');
const end = Date.now() + 60_000 * Number(process.env.MUTATION_MINUTES ?? 120);
const asked = process.argv[2] ?? '';

const SEEN = ['Killed', 'Timeout'];
const OPEN = ['Survived', 'NoCoverage'];
const keyOf = ({ mutatorName, replacement, location }) => JSON.stringify([mutatorName, replacement, location]);

/** The mutants of a module under some tests; null where Stryker did not run to its end, or where there is no time. */
function mutantsUnder(tests, file, lines) {
  if (Date.now() > end) return null;
  const report = join(reports, `${file.replaceAll('/', '-')}.json`);
  const mutate = (lines ?? ['']).map((range) => `src/${file}.ts${range}`).join();
  const env = { ...process.env, MUTATE: mutate, MUTATION_TESTS: tests.join(';'), MUTATION_REPORT: report };
  const args = [stryker, 'run', 'mutation/stryker.config.mjs'];
  if (spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit', env }).status !== 0) return null;
  return Object.values(JSON.parse(readFileSync(report, 'utf8')).files)[0].mutants;
}

/** What the tests beside the module do not see is tried on whole models. */
function tried(file, { near, whole }) {
  const mutants = mutantsUnder(near, file);
  const open = (mutants ?? []).filter(({ status }) => OPEN.includes(status));
  if (open.length === 0) return mutants;
  const lines = new Set(open.map(({ location }) => `:${location.start.line}-${location.end.line}`));
  const again = mutantsUnder([...near, ...whole], file, [...lines]);
  const later = new Map((again ?? []).map((mutant) => [keyOf(mutant), mutant.status]));
  return mutants.map((mutant) => ({
    ...mutant,
    status: OPEN.includes(mutant.status) ? (later.get(keyOf(mutant)) ?? mutant.status) : mutant.status,
  }));
}

function countsOf(mutants) {
  const of = (states) => mutants.filter(({ status }) => states.includes(status)).length;
  return { killed: of(SEEN), survived: of(['Survived']), unreached: of(['NoCoverage']) };
}

if (!existsSync(stryker)) spawnSync('npm', ['ci'], { cwd: import.meta.dirname, stdio: 'inherit' });
mkdirSync(reports, { recursive: true });
const results = JSON.parse(readFileSync(kept, 'utf8'));
for (const part of PARTS)
  for (const file of part.files.filter((name) => name.endsWith(asked))) {
    const mutants = tried(file, part);
    if (mutants === null) {
      console.log(`${file}: not run to its end`);
      continue;
    }
    results[file] = countsOf(mutants);
    writeFileSync(
      join(reports, `${file.replaceAll('/', '-')}.open.json`),
      JSON.stringify(
        mutants.filter(({ status }) => OPEN.includes(status)),
        null,
        1,
      ),
    );
    writeFileSync(kept, `${JSON.stringify(results, null, 2)}\n`);
    writeFileSync(join(root, 'docs/mutation.md'), pageOf(results));
    console.log(file, results[file]);
  }
