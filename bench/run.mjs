// Times `prunegate check` against bare Node and against onnx + numpy, interleaved, and measures its memory. bench/README.md says how to run it.
//   node bench/run.mjs [--node PATH] [--python PATH] [--rounds N] [--assert]
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const here = dirname(fileURLToPath(import.meta.url));
const cli = join(here, '../dist/cli.cjs');
const models = join(here, 'models');

/** What issue 3 asks for: times bare Node, and bytes above the largest tensor. */
const MOST_TIMES_BARE = 3.5;
const MOST_ABOVE_TENSOR = 120e6;
/** The largest kernel that bench/make_models.py writes: 1024 filters of 1024 x 3 x 3 float32. */
const LARGEST_TENSOR = 1024 * 1024 * 9 * 4;

const { values: options } = parseArgs({
  options: {
    node: { type: 'string', default: process.execPath },
    python: { type: 'string', default: 'python3' },
    rounds: { type: 'string', default: '15' },
    assert: { type: 'boolean', default: false },
  },
});
const rounds = Number(options.rounds);
if (!Number.isInteger(rounds) || rounds < 1) stop(`--rounds ${options.rounds}: must be a whole number from 1`);
if (!existsSync(join(models, 'large.pruned.onnx')))
  stop('no models yet: run bench/make_models.py, see bench/README.md');
const hasPython = spawnSync(options.python, ['-c', 'import onnx, numpy']).status === 0;
if (!hasPython) console.log(`${options.python} has no onnx and numpy: their rows are left out; see bench/README.md\n`);

const pair = (name) => [join(models, `${name}.dense.onnx`), join(models, `${name}.pruned.onnx`)];
const check = (name) => {
  const [dense, pruned] = pair(name);
  return [options.node, cli, 'check', '--dense', dense, '--pruned', pruned, '--spec', join(models, 'spec.yaml')];
};
const naive = (name) => [options.python, join(here, 'naive.py'), ...pair(name)];

const version = spawnSync(options.node, ['--version'], { encoding: 'utf8' }).stdout.trim();
console.log(
  `Node ${version}, ${cpus().length} x ${cpus()[0]?.model.trim() ?? 'unknown CPU'}, ${rounds} interleaved rounds\n`,
);

const small = measure([
  { label: 'node -e 0', command: [options.node, '-e', '0'] },
  { label: `check, ${megabytes('mobilenet')} MB model`, command: check('mobilenet') },
  ...(hasPython ? [{ label: 'onnx + numpy, same pair', command: naive('mobilenet') }] : []),
]);
print(small, small[0]);

const large = measure([
  { label: `check, ${megabytes('large')} MB model`, command: check('large') },
  ...(hasPython ? [{ label: 'onnx + numpy, same pair', command: naive('large') }] : []),
]);
print(large, large[0]);

const times = median(small[1].times) / median(small[0].times);
const room = LARGEST_TENSOR + MOST_ABOVE_TENSOR;
const held = times <= MOST_TIMES_BARE;
console.log(`time    ${times.toFixed(2)} times bare Node by medians; asked for: at most ${MOST_TIMES_BARE}`);
const fits = report(large[0].peak, room);
if (options.assert && !(held && fits)) process.exitCode = 1;

function report(peak, most) {
  if (peak === null) {
    console.log('memory  not measured: /usr/bin/time is not there, and the program that ran is not Node');
    return false;
  }
  const limit = `${(LARGEST_TENSOR / 1e6).toFixed(1)} MB of the largest tensor + ${MOST_ABOVE_TENSOR / 1e6} MB`;
  console.log(
    `memory  ${(peak / 1e6).toFixed(1)} MB at most in ${rounds} runs; asked for: at most ${(most / 1e6).toFixed(1)} MB (${limit})`,
  );
  return peak <= most;
}

/** Each round runs every command once, so that whatever else the machine does falls on all of them; the first round only warms up. */
function measure(subjects) {
  const results = subjects.map((subject) => ({ ...subject, times: [], peak: null }));
  for (let round = 0; round <= rounds; round++) {
    for (const result of results) {
      const milliseconds = timed(result.command);
      if (round > 0) result.times.push(milliseconds);
    }
  }
  // Apart from the timing, which the measuring program would lengthen.
  for (const result of results) {
    const peaks = Array.from({ length: rounds }, () => peakBytes(result.command)).filter((peak) => peak !== null);
    if (peaks.length > 0) result.peak = Math.max(...peaks);
  }
  return results;
}

function timed([program, ...args]) {
  const start = process.hrtime.bigint();
  const run = spawnSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' });
  const milliseconds = Number(process.hrtime.bigint() - start) / 1e6;
  demandSuccess(run, program, args);
  return milliseconds;
}

/** By /usr/bin/time; without it a Node program is asked itself; else null. Not of our own child: Linux counts what we held when it was forked. */
function peakBytes([program, ...args]) {
  const file = join(tmpdir(), `prunegate-bench-${process.pid}`);
  try {
    if (existsSync('/usr/bin/time')) {
      demandSuccess(
        spawnSync('/usr/bin/time', ['-v', '-o', file, program, ...args], { encoding: 'utf8' }),
        program,
        args,
      );
      const kilobytes = /Maximum resident set size \(kbytes\): (\d+)/.exec(readFileSync(file, 'utf8'))?.[1];
      return kilobytes === undefined ? null : Number(kilobytes) * 1024;
    }
    if (program !== options.node) return null;
    const env = { ...process.env, PRUNEGATE_BENCH_PEAK: file };
    demandSuccess(
      spawnSync(program, ['--require', join(here, 'peak.cjs'), ...args], { env, encoding: 'utf8' }),
      program,
      args,
    );
    return Number(readFileSync(file, 'utf8'));
  } finally {
    rmSync(file, { force: true });
  }
}

function demandSuccess({ status, error, stderr }, program, args) {
  if (status !== 0)
    stop(`${[program, ...args].join(' ')} failed: ${error?.message ?? `exit status ${status}`}\n${stderr ?? ''}`);
}

function print(results, base) {
  const rows = [
    ['', 'median ms', 'min ms', 'ratio of medians', 'ratio of minima', 'peak RSS MB'],
    ...results.map(({ label, times: all, peak }) => [
      label,
      median(all).toFixed(1),
      Math.min(...all).toFixed(1),
      (median(all) / median(base.times)).toFixed(2),
      (Math.min(...all) / Math.min(...base.times)).toFixed(2),
      peak === null ? '-' : (peak / 1e6).toFixed(1),
    ]),
  ];
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  for (const row of rows)
    console.log(row.map((cell, k) => (k === 0 ? cell.padEnd(widths[k]) : cell.padStart(widths[k]))).join('   '));
  console.log();
}

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function megabytes(name) {
  return Math.round(statSync(join(models, `${name}.dense.onnx`)).size / 1e6);
}

function stop(message) {
  console.error(message);
  process.exit(2);
}
