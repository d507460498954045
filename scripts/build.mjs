// Bundles the two entries into dist/, which is committed: the runner starts dist/index.cjs as it lies in the repository, without node_modules.
//   node scripts/build.mjs           writes dist/
//   node scripts/build.mjs --check   exits 1 and names the files of dist/ that are not what the source builds
// CommonJS, because ESM bundles of CommonJS dependencies break on dynamic require (astral-sh/setup-uv #806 went back for it).
// No compile cache (module.enableCompileCache): bench/README.md has what it gains and why a gate does without it.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** What the command line loads only when it is asked for. */
const LATER = 'later.cjs';
/** What the action loads only where it speaks to GitHub: a third of its code. */
const GITHUB = 'github.cjs';

/** What lies in dist/ by file name, and nothing else does. */
const ENTRIES = {
  'index.cjs': 'src/action.ts',
  'cli.cjs': 'src/cli.ts',
  [LATER]: 'src/pipeline/later.ts',
  [GITHUB]: 'src/github/api.ts',
  'execute.cjs': 'src/execution/worker.ts',
};
const LICENCES = 'licenses.txt';
const EXECUTABLE = new Set(['cli.cjs']);
const SHEBANG = '#!/usr/bin/env node\n';

/** Whose code lies in src/ already: scripts/build-validators.mjs compiles helpers of ajv into the generated validators. */
const COMPILED_IN = ['node_modules/ajv'];

/**
 * @actions/core loads its OIDC client, and with it undici, before our first line: 45 of the 80 ms that dist/index.cjs took to start, half its size.
 * A gate asks for no OIDC token. @actions/github, imported lazily, still brings undici where it is needed.
 */
const withoutOidc = {
  name: 'without-oidc',
  setup(bundle) {
    bundle.onLoad({ filter: /@actions[\\/]core[\\/]lib[\\/]oidc-utils\.js$/ }, () => ({
      contents: `export class OidcClient { static async getIDToken() { throw new Error('getIDToken is left out of this bundle: see scripts/build.mjs'); } }`,
    }));
  },
};

/**
 * @actions/github reads and parses the event's payload before our first line, and throws where it is damaged. src/github/events.ts reads it, bounded and
 * without trust; the token, the proxy and the requests are all that is wanted of @actions/github.
 */
const withoutContext = {
  name: 'without-context',
  setup(bundle) {
    bundle.onLoad({ filter: /@actions[\\/]github[\\/]lib[\\/]context\.js$/ }, () => ({
      contents: 'export class Context {}',
    }));
  },
};

/** commander loads child_process, and with it the network stack, for executable subcommands, of which there are none here: 4 of the 30 ms that dist/cli.cjs takes to start. */
const withoutSubprocesses = {
  name: 'without-subprocesses',
  setup(bundle) {
    bundle.onLoad({ filter: /node_modules[\\/]commander[\\/]lib[\\/]command\.js$/ }, ({ path }) => {
      const source = readFileSync(path, 'utf8');
      const required = "require('node:child_process')";
      if (!source.includes(required)) throw new Error(`${path} no longer says ${required}: see scripts/build.mjs`);
      return { contents: source.replace(required, '{}') };
    });
  },
};

/** Dynamic imports, which esbuild would put into the bundle all the same: it splits no CommonJS. */
const loadedLater = (filter, file) => ({
  name: 'loaded-later',
  setup(bundle) {
    bundle.onResolve({ filter }, ({ kind }) =>
      kind === 'dynamic-import' ? { path: `./${file}`, external: true } : undefined,
    );
  },
});
const LOADED_LATER = {
  'cli.cjs': [loadedLater(/^\.{1,2}\/.*\.ts$/, LATER)],
  'index.cjs': [loadedLater(/^\.\/api\.ts$/, GITHUB)],
};

if (process.argv.includes('--check')) checkDist();
else write(await bundleAll(), join(root, 'dist'));

async function checkDist() {
  const folder = mkdtempSync(join(tmpdir(), 'prunegate-dist-'));
  try {
    write(await bundleAll(), folder);
    const stale = differences(folder, join(root, 'dist'));
    if (stale.length === 0) return;
    console.error(
      `dist/ is not what the source builds; run npm run build and commit it:\n${stale.map((line) => `  ${line}`).join('\n')}`,
    );
    process.exitCode = 1;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** One line for each file of one folder that the other lacks or holds otherwise. */
function differences(wanted, actual) {
  const names = (folder) => (existsSync(folder) ? readdirSync(folder) : []);
  return [...new Set([...names(wanted), ...names(actual)])].sort().flatMap((name) => {
    const [want, have] = [join(wanted, name), join(actual, name)];
    if (!existsSync(have)) return [`dist/${name}: missing`];
    if (!existsSync(want)) return [`dist/${name}: not made by the build`];
    const [wantBytes, haveBytes] = [readFileSync(want), readFileSync(have)];
    if (!wantBytes.equals(haveBytes))
      return [`dist/${name}: differs (${haveBytes.length} bytes, the build makes ${wantBytes.length})`];
    // Windows has no executable bit to compare.
    if (process.platform !== 'win32' && (statSync(want).mode & 0o111) !== (statSync(have).mode & 0o111))
      return [`dist/${name}: its executable bit differs`];
    return [];
  });
}

/** Writes the files and removes whatever else lies there: a file that no build makes any more would be shipped for ever. */
function write(files, folder) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of files) {
    writeFileSync(join(folder, name), text);
    chmodSync(join(folder, name), EXECUTABLE.has(name) ? 0o755 : 0o644);
  }
}

