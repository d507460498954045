// Times `prunegate check` against bare Node, onnx + numpy, a plain read and a copy in memory, interleaved, and measures memory; writes bench/RESULTS.md.
// bench/README.md says how to run it.
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { cpus, loadavg, release, tmpdir, totalmem } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { goalsOf } from './goals.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const cli = join(here, '../dist/cli.cjs');
const { values: options } = parseArgs({
  options: {
    node: { type: 'string', multiple: true, default: [process.execPath] },
    python: { type: 'string', default: 'python3' },
    models: { type: 'string', default: join(here, 'models') },
    rounds: { type: 'string', default: '7' },
    out: { type: 'string', default: join(here, 'RESULTS.md') },
    assert: { type: 'boolean', default: false },
  },
});
const rounds = Number(options.rounds);
if (!Number.isInteger(rounds) || rounds < 1) stop(`--rounds ${options.rounds}: must be a whole number from 1`);
const model = (name) => join(options.models, name);
if (!existsSync(model('large.pruned.onnx'))) stop('no models yet: run bench/make_models.py, see bench/README.md');
const hasPython = spawnSync(options.python, ['-c', 'import onnx, numpy']).status === 0;
const nodes = options.node.map((path) => ({ path, version: output(path, '--version').slice(1) }));

/** Models of one prunegate.yml: large ones, of which two are checked at a time, and small ones. */
const MANY = 4;
const MANY_SMALL = 50;

/** What is compared with what: each of a section runs once in a round, so that whatever else the machine does falls on all of them. */
const SECTIONS = [
  {
    title: '9 MB: what starting takes',
    pair: 'mobilenet',
    rounds: 2 * rounds,
    subjects: (pair) => [
      ...nodes.flatMap(({ path, version }) => [
        { id: `bare ${version}`, label: `node -e 0, Node ${version}`, command: [path, '-e', '0'] },
        { id: `check ${version}`, label: `check, Node ${version}`, command: check(path, pair, 'spec') },
        { id: `red ${version}`, label: `check that diverges, Node ${version}`, command: check(path, pair, 'other') },
      ]),
      ...naive(pair),
    ],
  },
  { title: '491 MB', pair: 'large', rounds, subjects: large },
  {
    title: '491 MB, read back from the disk',
    pair: 'large',
    id: 'read back',
    rounds,
    isReadBack: true,
    subjects: (pair) => [...checks(pair), plainRead(pair), ...naive(pair)],
  },
  { title: '1.9 GB', pair: 'huge', rounds: Math.ceil(rounds / 3), subjects: large },
  {
    title: 'ViT-B/16, under Torch-Pruning',
    pair: 'vit',
    rounds: Math.ceil(rounds / 2),
    subjects: greenAndRed,
  },
  {
    title: `${MANY} x 491 MB in one prunegate.yml, two at a time`,
    pair: 'large',
    id: 'many',
    rounds: Math.ceil(rounds / 2),
    subjects: (pair) => {
      const config = many(pair, MANY);
      return nodes.flatMap(({ path, version }) => [
        {
          id: `check ${version}`,
          label: `check of all, Node ${version}`,
          command: [path, cli, 'check', '--config', config],
        },
        {
          id: `each ${version}`,
          label: `check of one after the other, Node ${version}`,
          command: [
            'sh',
            '-c',
            `for model in ${names(MANY).join(' ')}; do "$0" "$@" --model $model; done`,
            path,
            cli,
            'check',
            '--config',
            config,
          ],
        },
      ]);
    },
  },
  {
    title: `${MANY_SMALL} x 9 MB in one prunegate.yml`,
    pair: 'mobilenet',
    id: 'small',
    rounds: Math.ceil(rounds / 3),
    subjects: (pair) =>
      nodes.map(({ path, version }) => ({
        id: `check ${version}`,
        label: `check of all, Node ${version}`,
        command: [path, cli, 'check', '--config', many(pair, MANY_SMALL)],
      })),
  },
  {
    title: '20,000 layers',
    pair: 'deep',
    rounds: Math.ceil(rounds / 3),
    subjects: (pair) => [
      ...greenAndRed(pair),
      ...nodes.map(({ path, version }) => ({
        id: `all ${version}`,
        label: `check --all, which prints a line for each, Node ${version}`,
        command: [...check(path, pair, pair), '--all'],
      })),
    ],
  },
  {
    title: 'A layer of 100,000 filters',
    pair: 'wide',
    rounds: Math.ceil(rounds / 2),
    subjects: greenAndRed,
  },
  {
    title: '8 GB of external data in 20 files',
    pair: 'shards',
    rounds: 1,
    subjects: (pair) => [
      {
        id: `check ${nodes[0].version}`,
        label: `check, Node ${nodes[0].version}`,
        command: check(nodes[0].path, pair, 'shards'),
      },
    ],
  },
];

