import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { configOf, parseYaml, specFromFile } from '../../src/config/index.ts';
import { readReported, readSpec } from '../../src/dialects/index.ts';
import { type Network, readNetwork } from '../../src/network/index.ts';
import { memoryModel, readModel } from '../../src/onnx/index.ts';
import { asking, judgeNetworks } from '../../src/pipeline/judge-networks.ts';
import { modelSize } from '../../src/pipeline/models.ts';
import { makeReport } from '../../src/report/index.ts';
import { readReports } from '../../src/report/merge.ts';
import { numpyArrays } from '../../src/tensor-files/index.ts';
import { pictureArrays } from '../../src/tensor-files/pictures.ts';
import { modelArbitrary } from '../onnx/arbitrary.ts';
import { ModelProtoSchema } from '../onnx/onnx_pb.generated.js';
import { mutated } from './mutate.ts';
import { MODELS, NPY, PICTURES, ZIP } from './seeds.ts';

/** A reader of what may be hostile. */
export interface Target {
  readonly name: string;
  readonly inputs: fc.Arbitrary<Uint8Array>;
  /** Reads it. @throws InputError for what cannot be read */
  read(input: Uint8Array): void;
}

const root = join(import.meta.dirname, '../..');
const fixture = (...path: string[]): Uint8Array => new Uint8Array(readFileSync(join(root, 'test/fixtures', ...path)));
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytesOf = (value: string): Uint8Array => new TextEncoder().encode(value);
const at = (key: string) => ({ file: null, line: null, key });

const network = (bytes: Uint8Array, beside?: ReadonlyMap<string, Uint8Array>): Network =>
  readNetwork(readModel(memoryModel('model.onnx', bytes, beside)));
const dense = network(MODELS[1]!);

const PRUNERS = [
  'threshold: 0.5\nmin_num_filters: 1\ngranularity: 1\n',
  'dialect: torch-pruning\nprune: { importance: { type: MagnitudeImportance, p: 2 }, pruning_ratio: 0.5 }\n',
];
const readText = (spec: string) => readSpec(specFromFile(parseYaml(spec, 'spec.yaml')), at('spec'));

/** Varints that are near something: lengths, tags, sizes. */
const WIRE = [0, 1, 0x7f, 0x80, 0xff]
  .map((byte) => Uint8Array.of(byte))
  .concat([
    new Uint8Array([0xff, 0xff, 0xff, 0xff, 0x0f]),
    new Uint8Array([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]),
    new Uint8Array([0x80, 0x80, 0x80, 0x80, 0x08]),
    new Uint8Array([0x0b]),
    new Uint8Array([0x0c]),
  ]);
const OPERATORS = [
  'Conv',
  'Add',
  'Mul',
  'Concat',
  'Split',
  'Slice',
  'Gather',
  'Reshape',
  'Transpose',
  'Pad',
  'Loop',
  'If',
  'perm',
  'axis',
  'group',
];

/** All of its tensors too, for their bytes are read late. */
function readWhole(bytes: Uint8Array, beside?: ReadonlyMap<string, Uint8Array>): void {
  const read = readModel(memoryModel('model.onnx', bytes, beside));
  readNetwork(read);
  for (const tensor of read.graph.initializers.values()) tensor.read(read.buffer);
}

const LOCATIONS = [
  'w.bin',
  '../w.bin',
  'a/../../w.bin',
  '/etc/passwd',
  '',
  '.',
  'a/./w.bin',
  'C:\\w',
  'w.bin\0',
  'con',
  'ä',
  '%2e%2e/w',
];
const NUMBERS = ['0', '4', '-1', '1e9', '0x10', '3.5', '9007199254740993', '18446744073709551616', '', ' 4', '4 ', '٣'];
const KEYS = ['location', 'offset', 'length', 'checksum', 'basepath', 'offset '];
const external = fc
  .record({
    entries: fc.array(
      fc.record({
        key: fc.constantFrom(...KEYS),
        value: fc.oneof(fc.constantFrom(...LOCATIONS, ...NUMBERS), fc.string()),
      }),
      { maxLength: 5 },
    ),
    dims: fc.array(fc.bigInt({ min: -2n, max: 2n ** 40n }), { maxLength: 3 }),
    dataType: fc.nat(24),
  })
  .map(({ entries, dims, dataType }) =>
    toBinary(
      ModelProtoSchema,
      create(ModelProtoSchema, {
        graph: {
          initializer: [{ name: 'w', dims, dataType, externalData: entries, dataLocation: 1 }],
          node: [{ opType: 'Conv', input: ['x', 'w'], output: ['y'] }],
        },
      }),
    ),
  );

