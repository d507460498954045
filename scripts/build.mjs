// Bundles the entries into dist/, which is committed: the runner starts dist/index.cjs as it lies in the repository, without node_modules.
//   node scripts/build.mjs           writes dist/
//   node scripts/build.mjs --check   exits 1 and names the files of dist/ that are not what the source builds
// What is imported by import(...) is a file of its own, loaded when it is asked for; what several files need lies in one that they share, so that each
// class is there once. CommonJS, because ESM bundles of CommonJS dependencies break on dynamic require (astral-sh/setup-uv #806 went back for it).
// No compile cache (module.enableCompileCache): bench/README.md has what it gains and why a gate does without it.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { licenceList } from './licences.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/**
 * Programs that share code: the entries, and the thread that checks models beside others. The child that runs models, and the thread that hashes, are
 * programs of their own, in one file each: they need little of ours.
 */
const PROGRAMS = [
  { index: 'src/action.ts', cli: 'src/cli.ts', lane: 'src/pipeline/lane.ts' },
  { execute: 'src/execution/worker.ts' },
  { hash: 'src/files/hash-thread.ts' },
];
/** The page of a report: a program for browsers, and its styles, as texts that are loaded when a page is written. */
const PAGE = { file: 'view.cjs', script: 'src/view/page.tsx', style: 'src/view/page.css' };
const LICENCES = 'licenses.txt';
const EXECUTABLE = new Set(['cli.cjs']);

/**
 * What a check that conforms, by TAO's spec and told as text, never runs. Node reads every function of a file before its first line, run or not; so these
 * lie in files that load themselves when one of their functions is first called (`late`). No module may need one of theirs while it is loaded.
 */
const LATE = [
  { name: 'torch-pruning', test: /src[\\/]dialects[\\/]torch-pruning[\\/](?!index\.|former-keys\.)/ },
  { name: 'declared', test: /src[\\/]dialects[\\/]declared[\\/](?!index\.)/ },
  { name: 'tao-tf1', test: /src[\\/]dialects[\\/]tao-tf1[\\/](?!index\.)/ },
  { name: 'config', test: /src[\\/]config[\\/]config\.validator\.generated\.js$/ },
  {
    name: 'report',
    test: /src[\\/]report[\\/](?:markdown[\\/]|html[\\/]|(?:sarif|sarif-rules|junit|xml|badge|set-text|layer-graph|merge)\.ts$)/,
  },
  // What is said of models that are not as expected.
  {
    name: 'red',
    test: /src[\\/](?:verdict[\\/](?:column-causes|inputs)|recovery[\\/](?:misplaced|emissions|match[\\/](?:lookup|nearest|column-keys|by-factor|by-value|rounded|scaled|contained))|dialects[\\/]tao[\\/](?:explain|threshold-search|norms[\\/]other-norms)|report[\\/]explanation)\.ts$/,
  },
  // What convolutional networks do without, and what few files hold.
  {
    name: 'seldom',
    test: /src[\\/](?:network[\\/](?:assembled|operators[\\/](?:sources|recurrent|matrix-product|resize|slice|split|gather|depth-to-space|grid-sample|tile|expand|reductions|quantized))|network[\\/]names[\\/]keras2onnx|onnx[\\/](?:typed-data|foreign-format|constant|more-outputs|external-location|pieces)|recovery[\\/]align[\\/](?:fingerprints|refine|same-model|skeleton|named)|comparison[\\/]equal-tensors|dialects[\\/](?:reported|tao[\\/](?:argsort|partners))|verdict[\\/]reported-counts|config[\\/]command-line)\.ts$/,
  },
  {
    name: 'commands',
    test: /src[\\/](?:pipeline[\\/](?:run|explain|policy|expect|recover|plan|lanes)|onnx[\\/](?:rewrite.*|copy)|files[\\/]write-model|config[\\/]overrides|process[\\/]neutral|network[\\/](?:unfold|name-scheme))\.ts$/,
  },
  // fflate fills its tables when it is loaded, which takes 2 ms.
  { name: 'archive', test: /src[\\/]tensor-files[\\/](?:zip|numpy)\.ts$|node_modules[\\/]fflate[\\/]/ },
  {
    name: 'yaml-text',
    test: /node_modules[\\/]yaml[\\/]browser[\\/]dist[\\/](?:stringify[\\/](?!stringifyNumber)|visit\.|compose[\\/]resolve-block-scalar\.)/,
  },
].map((group) => ({ ...group, priority: 3, includeDependenciesRecursively: false }));