async function bundleAll() {
  const files = new Map();
  const packages = new Map();
  for (const folder of COMPILED_IN) addPackage(packages, folder);
  const notices = new Set();
  for (const [name, entry] of Object.entries(ENTRIES)) {
    const { text, inputs, legal } = await bundle(entry, name);
    files.set(name, text);
    for (const input of inputs) addPackage(packages, input);
    for (const notice of legal) notices.add(notice);
  }
  files.set(LICENCES, licenceList([...packages.values()], [...notices].sort()));
  return files;
}

async function bundle(entry, outfile) {
  const { outputFiles, metafile, warnings } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile,
    bundle: true,
    write: false,
    metafile: true,
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    // Names too: they are a quarter of what every run parses. The build is reproducible, so that a trace can be mapped back.
    minify: true,
    legalComments: 'external',
    define: {
      __PRUNEGATE_VERSION__: JSON.stringify(manifest.version),
      'import.meta.dirname': '__dirname',
      'import.meta.filename': '__filename',
    },
    plugins: [withoutOidc, withoutContext, withoutSubprocesses, ...(LOADED_LATER[outfile] ?? [])],
    logLevel: 'error',
  });
  // A warning is, for one, import.meta in CommonJS: a bundle that fails only when it runs.
  if (warnings.length > 0) throw new Error(`${entry}: ${warnings.map(({ text }) => text).join('; ')}`);
  const code = outputFiles.find(({ path }) => path.endsWith('.cjs')).text;
  const legal = outputFiles.find(({ path }) => path.endsWith('.LEGAL.txt'))?.text ?? '';
  const text = EXECUTABLE.has(outfile) && !code.startsWith('#!') ? SHEBANG + code : code;
  for (const path of [root, root.replaceAll('\\', '\\\\')]) {
    if (text.includes(path))
      throw new Error(`${outfile} holds the path of this checkout, so that no other machine can rebuild it`);
  }
  const output = Object.values(metafile.outputs).find(({ entryPoint }) => entryPoint === entry);
  // An input of no bytes was wholly tree-shaken, so that nothing of it is shipped.
  const inputs = Object.entries(output.inputs).flatMap(([path, { bytesInOutput }]) =>
    bytesInOutput > 0 ? [path] : [],
  );
  return { text, inputs, legal: noticesOf(legal) };
}

/** esbuild lists comments marked as legal as `path:`, then the comment, indented. `@preserve` marks hints to coverage tools too. */
function noticesOf(legal) {
  return legal
    .replaceAll('\r\n', '\n')
    .split(/\n(?=\S)/)
    .filter((section) => /^\S+:\n/.test(section) && /licen[cs]e|copyright/i.test(section))
    .map((section) => section.trimEnd());
}

function addPackage(packages, input) {
  const folder = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0];
  if (folder === undefined || packages.has(folder)) return;
  const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
  const texts = readdirSync(join(root, folder))
    .filter((file) => /^(licen[cs]e|copying|notice)/i.test(file) && statSync(join(root, folder, file)).isFile())
    .sort()
    .map((file) =>
      readFileSync(join(root, folder, file), 'utf8')
        .replaceAll('\r\n', '\n')
        .trim(),
    );
  if (texts.length === 0)
    throw new Error(`${name} ${version} ships no licence text: find it, or do without the package`);
  packages.set(folder, { name, version, licence: license, texts });
}

function licenceList(packages, notices) {
  const line = '-'.repeat(80);
  // By code unit: localeCompare differs between machines.
  const key = ({ name, version }) => `${name}@${version}`;
  const sorted = [...new Map(packages.map((each) => [key(each), each])).values()].sort((a, b) =>
    key(a) < key(b) ? -1 : 1,
  );
  return [
    `What ${Object.keys(ENTRIES).join(' and ')} hold of others, under their licences. Written by scripts/build.mjs.\n`,
    ...sorted.map(
      ({ name, version, licence, texts }) => `${line}\n${name} ${version} (${licence})\n\n${texts.join('\n\n')}\n`,
    ),
    ...(notices.length > 0 ? [`${line}\nNotices in the source files\n\n${notices.join('\n\n')}\n`] : []),
  ].join('\n');
}