const REPORT = bytesOf(JSON.stringify(reportOf()));

/** The report of a small model. */
function reportOf(): unknown {
  const pruner = readText(PRUNERS[0]!);
  const expectation = pruner.expect(dense, null);
  const sides = { dense, pruned: dense, folded: null };
  const size = { dense: modelSize(dense), pruned: modelSize(dense) };
  return makeReport({
    ...{ version: '0', model: 'model', dense, pruned: dense, sizes: size, isHashed: false },
    decided: { dialect: pruner.name, spec: pruner.spec, expectation, lints: [] },
    judgement: judgeNetworks(sides, asking(pruner, dense, null), {
      reported: null,
      tolerance: null,
      at: (key) => pruner.spec.at(key),
    }).retention,
  });
}

const YAML = [
  ': ',
  '- ',
  '\n',
  '\n  ',
  '{',
  '}',
  '[',
  ']',
  '&a ',
  '*a',
  '<<: ',
  '!!binary ',
  '|',
  '>',
  '"',
  "'",
  '# ',
  '? ',
  '---\n',
  '\t',
  '\u0085',
  '\ufeff',
  '~',
  '.inf',
  '1e400',
  '0x',
  'null',
  '__proto__',
  'constructor',
  'toString',
];
const CONFIG = bytesOf(
  'fail-on: [mismatch]\ncomment: never\nreport-dir: out\nmodels:\n  - name: a\n    dense: a.onnx\n    pruned: b.onnx\n    spec: { threshold: 0.5 }\n    prune: { run: "x", env: { A: 1 } }\n    overrides: [prune.threshold=0.4]\n    input-shapes: { x: [1, 3, 8, 8] }\n',
);
const CONFIG_KEYS = [
  'models',
  'name',
  'dense',
  'spec',
  'export',
  'tolerance',
  'inputs',
  'max-latency-ratio',
  'formats',
  'policy',
];

const OVERRIDE = '\n#override ';
const SPECS = [
  bytesOf(
    'prune:\n  threshold: 0.5\n  normalizer: L2\n  granularity: 8\n  min_num_filters: 16\n  excluded_layers: [conv1, conv2]\n  equalization_criterion: union\ntask: classification\n',
  ),
  bytesOf(
    'dialect: tao-tf1\nnetwork: ssd\nprune: "-m a -o b -pth 0.3 -n L2 -el conv1 conv2 -nf 8 -g 4 -eq intersection"\n',
  ),
  bytesOf(
    'dialect: torch-pruning\nprune:\n  importance: { type: MagnitudeImportance, p: 2, group_reduction: mean, normalizer: mean }\n  pruning_ratio: 0.5\n  pruning_ratio_dict: { conv1: 0.3 }\n  ignored_layers: [conv2]\n  round_to: 8\n  global_pruning: true\n  isomorphic: true\n  scores: s.npz\n  out_channel_groups: { conv1: 2 }\n',
  ),
];
const SPEC_KEYS = [
  'threshold: ',
  '0.5',
  '-1',
  '1e308',
  '.nan',
  'excluded_layers: ',
  'granularity: ',
  'dialect: ',
  'tao-tf1',
  'torch-pruning',
  'declared',
  'importance: ',
  'TaylorImportance',
  '-pth',
  '-el',
  '"',
];

const logs = readdirSync(join(root, 'test/fixtures/logs'))
  .filter((name) => /\.(log|txt|json)$/.test(name))
  .map((name) => fixture('logs', name))
  .filter((content) => content.length < 60_000);
const HISTORY = bytesOf('[["conv1", true, [0, 1, 2]], ["conv1", false, [0]], ["bn1", true, [4]]]');
const LOG = [
  '[',
  ']',
  ', ',
  '...',
  '\n',
  'Conv2d',
  '0 1 2',
  '{"conv1": [',
  '"conv1"',
  '1e9',
  '-1',
  'keep_idxs',
  'tensor(',
  'array(',
  '\u001b[31m',
  'DEBUG',
];