/**
 * What both entries need at once lies in one file, not in one for every way in which others come to share it: a file costs a third of a millisecond.
 * What only some runs need is late, or imported by import(...).
 */
const GROUPS = [
  ...LATE,
  {
    name: 'core',
    test: /src[\\/](?:pipeline[\\/](?:check|each-model|answer)|config[\\/]index|report[\\/]index|process[\\/](?:cancel|log)|version)\.ts$|rolldown[\\/]runtime/,
    priority: 2,
  },
  // Each alone would not earn it.
  {
    name: 'later',
    test: /src[\\/](?:pipeline[\\/](?:merge|prune|init|doctor|lock|lock-file|baseline)|process[\\/]index|execution[\\/]index)\.ts$/,
    priority: 1,
  },
];

/** Modules of others that are changed on the way: by the end of their path, what to make of their text. */
const CHANGED = [
  // It loads its OIDC client, and with it undici, before our first line: 45 of the 80 ms that dist/index.cjs took to start. A gate asks for no OIDC token.
  [
    '@actions/core/lib/oidc-utils.js',
    () =>
      `export class OidcClient { static async getIDToken() { throw new Error('getIDToken is left out of this bundle: see scripts/build.mjs'); } }`,
  ],
  // It reads and parses the event's payload before our first line, and throws where that is damaged. src/github/events.ts reads it, bounded and without
  // trust; the token, the proxy and the requests are all that is wanted of @actions/github.
  ['@actions/github/lib/context.js', () => 'export class Context {}'],
  // It lists all thousand endpoints of GitHub's API, of which a gate speaks to a dozen: 80 of the 120 kB of api.cjs.
  ['@octokit/plugin-rest-endpoint-methods/dist-src/generated/endpoints.js', onlyAskedEndpoints],
  // It loads child_process, and with it the network stack, for executable subcommands, of which there are none here: 4 of the 30 ms that dist/cli.cjs
  // takes to start.
  ['commander/lib/command.js', (text) => replaced(text, "require('node:child_process')", '{}')],
];

/** Those that src/github names as `api.rest.<scope>.<method>`: in another spelling they would not be found, and missing when they are asked. */
function onlyAskedEndpoints(text) {
  const folder = join(root, 'src/github');
  const sources = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
  const unfound = sources.flatMap(
    (source) => source.match(/\.rest\b(?!\.\w+\.\w).*|\{[^{}]*\brest\b[^{}]*\} = .*/g) ?? [],
  );
  if (unfound.length > 0) throw new Error(`write api.rest.<scope>.<method> for ${unfound[0]}: see scripts/build.mjs`);
  const asked = [...new Set(sources.flatMap((source) => source.match(/(?<=\.rest\.)\w+\.\w+/g) ?? []))].sort();
  const scopes = new Set(asked.map((name) => name.split('.')[0]));
  const listed = [...scopes].map((scope) => {
    const names = asked.filter((name) => name.startsWith(`${scope}.`));
    const [, methods] = new RegExp(`^  ${scope}: \\{\\n(.*?)^  \\}`, 'ms').exec(text) ?? [];
    const endpoints = names.map((name) => {
      const method = name.split('.')[1];
      const found = new RegExp(`^    ${method}: \\[.*?\\](?=,?$)`, 'ms').exec(methods ?? '');
      if (found === null) throw new Error(`${name} is none of GitHub's endpoints: see scripts/build.mjs`);
      return found[0];
    });
    return `  ${scope}: {\n${endpoints.join(',\n')}\n  }`;
  });
  return `export default {\n${listed.join(',\n')}\n};\n`;
}

function replaced(text, from, to) {
  if (!text.includes(from)) throw new Error(`a dependency no longer says ${from}: see scripts/build.mjs`);
  return text.replace(from, to);
}

const changes = {
  name: 'changes',
  load(id) {
    const change = CHANGED.find(([end]) => id.replaceAll('\\', '/').endsWith(`node_modules/${end}`));
    return change === undefined ? null : change[1](readFileSync(id, 'utf8'));
  },
};

if (process.argv.includes('--check')) await checkDist();
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
  const paths = new Set();
  for (const input of PROGRAMS) {
    for (const { fileName, code, modules } of await bundle(input)) {
      if (files.has(fileName)) throw new Error(`${fileName} would be two files: name one of its modules otherwise`);
      files.set(fileName, code);
      // A module of no length was wholly tree-shaken, so that nothing of it is shipped.
      for (const [id, { renderedLength }] of Object.entries(modules))
        if (renderedLength > 0 && !id.startsWith('\0')) paths.add(pathOf(id));
    }
  }
  const { code: script, modules } = await bundlePage();
  for (const [id, { renderedLength }] of Object.entries(modules))
    if (renderedLength > 0 && !id.startsWith('\0')) paths.add(pathOf(id));
  const style = minified(readFileSync(join(root, PAGE.style), 'utf8'));
  files.set(PAGE.file, `exports.script=${JSON.stringify(script)};\nexports.style=${JSON.stringify(style)};\n`);
  files.set(LICENCES, licenceList(root, [...paths], [...files.keys()].sort()));
  return files;
}

