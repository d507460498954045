// Makes networks, prunes and exports them, checks each with dist/cli.cjs, and writes docs/coverage.md. bench/coverage/README.md says how to run it.
//   node bench/coverage/run.mjs [--python PATH] [--work DIR] [--only NET,..] [--pruners P,..] [--exports E,..] [--cli PATH] [--goldens DIR]
//     [--again] [--keep] [--page]
import { spawnSync } from 'node:child_process';
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
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { isRight, page } from './page.mjs';

const here = import.meta.dirname;
const root = join(here, '../..');

/** Exports of which the right model is executed too: the same weights, so the others would show nothing new. */
const EXECUTED = new Set(['torchscript', 'dynamo']);

const { values: options } = parseArgs({
  options: {
    python: { type: 'string', default: 'python3' },
    work: { type: 'string', default: join(here, 'work') },
    only: { type: 'string' },
    pruners: { type: 'string' },
    exports: { type: 'string' },
    cli: { type: 'string', default: join(root, 'dist/cli.cjs') },
    again: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    goldens: { type: 'string', default: join(root, 'test/fixtures/golden') },
    page: { type: 'boolean', default: false },
  },
});
mkdirSync(options.work, { recursive: true });
const file = join(options.work, 'results.jsonl');
const all = JSON.parse(python(['--list']));
const chosen = (given, known) => (given === undefined ? known : given.split(','));

if (!options.page) {
  for (const net of chosen(options.only, Object.keys(all.nets)).filter((name) => name !== 'tao')) {
    const pruners = chosen(options.pruners, all.pruners).filter((pruner) => all.nets[net].includes(pruner));
    for (const pruner of pruners) run(net, pruner, chosen(options.exports, all.exports));
  }
}
if (!options.page && chosen(options.only, ['tao']).includes('tao')) runGoldens();
const results = read();
writeFileSync(join(root, 'docs/coverage.md'), page(all, [...results.values()]));

/** Lines that were written later count, so that what ran is known even where a run was cut off. */
function read() {
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
  return new Map(lines.map((line) => JSON.parse(line)).map((cell) => [keyOf(cell), cell]));
}

function keyOf({ net, pruner, form }) {
  return [net, pruner, form].join(' ');
}

function run(net, pruner, forms) {
  const done = read();
  const open = forms.filter((form) => options.again || !done.has(keyOf({ net, pruner, form })));
  if (open.length === 0) return;
  const folder = join(options.work, `${net}.${pruner}`);
  if (!existsSync(join(folder, 'cells.json'))) python([net, pruner, folder, '--exports', open.join(',')]);
  const made = JSON.parse(readFileSync(join(folder, 'cells.json'), 'utf8'));
  let isClean = true;
  for (const form of open) {
    const cell = { net, pruner, form, ...checked(folder, made, form) };
    isClean &&= isRight(cell);
    appendFileSync(file, `${JSON.stringify(cell)}\n`);
    console.log(line(cell));
  }
  if (isClean || !options.keep) rmSync(folder, { recursive: true });
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
  const ran = execution === null ? '' : ` executed: ${execution.verdict} ${execution.reason ?? ''}`;
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
function runGoldens() {
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
      const key = { net, pruner: 'tao-tf2', form };
      const [dense, pruned] = [goldenFile(folder, 'dense.onnx'), goldenFile(folder, name)];
      if (!existsSync(pruned) || (read().has(keyOf(key)) && !options.again)) continue;
      const cell = { ...key, ...check(options.work, spec, { hasNorm: true }, dense, pruned, false) };
      appendFileSync(file, `${JSON.stringify(cell)}\n`);
      console.log(`${net} ${form}: ${cell.verdict}`);
    }
  }
}

function checked(folder, made, form) {
  const failed = made.failed ?? made.cells[form]?.failed;
  if (failed !== undefined) return { failed };
  const own = join(folder, `dense.${form}.onnx`);
  const dense = existsSync(own) ? own : join(folder, 'dense.onnx');
  const right = check(
    folder,
    join(folder, 'spec.json'),
    made,
    dense,
    join(folder, `pruned.${form}.onnx`),
    EXECUTED.has(form),
  );
  const wrong = check(folder, join(folder, 'spec.json'), made, dense, join(folder, `wrong.${form}.onnx`), false);
  const { twin } = made.cells[form];
  const sizes = { parameters: made.parameters, bytes: statSync(dense).size };
  return { ...sizes, ...right, twin, caught: wrong.verdict, wrongReasons: wrong.reasons };
}

function check(folder, spec, { hasNorm }, dense, pruned, isExecuted) {
  const command = [options.cli, 'check', '--no-config', '--dense', dense, '--pruned', pruned];
  command.push('--spec', spec, '--format', 'json');
  // Nothing in a model without any BatchNorm says whether one was folded in.
  if (!hasNorm) command.push('--folding', 'raw');
  // Memory and time are those of the check alone; executing is another question, asked in another process.
  const { status, stdout, stderr, seconds, megabytes } = timed(folder, [...command, '--no-execute']);
  if (status === 2 || status === 4)
    return { verdict: 'refused', seconds, megabytes, reasons: [stderr.trim().split('\n')[0]] };
  const report = JSON.parse(stdout);
  const execution = isExecuted ? executed(folder, command) : null;
  return { verdict: report.verdict, seconds, megabytes, layers: report.totals, execution, reasons: reasonsOf(report) };
}

function timed(folder, command) {
  const peak = join(folder, 'peak');
  const start = process.hrtime.bigint();
  const env = { ...process.env, PRUNEGATE_BENCH_PEAK: peak };
  const preload = ['--require', join(here, '../peak.cjs')];
  const done = spawnSync(process.execPath, [...preload, ...command], { encoding: 'utf8', maxBuffer: 2 ** 30, env });
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  return { ...done, seconds, megabytes: Number(readFileSync(peak, 'utf8')) / 1e6 };
}

function executed(folder, command) {
  const { status, stdout, stderr } = timed(folder, [...command, '--execute']);
  if (status === 2 || status === 4) return { verdict: 'refused', reason: stderr.trim().split('\n')[0] };
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

function python(args) {
  const command = ['-n', '10', options.python, join(here, 'make.py'), ...args];
  const env = { ...process.env, OMP_NUM_THREADS: '1', YOLO_OFFLINE: 'true', HF_HUB_OFFLINE: '1' };
  const { status, stdout, stderr } = spawnSync('nice', command, { encoding: 'utf8', env, maxBuffer: 2 ** 28 });
  if (status !== 0) throw new Error(`${options.python} ${args.join(' ')}: ${stderr}`);
  if (stderr.includes('Traceback')) console.error(stderr.slice(stderr.indexOf('Traceback')));
  return stdout;
}