const started = Date.now();
/** Of a run of its own, and gone with it. */
const folder = mkdtempSync(join(tmpdir(), 'prunegate-bench-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const measured = SECTIONS.map((section) => {
  const lacks = lackedBy(section);
  if (lacks !== null) return { ...section, results: null, lacks };
  if (section.isReadBack === true) dropFromCache(section.pair);
  else writeAnew(section.pair);
  return { ...section, results: measure(section.subjects(section.pair), section.rounds) };
});
const goals = goalsOf(measured, nodes);
const text = resultsText();
writeFileSync(options.out, text);
process.stdout.write(text);
if (options.assert && goals.some(({ isMet }) => !isMet)) process.exitCode = 1;

/** Why a section is not measured; null where it is. */
function lackedBy({ pair, isReadBack = false }) {
  if (!existsSync(model(`${pair}.pruned.onnx`))) return `there is no \`${pair}.pruned.onnx\``;
  return isReadBack && !hasPython ? 'there is no Python with onnx and numpy' : null;
}

/**
 * Has the kernel hold a pair's files as they are held when an exporter has just written them: in larger pieces than what it read from a disk, which makes reading
 * them two and a half times as quick. The shards would take 20 GB.
 */
function writeAnew(pair) {
  for (const path of filesOf(pair)) {
    const copy = `${path}.new`;
    try {
      copyFileSync(path, copy);
      renameSync(copy, path);
    } finally {
      rmSync(copy, { force: true });
    }
  }
}

/** Has a pair's files be read from the disk, by the first of the commands to come. */
function dropFromCache(pair) {
  const program = `import os, sys
for path in sys.argv[1:]:
    file = os.open(path, os.O_RDONLY)
    os.fsync(file)
    os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)`;
  demandSuccess(spawnSync(options.python, ['-c', program, ...filesOf(pair)]), options.python, [pair]);
}

function filesOf(pair) {
  return [model(`${pair}.dense.onnx`), model(`${pair}.pruned.onnx`)];
}

function checks(pair) {
  return nodes.map(({ path, version }) => ({
    id: `check ${version}`,
    label: `check, Node ${version}`,
    command: check(path, pair, 'spec'),
  }));
}

function plainRead(pair) {
  return { id: 'read', label: 'both files read once, by cat', command: ['cat', ...filesOf(pair)], isPlain: true };
}

function large(pair) {
  const files = filesOf(pair);
  return [
    ...checks(pair),
    ...nodes.map(({ path, version }) => ({
      id: `json ${version}`,
      label: `check --format json, which hashes, Node ${version}`,
      command: [...check(path, pair, 'spec'), '--format', 'json'],
    })),
    {
      id: `red ${nodes[0].version}`,
      label: `check that diverges, Node ${nodes[0].version}`,
      command: check(nodes[0].path, pair, 'other'),
    },
    ...nodes.map(({ path, version }) => ({
      id: `hash ${version}`,
      label: `SHA-256 of the dense file and nothing else, Node ${version}`,
      command: [path, join(here, 'sha256.cjs'), files[0]],
    })),
    plainRead(pair),
    ...(hasPython
      ? [
          {
            id: 'copy',
            label: 'as many bytes copied in memory, by numpy',
            command: [options.python, join(here, 'memcpy.py'), ...files],
          },
        ]
      : []),
    ...naive(pair),
  ];
}

/** By specs of a pair's own: the one that it was pruned by, and another. */
function greenAndRed(pair) {
  return nodes.flatMap(({ path, version }) => [
    { id: `check ${version}`, label: `check, Node ${version}`, command: check(path, pair, pair) },
    {
      id: `red ${version}`,
      label: `check that diverges, Node ${version}`,
      command: check(path, pair, `${pair}-other`),
    },
  ]);
}

function names(count) {
  return Array.from({ length: count }, (_, k) => `model-${k}`);
}

/** A prunegate.yml in which a pair stands several times. */
function many(pair, count) {
  const [dense, pruned, spec] = [`${pair}.dense.onnx`, `${pair}.pruned.onnx`, 'spec.yaml'].map((name) =>
    resolve(model(name)),
  );
  const path = join(folder, `${pair}-${count}.yml`);
  writeFileSync(path, JSON.stringify({ models: names(count).map((name) => ({ name, dense, pruned, spec })) }));
  return path;
}

function check(node, pair, spec) {
  const [dense, pruned] = filesOf(pair);
  return [node, cli, 'check', '--dense', dense, '--pruned', pruned, '--spec', model(`${spec}.yaml`), '--no-execute'];
}

