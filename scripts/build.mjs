// Bundles the two entries to CommonJS files that need no node_modules:
//   node scripts/build.mjs           writes dist/
//   node scripts/build.mjs --check   exits 1 when dist/ is not what the source builds
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

const result = await build({
  absWorkingDir: root,
  entryPoints: { index: 'src/action.ts', cli: 'src/cli.ts' },
  outdir: 'dist',
  outExtension: { '.js': '.cjs' },
  bundle: true,
  write: false,
  metafile: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20.19',
  // The name of an error's class and of a function in a stack is worth its bytes.
  minifySyntax: true,
  minifyWhitespace: true,
  keepNames: false,
  legalComments: 'none',
  charset: 'utf8',
  define: { __PRUNEGATE_VERSION__: JSON.stringify(version) },
  external: ['onnxruntime-node'],
  logLevel: 'warning',
});

const files = result.outputFiles.map(({ path, text }) => ({ path: relative(root, path).split(sep).join('/'), text }));
files.push({ path: 'dist/licenses.txt', text: licenses(result.metafile) });

if (process.argv.includes('--check')) {
  const stale = files.filter(({ path, text }) => !existsSync(join(root, path)) || readFileSync(join(root, path), 'utf8') !== text);
  for (const { path } of stale) console.error(`${path}: not what the source builds; run npm run build and commit it with its source`);
  process.exitCode = stale.length > 0 ? 1 : 0;
} else {
  mkdirSync(join(root, 'dist'), { recursive: true });
  for (const { path, text } of files) {
    writeFileSync(join(root, path), text);
    console.log(`${path}  ${Math.round(text.length / 1024)} KiB`);
  }
  chmodSync(join(root, 'dist/cli.cjs'), 0o755);
}

/** Names, versions and licence texts of the packages that the bundles really hold. */
function licenses({ inputs }) {
  const packages = new Set();
  for (const path of Object.keys(inputs)) {
    const found = /^(?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path);
    if (found !== null) packages.add(path.slice(0, found[0].length - 1));
  }
  const texts = [...packages].sort().map((folder) => {
    const { name, version: packageVersion, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
    const file = ['LICENSE', 'LICENSE.md', 'LICENSE.txt', 'LICENCE', 'license', 'License'].map((each) => join(root, folder, each)).find(existsSync);
    const text = file === undefined ? '' : `\n\n${readFileSync(file, 'utf8').replace(/\r\n/g, '\n').trim()}`;
    return `${name} ${packageVersion} (${license})${text}\n`;
  });
  return texts.join(`\n${'-'.repeat(80)}\n\n`);
}
