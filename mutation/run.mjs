// Changes the code of the modules that decide, one place at a time, and counts the changes that no test sees: `npm run mutation`.
// First all modules under the tests beside them; what these do not see is then tried on whole models. MUTATION_MINUTES (120)
// bounds it: nothing is begun after that. `npm run mutation -- verdict/gate` takes the module of that name alone.
// results.json keeps the last numbers of each module; docs/mutation.md is made from it.
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

const isOpen = ({ status }) => status === 'Survived' || status === 'NoCoverage';
const keyOf = ({ mutatorName, replacement, location }) => JSON.stringify([mutatorName, replacement, location]);
const read = (path) => JSON.parse(readFileSync(path, 'utf8'));

/** The mutants of a module, on these lines or on all, under some tests; null where there was no time, or Stryker stopped early. */
function mutantsUnder(tests, file, lines) {
  if (Date.now() > end) return null;
  const report = join(reports, 'stryker.json');
  const mutate = (lines ?? ['']).map((range) => `src/${file}.ts${range}`).join();
  const env = { ...process.env, MUTATE: mutate, MUTATION_TESTS: tests.join(';'), MUTATION_REPORT: report };
  const args = [stryker, 'run', 'mutation/stryker.config.mjs'];
  if (spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit', env }).status !== 0) return null;
  return Object.values(read(report).files)[0].mutants;
}

/** Those that no test beside the module sees, under the tests over whole models as well. */
function triedOnModels(mutants, file, { near, whole }) {
  const lines = new Set(mutants.filter(isOpen).map(({ location }) => `:${location.start.line}-${location.end.line}`));
  const again = lines.size === 0 ? [] : mutantsUnder([...near, ...whole], file, [...lines]);
  if (again === null) return null;
  const later = new Map(again.map((mutant) => [keyOf(mutant), mutant.status]));
  return mutants.map((one) => (isOpen(one) ? { ...one, status: later.get(keyOf(one)) ?? one.status } : one));
}

function record(file, mutants, isWhole) {
  if (mutants === null) return;
  writeFileSync(join(reports, `${file.replaceAll('/', '-')}.json`), JSON.stringify(mutants, null, 1));
  const of = (...states) => mutants.filter(({ status }) => states.includes(status)).length;
  const counts = { killed: of('Killed', 'Timeout'), survived: of('Survived'), unreached: of('NoCoverage') };
  const results = { ...read(kept), [file]: { ...counts, isWhole } };
  writeFileSync(kept, `${JSON.stringify(results, null, 2)}\n`);
  writeFileSync(join(root, 'docs/mutation.md'), pageOf(results));
  console.log(file, results[file]);
}

if (!existsSync(stryker)) spawnSync('npm', ['ci'], { cwd: import.meta.dirname, stdio: 'inherit' });
mkdirSync(reports, { recursive: true });
const modules = PARTS.flatMap((part) =>
  part.files.filter((file) => file.endsWith(asked)).map((file) => ({ file, part, mutants: null })),
);
for (const module of modules) {
  module.mutants = mutantsUnder(module.part.near, module.file);
  record(module.file, module.mutants, false);
}
for (const { file, part, mutants } of modules)
  if (mutants !== null) record(file, triedOnModels(mutants, file, part), true);
