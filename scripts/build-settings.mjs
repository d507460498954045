// Writes what follows from the table of settings (src/config/table/): schemas/config.schema.json, the inputs of
// action.yml, their types, docs/action.md's table of them, and completions/ for shells.
//   node scripts/build-settings.mjs           writes them
//   node scripts/build-settings.mjs --check   exits 1 when one is not what the table makes
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { bashCompletion, fishCompletion, configSchema, actionInputs, inputTypes, inputsTable } =
  await bundled('src/config/documents.ts');

const outputs = {
  'schemas/config.schema.json': () => formatted('config.schema.json', JSON.stringify(configSchema())),
  'action.yml': (old) => between(old, 'inputs:\n', '\noutputs:\n', actionInputs()),
  'action-types.yml': (old) => between(old, 'inputs:\n', '\noutputs:\n', inputTypes()),
  'completions/prunegate.bash': () => bashCompletion(),
  'completions/prunegate.fish': () => fishCompletion(),
  'docs/action.md': (old) =>
    between(old, '<!-- inputs, by scripts/build-settings.mjs -->\n\n', '\n<!-- end of inputs -->', inputsTable()),
};

const stale = Object.entries(outputs).flatMap(([path, make]) => {
  const file = join(root, path);
  const old = readFileSync(file, 'utf8').replaceAll('\r\n', '\n');
  const text = make(old);
  if (text === old) return [];
  if (!process.argv.includes('--check')) writeFileSync(file, text);
  return [path];
});
if (process.argv.includes('--check') && stale.length > 0) {
  console.error(`${stale.join(', ')}: not what src/config/table/ makes; run node scripts/build-settings.mjs`);
  process.exitCode = 1;
}

function between(text, begin, end, middle) {
  const from = text.indexOf(begin) + begin.length;
  const to = text.indexOf(end, from);
  if (from < begin.length || to < 0) throw new Error(`there is no ${begin.trim()} before ${end.trim()}`);
  return text.slice(0, from) + middle + text.slice(to);
}

/** Node 20 runs no TypeScript. */
async function bundled(entry) {
  const { output } = await build({
    cwd: root,
    input: entry,
    platform: 'node',
    write: false,
    output: { format: 'esm', codeSplitting: false },
    logLevel: 'silent',
  });
  return import(`data:text/javascript;base64,${Buffer.from(output[0].code).toString('base64')}`);
}

function formatted(name, text) {
  const biome = join(root, 'node_modules/@biomejs/biome/bin/biome');
  return execFileSync(process.execPath, [biome, 'format', `--stdin-file-path=${name}`], {
    cwd: root,
    input: text,
    encoding: 'utf8',
  });
}
