// Makes networks, prunes and exports them, checks each with dist/cli.cjs, and writes docs/coverage.md. bench/coverage/README.md says how to run it.
//   node bench/coverage/run.mjs [--python PATH] [--work DIR] [--only NET,..] [--pruners P,..] [--exports E,..] [--cli PATH] [--goldens DIR]
//     [--jobs N] [--device cuda] [--again] [--keep] [--page]
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { isRight, page } from './page.mjs';

const here = import.meta.dirname;
const root = join(here, '../..');

/** Exports of which the right model is executed too: the same weights, so the others would show nothing new. */
const EXECUTED = new Set(['torchscript', 'dynamo']);

/** Longest time that making one network in all its exports, or one check, may take. Tracing one of them might not end. */
const LIMIT_MS = 1_800_000;

const { values: options } = parseArgs({
  options: {
    python: { type: 'string', default: 'python3' },
    work: { type: 'string', default: join(here, 'work') },
    only: { type: 'string' },
    pruners: { type: 'string' },
    exports: { type: 'string' },
    cli: { type: 'string', default: join(root, 'dist/cli.cjs') },
    again: { type: 'boolean', default: false },
    jobs: { type: 'string', default: '1' },
    device: { type: 'string', default: 'cpu' },
    keep: { type: 'boolean', default: false },
    goldens: { type: 'string', default: join(root, 'test/fixtures/golden') },
    page: { type: 'boolean', default: false },
  },
});
mkdirSync(options.work, { recursive: true });
const file = join(options.work, 'results.jsonl');
const all = JSON.parse(await python(['--list']));
const chosen = (given, known) => (given === undefined ? known : given.split(','));
/** What made a cell; the page says it. */
const by = {
  build: digestOf(dirname(options.cli)),
  node: process.version,
  machine: `${cpus().length} x ${cpus()[0].model}`,
  device: options.device,
  python: all.versions,
};

if (!options.page) {
  const rows = chosen(options.only, Object.keys(all.nets))
    .filter((name) => name !== 'tao')
    .flatMap((net) => chosen(options.pruners, all.pruners).map((pruner) => ({ net, pruner })))
    .filter(({ net, pruner }) => all.nets[net].includes(pruner))
    .values();
  // All jobs take from one iterator.
  await Promise.all(Array.from({ length: Number(options.jobs) }, () => work(rows)));
  if (chosen(options.only, ['tao']).includes('tao')) await runGoldens();
}
const results = read();
writeFileSync(join(root, 'docs/coverage.md'), page(all, [...results.values()]));

/** Of all files of a build: the entry loads most of it later. */
function digestOf(folder) {
  const files = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile());
  const hash = createHash('sha256');
  for (const { name } of files.sort((a, b) => (a.name < b.name ? -1 : 1)))
    hash.update(readFileSync(join(folder, name)));
  return hash.digest('hex').slice(0, 12);
}

async function work(rows) {
  for (const { net, pruner } of rows) await run(net, pruner, chosen(options.exports, all.exports));
}

/** Lines that were written later count, so that what ran is known even where a run was cut off. */
function read() {
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
  return new Map(lines.map((line) => JSON.parse(line)).map((cell) => [keyOf(cell), cell]));
}

function keyOf({ net, pruner, form }) {
  return [net, pruner, form].join(' ');
}

async function run(net, pruner, forms) {
  const done = read();
  const open = forms.filter((form) => options.again || !done.has(keyOf({ net, pruner, form })));
  if (open.length === 0) return;
  const folder = join(options.work, `${net}.${pruner}`);
  const made = await models(net, pruner, folder, open);
  let isClean = true;
  for (const form of open) {
    const found = await checked(folder, made, form).catch((error) => ({ failed: error.message }));
    const cell = { net, pruner, form, by, ...found };
    isClean &&= isRight(cell);
    appendFileSync(file, `${JSON.stringify(cell)}\n`);
    console.log(line(cell));
  }
  if (isClean || !options.keep) rmSync(folder, { recursive: true, force: true });
}

async function models(net, pruner, folder, forms) {
  const cells = join(folder, 'cells.json');
  const start = process.hrtime.bigint();
  try {
    if (!existsSync(cells)) {
      await python([net, pruner, folder, '--exports', forms.join(','), '--device', options.device]);
      console.log(`${net} ${pruner}: made in ${(Number(process.hrtime.bigint() - start) / 1e9).toFixed(0)} s`);
    }
    return JSON.parse(readFileSync(cells, 'utf8'));
  } catch (error) {
    return { failed: error.message };
  }
}

function line({
  net,
  pruner,
  form,
  failed,
  verdict,
  seconds,
  megabytes,
  twin,
  caught,
  execution,
  reasons,
  wrongReasons,
}) {
  if (failed !== undefined) return `${net} ${pruner} ${form}: not made: ${failed}`;
  const said = [verdict === 'conforms' ? [] : reasons, caught === 'diverges' ? [] : ['twin:', ...wrongReasons]].flat();
  const ran = execution == null ? '' : ` executed: ${execution.verdict} ${execution.reason ?? ''}`;
  const numbers = `${seconds.toFixed(1)} s ${megabytes.toFixed(0)} MB`;
  return [`${net} ${pruner} ${form}: ${verdict} ${numbers}, ${twin}: ${caught}${ran}`, ...said.slice(0, 6)].join(
    '\n    ',
  );
}

/** A file of a golden; one that lies elsewhere too is kept there alone. */
function goldenFile(folder, name) {
  const same = join(folder, 'same.json');
  const elsewhere = existsSync(same) ? JSON.parse(readFileSync(same, 'utf8'))[name] : undefined;
  return join(folder, elsewhere ?? name);
}