function naive(pair) {
  if (!hasPython) return [];
  return [{ id: 'naive', label: 'onnx + numpy', command: [options.python, join(here, 'naive.py'), ...filesOf(pair)] }];
}

/** The first round only warms up: what is not in the page cache comes into it. */
function measure(subjects, times) {
  const results = subjects.map((subject) => ({ ...subject, times: [], peak: null }));
  for (let round = 0; round <= times; round++) {
    for (const result of results) {
      const milliseconds = timed(result.command);
      if (round > 0) result.times.push(milliseconds);
    }
  }
  // Apart from the timing, which the measuring program would lengthen.
  for (const result of results)
    if (!result.isPlain)
      result.peak = Math.max(...Array.from({ length: Math.min(times, 3) }, () => peakBytes(result.command)));
  return results;
}

function timed([program, ...args]) {
  const start = process.hrtime.bigint();
  const run = spawnSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' });
  const milliseconds = Number(process.hrtime.bigint() - start) / 1e6;
  demandSuccess(run, program, args);
  return milliseconds;
}

/** By /usr/bin/time; without it a Node program is asked itself; else unknown. Not of our own child: Linux counts what we held when it was forked. */
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
      return kilobytes === undefined ? Number.NaN : Number(kilobytes) * 1024;
    }
    if (!nodes.some(({ path }) => path === program)) return Number.NaN;
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

/** 1 says that a model diverges, of a check. */
function demandSuccess({ status, error, stderr }, program, args) {
  if (status !== 0 && !(status === 1 && args.includes('check')))
    stop(`${[program, ...args].join(' ')} failed: ${error?.message ?? `exit status ${status}`}\n${stderr ?? ''}`);
}

function resultsText() {
  const [cpu] = cpus();
  const machine = `${cpus().length} x ${cpu?.model.trim() ?? 'unknown processor'}, ${Math.round(totalmem() / 1e9)} GB, Linux ${release()}`;
  const seconds = Math.round((Date.now() - started) / 1000);
  const load = loadavg()
    .map((value) => value.toFixed(1))
    .join(', ');
  const python = hasPython
    ? output(
        options.python,
        '-c',
        'import numpy, onnx, sys; print(f"Python {sys.version.split()[0]}, onnx {onnx.__version__}, numpy {numpy.__version__}")',
      )
    : 'none';
  const lost = goals.filter(({ isMet }) => !isMet);
  return `# Results

Written by \`node bench/run.mjs\`, from one run; [README](README.md) says what is measured, and how.

- ${machine}
- Node ${nodes.map(({ version }) => version).join(', ')}; ${python}
- Medians of ${rounds} interleaved rounds (twice as many of the small model, fewer of the largest); ${seconds} s in all. Load of the machine at the end: ${load}.
  Ratios are of medians of the same rounds; what others do on the machine falls on all, but more on what runs longer.

## Goals

| goal | measured | |
| :--- | ---: | :--- |
${goals.map(({ goal, measured: value, isMet }) => `| ${goal} | ${value} | ${isMet ? 'met' : '**missed**'} |`).join('\n')}

${lost.length === 0 ? 'None is missed.' : `Missed: ${lost.length} of ${goals.length}.`}
${measured.map(sectionText).join('')}`;
}

function sectionText({ title, results, pair, lacks }) {
  if (results === null) return `\n## ${title}\n\nNot measured: ${lacks}.\n`;
  const base = results.find(({ id }) => id.startsWith('check'));
  const rows = results.map(({ label, times, peak }) => {
    const ratio = median(times) / median(base.times);
    const memory = peak === null || Number.isNaN(peak) ? '' : (peak / 1e6).toFixed(0);
    return `| ${label} | ${median(times).toFixed(0)} | ${Math.min(...times).toFixed(0)} | ${ratio.toFixed(2)} | ${memory} |`;
  });
  const bytes = ['dense', 'pruned']
    .map((part) => `${part} ${(sizeOf(`${pair}.${part}`) / 1e6).toFixed(0)} MB`)
    .join(', ');
  return `
## ${title}

${bytes}; ratios to \`${base.label}\`.

| | median ms | least ms | ratio | peak MB |
| :--- | ---: | ---: | ---: | ---: |
${rows.join('\n')}
`;
}

function sizeOf(name) {
  const shards = Array.from({ length: 20 }, (_, k) => model(`${name}.${String(k).padStart(2, '0')}.bin`));
  return [model(`${name}.onnx`), ...shards].reduce(
    (sum, path) => sum + (existsSync(path) ? statSync(path).size : 0),
    0,
  );
}

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function output(program, ...args) {
  return spawnSync(program, args, { encoding: 'utf8' }).stdout.trim();
}

function stop(message) {
  console.error(message);
  process.exit(2);
}