async function bundle(input) {
  const bundler = await rolldown({
    cwd: root,
    input,
    platform: 'node',
    // So that what several files share may lie in any of them.
    preserveEntrySignatures: false,
    plugins: [changes],
    // What fflate has for Node loads worker threads, which nothing here uses. What jsonc-parser has for it cannot be bundled. What yaml has for it are
    // 70 CommonJS modules, which are made one by one when the program starts; its other build is the same as ES modules.
    resolve: {
      alias: {
        fflate: 'fflate/browser',
        'jsonc-parser': 'jsonc-parser/lib/esm/main.js',
        yaml: join(root, 'node_modules/yaml/browser/dist/index.js'),
      },
    },
    transform: { target: 'node20', define: { __PRUNEGATE_VERSION__: JSON.stringify(version) } },
    // A warning is, for one, import.meta in CommonJS: a bundle that fails only when it runs.
    onLog(level, { message }) {
      if (level === 'warn') throw new Error(message);
    },
  });
  const { output: chunks } = await bundler.generate({
    format: 'cjs',
    entryFileNames: '[name].cjs',
    chunkFileNames: '[name].cjs',
    codeSplitting: { groups: Object.keys(input).length > 1 ? GROUPS : [] },
    // Names too: they are a quarter of what every run parses. The build is reproducible, so that a trace can be mapped back.
    minify: true,
    comments: false,
  });
  await bundler.close();
  const output = chunks.map((chunk) => ({ ...chunk, code: plainExports(late(asAscii(chunk.code))) }));
  for (const { fileName, code } of output) {
    for (const path of [root, realpathSync(join(root, 'node_modules')), root.replaceAll('\\', '\\\\')])
      if (code.includes(path))
        throw new Error(`${fileName} holds a path of this machine, so that no other one can rebuild it`);
  }
  return output;
}

/** Has a late file be loaded when something in it is first asked for. */
function late(code) {
  return [...LATE, { name: 'later' }]
    .map(({ name }) => `require("./${name}.cjs")`)
    .reduce((text, load) => text.replaceAll(`=${load}`, `=(m=>new Proxy({},{get:(_,n)=>(m??=${load})[n]}))()`), code);
}

/** What a file gives to others, at its end, as values and no functions that return them: nothing in it changes once it is loaded. */
function plainExports(code) {
  const one =
    /Object\.defineProperty\(exports,"([\w$]+)",\{enumerable:!0,get:function\(\)\{return ?([\w$]+|`[^`$]*`)\}\}\)/g;
  const end = new RegExp(`(?:${one.source}[,;]?)+$`);
  return code.replace(end, (all) => all.replace(one, 'exports.$1=$2'));
}

/** A single letter beyond Latin-1 has V8 hold, and read, a file with two bytes for each. The same in strings and in expressions; not in String.raw. */
function asAscii(code) {
  return code.replace(/[^\x00-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** One script, which nothing is loaded beside: the page asks for no address. */
async function bundlePage() {
  const bundler = await rolldown({
    cwd: root,
    input: PAGE.script,
    platform: 'browser',
    tsconfig: join(root, 'src/view/tsconfig.json'),
    transform: { target: 'es2022' },
    onLog(level, { message }) {
      if (level === 'warn') throw new Error(message);
    },
  });
  const { output } = await bundler.generate({ format: 'iife', minify: true, comments: false });
  await bundler.close();
  const [chunk, ...others] = output;
  if (others.length > 0) throw new Error('the page would be several files, and it loads none');
  if (/<\/script|<!--/i.test(chunk.code)) throw new Error('the script of the page would end its element');
  return chunk;
}

/** Without comments and what only a reader of the source needs. */
function minified(css) {
  return css
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/\s+/g, ' ')
    .replace(/ ?([{};,]) ?/g, '$1')
    .trim();
}

/** A module's path below the checkout, whose node_modules may be a link. */
function pathOf(id) {
  const inPackages = /[\\/]node_modules[\\/].*$/.exec(id);
  return (inPackages === null ? relative(root, id) : inPackages[0].slice(1)).replaceAll(sep, '/');
}