/** Models that NVIDIA TAO's own pruner pruned, as they lie there: without twins, for the tests change them in some 200 ways. */
async function runGoldens() {
  for (const net of readdirSync(options.goldens)) {
    const folder = join(options.goldens, net);
    if (!existsSync(goldenFile(folder, 'pruned.onnx'))) continue;
    const { prune } = JSON.parse(readFileSync(join(folder, 'golden.json'), 'utf8'));
    const spec = join(options.work, 'spec.json');
    writeFileSync(spec, JSON.stringify({ prune }));
    for (const [form, name] of [
      ['tf2onnx', 'pruned.onnx'],
      ['tf2onnx-folded', 'pruned.folded.onnx'],
    ]) {
      const key = { net, pruner: 'tao-tf2', form, by };
      const [dense, pruned] = [goldenFile(folder, 'dense.onnx'), goldenFile(folder, name)];
      if (!existsSync(pruned) || (read().has(keyOf(key)) && !options.again)) continue;
      const cell = { ...key, ...(await check(options.work, spec, { hasNorm: true }, dense, pruned, false)) };
      appendFileSync(file, `${JSON.stringify(cell)}\n`);
      console.log(`${net} ${form}: ${cell.verdict}`);
    }
  }
}

async function checked(folder, made, form) {
  const failed = made.failed ?? made.cells[form]?.failed;
  if (failed !== undefined) return { failed };
  const own = join(folder, `dense.${form}.onnx`);
  const dense = existsSync(own) ? own : join(folder, 'dense.onnx');
  const right = await check(
    folder,
    join(folder, 'spec.json'),
    made,
    dense,
    join(folder, `pruned.${form}.onnx`),
    EXECUTED.has(form),
  );
  const wrong = await check(folder, join(folder, 'spec.json'), made, dense, join(folder, `wrong.${form}.onnx`), false);
  const { twin } = made.cells[form];
  const sizes = { parameters: made.parameters, bytes: statSync(dense).size };
  return { ...sizes, ...right, twin, caught: wrong.verdict, wrongReasons: wrong.reasons };
}

async function check(folder, spec, { hasNorm }, dense, pruned, isExecuted) {
  const command = [options.cli, 'check', '--no-config', '--dense', dense, '--pruned', pruned];
  command.push('--spec', spec, '--format', 'json');
  // Nothing in a model without any BatchNorm says whether one was folded in.
  if (!hasNorm) command.push('--folding', 'raw');
  // Memory and time are those of the check alone; executing is another question, asked in another process.
  const { status, stdout, stderr, seconds, megabytes } = await timed(folder, [...command, '--no-execute']);
  if (isRefused(status)) return { verdict: 'refused', seconds, megabytes, reasons: [stderr.trim().split('\n')[0]] };
  const report = JSON.parse(stdout);
  const execution = isExecuted ? await executed(folder, command) : null;
  return { verdict: report.verdict, seconds, megabytes, layers: report.totals, execution, reasons: reasonsOf(report) };
}

/** Bad input, a bug, or killed. */
function isRefused(status) {
  return status === 2 || status === 4 || status === null;
}

async function timed(folder, command) {
  const peak = join(folder, 'peak');
  rmSync(peak, { force: true });
  const start = process.hrtime.bigint();
  const preload = ['--require', join(here, '../peak.cjs')];
  const done = await ended(process.execPath, [...preload, ...command], { PRUNEGATE_BENCH_PEAK: peak });
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  // What was killed leaves none.
  const megabytes = existsSync(peak) ? Number(readFileSync(peak, 'utf8')) / 1e6 : 0;
  return { ...done, seconds, megabytes };
}

/** What a program printed and how it ended; of one that was killed, that. */
async function ended(program, args, env) {
  const child = spawn(program, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
  });
  const [stdout, stderr, [status, signal]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  const killed = `ended by ${signal} (after ${LIMIT_MS / 60_000} minutes it is)`;
  return { status, stdout, stderr: signal === null ? stderr : killed };
}

async function executed(folder, command) {
  const { status, stdout, stderr } = await timed(folder, [...command, '--execute']);
  if (isRefused(status)) return { verdict: 'refused', reason: stderr.trim().split('\n')[0] };
  const { execution } = JSON.parse(stdout);
  return { verdict: execution?.verdict ?? 'none', reason: execution?.reason ?? null };
}

/** Why a run is not a plain match, each reason once. */
function reasonsOf(report) {
  const layers = report.layers
    .filter(({ verdict }) => verdict !== 'match')
    .map(({ name, verdict, reason }) => `${name} (${verdict}): ${reason}`);
  const found = (report.findings ?? [])
    .filter(({ layer }) => layer == null)
    .map(({ message, title }) => message ?? title);
  // Where nothing was found, what a check says that it did not see.
  const unseen = found.length + layers.length === 0 ? (report.notes ?? []) : [];
  return [...found, ...layers, ...unseen].slice(0, 40);
}

async function python(args) {
  const command = ['-n', '10', options.python, join(here, 'make.py'), ...args];
  const env = { OMP_NUM_THREADS: '1', YOLO_OFFLINE: 'true', HF_HUB_OFFLINE: '1' };
  const { status, stdout, stderr } = await ended('nice', command, env);
  if (status !== 0) throw new Error(`make.py: ${stderr.trim().split('\n').at(-1)}`);
  if (stderr.includes('Traceback')) console.error(stderr.slice(stderr.indexOf('Traceback')));
  return stdout;
}
