// Licences of what dist/ holds of others, for scripts/build.mjs.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Whose code lies in src/ already: scripts/build-validators.mjs compiles helpers of ajv into the generated validators. */
const COMPILED_IN = ['node_modules/ajv'];

/** Comments that a minifier may not drop (as esbuild and terser have it); `@preserve` marks hints to coverage tools too. */
const LEGAL = /\/\*(?:!|(?=[^*]*@(?:license|preserve|cc_on)))[\s\S]*?\*\//g;

/**
 * The text of dist/licenses.txt.
 * @param root of the checkout
 * @param paths of the modules that are shipped, below `root`
 * @param names of the files that hold them
 */
export function licenceList(root, paths, names) {
  const line = '-'.repeat(80);
  const packages = packagesOf(root, paths);
  const notices = noticesIn(root, paths);
  return [
    `What ${names.join(' and ')} hold of others, under their licences. Written by scripts/build.mjs.\n`,
    ...packages.map(
      ({ name, version, licence, texts }) => `${line}\n${name} ${version} (${licence})\n\n${texts.join('\n\n')}\n`,
    ),
    ...(notices.length > 0 ? [`${line}\nNotices in the source files\n\n${notices.join('\n\n')}\n`] : []),
  ].join('\n');
}

/** By name and version, by code unit: localeCompare differs between machines. */
function packagesOf(root, paths) {
  const folders = new Set([...COMPILED_IN, ...paths.flatMap((path) => folderOf(path) ?? [])]);
  const packages = new Map([...folders].map((folder) => packageIn(root, folder)).map((each) => [keyOf(each), each]));
  return [...packages.values()].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

const keyOf = ({ name, version }) => `${name}@${version}`;

function folderOf(path) {
  return /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0];
}

function packageIn(root, folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
  const texts = readdirSync(join(root, folder))
    .filter((file) => /^(licen[cs]e|copying|notice)/i.test(file) && statSync(join(root, folder, file)).isFile())
    .sort()
    .map((file) => read(join(root, folder, file)).trim());
  if (texts.length === 0)
    throw new Error(`${name} ${version} ships no licence text: find it, or do without the package`);
  return { name, version, licence: license, texts };
}

function noticesIn(root, paths) {
  return paths
    .filter((path) => folderOf(path) !== undefined)
    .sort()
    .flatMap((path) => {
      const comments = (read(join(root, path)).match(LEGAL) ?? []).filter((text) => /licen[cs]e|copyright/i.test(text));
      const indented = [...new Set(comments)].map((text) => text.replaceAll(/^/gm, '  '));
      return indented.length === 0 ? [] : [`${path.replace(/^.*node_modules\//, '')}:\n${indented.join('\n')}`];
    });
}

function read(path) {
  return readFileSync(path, 'utf8').replaceAll('\r\n', '\n');
}