export const TARGETS: readonly Target[] = [
  {
    name: 'wire',
    inputs: fc.oneof(
      mutated(MODELS, [...WIRE, ...OPERATORS]),
      modelArbitrary('w').map((init) => toBinary(ModelProtoSchema, create(ModelProtoSchema, init))),
      fc.uint8Array({ maxLength: 64 }),
    ),
    read: (bytes) => readWhole(bytes),
  },
  {
    name: 'check',
    inputs: mutated(MODELS, [...WIRE, ...OPERATORS]),
    read(bytes) {
      const hostile = network(bytes);
      for (const spec of PRUNERS.map(readText)) {
        for (const sides of [
          { dense, pruned: hostile, folded: null },
          { dense: hostile, pruned: dense, folded: null },
          { dense: hostile, pruned: hostile, folded: null },
        ])
          judgeNetworks(sides, asking(spec, sides.dense, null), {
            reported: null,
            tolerance: null,
            at: (key) => spec.spec.at(key),
          });
      }
    },
  },
  {
    name: 'external-data',
    inputs: external,
    read: (bytes) => readWhole(bytes, new Map([['w.bin', new Uint8Array(64)]])),
  },
  {
    name: 'yaml',
    inputs: mutated([CONFIG, ...SPECS], [...YAML, ...CONFIG_KEYS]),
    read: (bytes) => void parseYaml(text(bytes), 'file.yml'),
  },
  {
    name: 'config',
    inputs: mutated([CONFIG], [...YAML, ...CONFIG_KEYS]),
    read: (bytes) => void configOf(parseYaml(text(bytes), 'prunegate.yml'), '/work'),
  },
  {
    name: 'spec',
    inputs: mutated(SPECS, [...YAML, ...SPEC_KEYS, OVERRIDE, `${OVERRIDE}prune.threshold=0.4`]),
    read(bytes) {
      // What stands behind the mark is an override.
      const [first = '', ...rest] = text(bytes).split(OVERRIDE);
      const overrides = rest.map((override) => ({ text: override, place: at('overrides') }));
      const read = (): { name: string; bytes: Uint8Array } => ({ name: 's.npz', bytes: ZIP });
      const spec = readSpec(specFromFile(parseYaml(first, 'spec.yaml', read), overrides), at('spec'));
      const expectation = spec.expect(dense, null);
      expectation.lint('pruned.onnx');
      void [...expectation.layers.keys()].map((name) => expectation.explainLayer(name));
    },
  },
  {
    name: 'log',
    inputs: mutated([...logs, HISTORY], LOG),
    read(bytes) {
      for (const { readLog } of PRUNERS.map(readText)) {
        readReported({ name: 'log.txt', bytes }, at('reported'), (found) => readLog(found, dense));
      }
    },
  },
  {
    name: 'arrays',
    inputs: mutated(
      [ZIP, NPY],
      [...WIRE, 'PK\x01\x02', 'PK\x03\x04', 'PK\x05\x06', "'<f4'", "'descr'", '(3,)', '99999999', '.npy'],
    ),
    read: (bytes) => void numpyArrays({ name: 'a.npz', bytes }, 2 ** 20),
  },
  {
    name: 'pictures',
    inputs: mutated(PICTURES, [
      ...WIRE,
      'IHDR',
      'IDAT',
      'IEND',
      new Uint8Array([0xff, 0xda]),
      new Uint8Array([0xff, 0xc2]),
      new Uint8Array([0xff, 0xc4]),
    ]),
    read: (bytes) => void pictureArrays({ name: 'a.png', bytes }),
  },
  {
    name: 'report',
    inputs: mutated(
      [REPORT],
      [
        '{',
        '}',
        '[',
        ']',
        ',',
        ':',
        'null',
        '"layers"',
        '"reports"',
        '"verdict"',
        '"__proto__"',
        '1e999',
        '-0',
        '\\u0000',
        '"model"',
      ],
    ),
    read: (bytes) => void readReports('report.json', text(bytes)),
  },
];
