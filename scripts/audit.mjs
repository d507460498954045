// What is locked, in each folder with a lock file: its licences, and the holes that the registry knows in it. `npm run audit`.
// Exit status 1: a licence that is not listed here, or a known hole. Where a registry has no advisories it is said that they
// were not asked for; `--required` makes that a failure, as in CI.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const FOLDERS = ['.', 'site', 'mutation'];

/** Those of docs/dependencies.md, and of what its packages need. CI's review of a pull request has the same list. */
export const LICENCES = [
  ...['MIT', 'MIT-0', 'ISC', '0BSD', 'BSD-2-Clause', 'BSD-3-Clause', 'BlueOak-1.0.0', 'Apache-2.0', 'Python-2.0'],
  ...['MPL-2.0', 'CC0-1.0', 'CC-BY-4.0', 'Unlicense'],
];

/** Packages of a lock file whose licence is not listed. Of an expression with OR one is enough; with AND all are needed. */
export function unlisted(folder) {
  const { packages } = JSON.parse(readFileSync(join(root, folder, 'package-lock.json'), 'utf8'));
  const isListed = (licence) =>
    licence
      .replace(/[()]/g, '')
      .split(' OR ')
      .some((choice) => choice.split(' AND ').every((one) => LICENCES.includes(one)));
  return Object.entries(packages)
    .filter(([path]) => path !== '')
    .map(([path, { license }]) => ({ name: path.replace(/^.*node_modules\//, ''), licence: license ?? 'none' }))
    .filter(({ licence }) => !isListed(licence));
}

/** Moderate holes and worse that the registry knows in what a folder locks; null with the reason where it was not asked. */
function holesIn(folder) {
  const { stdout } = spawnSync('npm', ['audit', '--json', '--package-lock-only'], {
    cwd: join(root, folder),
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  const answer = JSON.parse(stdout || '{}');
  if (answer.vulnerabilities === undefined) return { holes: null, reason: answer.message ?? 'npm gave no answer' };
  const holes = Object.values(answer.vulnerabilities).filter(({ severity }) => !['info', 'low'].includes(severity));
  return { holes: holes.map(({ name, severity }) => `${name} (${severity})`), reason: null };
}

function main() {
  const say = (text) => process.stdout.write(`${text}\n`);
  for (const folder of FOLDERS) {
    const others = unlisted(folder).map(({ name, licence }) => `${name} (${licence})`);
    say(`${folder}: licences: ${others.length === 0 ? 'all listed' : `not listed: ${others.join(', ')}`}`);
    const { holes, reason } = holesIn(folder);
    if (holes === null) say(`${folder}: known holes: not asked: ${reason}`);
    else say(`${folder}: known holes: ${holes.length === 0 ? 'none' : holes.join(', ')}`);
    const isRequired = process.argv.includes('--required');
    if (others.length > 0 || (holes === null ? isRequired : holes.length > 0)) process.exitCode = 1;
  }
}

if (process.argv[1] === import.meta.filename) main();
