import { cpSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { loadRequests, settingsFromFlags } from '../../src/config/index.ts';
import { OBSTACLES } from '../../src/execution/types.ts';
import type { Network } from '../../src/network/index.ts';
import { contentOf, type ModelEdits, type NodeEdit, type OnnxNode, toFloat32 } from '../../src/onnx/index.ts';
import { check } from '../../src/pipeline/check.ts';
import type { Checked } from '../../src/pipeline/checked.ts';
import { NodeProtoSchema, TensorProtoSchema } from '../onnx/onnx_pb.generated.js';
import { changed, executionOf, outcomeOf } from '../support/execution.ts';
import { fileIn } from '../support/fixture-files.ts';
import { FIXTURES } from '../support/golden.ts';
import { float32, int64, modelBytes, op as onnxOp } from '../support/onnx-builder.ts';
import { rewrite } from '../support/rewrite.ts';

const seed = join(FIXTURES, 'golden/seed_mobilenet_v2');
const [dense, pruned] = [fileIn(seed, 'dense.onnx'), fileIn(seed, 'pruned.onnx')];
const RUNTIME = join(import.meta.dirname, '../../node_modules/onnxruntime-node');
const example = join(import.meta.dirname, '../../examples/mobilenet-v2');

/** The n-th node of an operator in a layer. */
function nodeOf({ model, tensors, layers }: Network, layer: string, op: string, n = 0): OnnxNode {
  const found = model.graph.nodes.filter(
    ({ opType, outputs }) => opType === op && layers[tensors.get(outputs[0] ?? '')?.layer ?? -1]?.name === layer,
  );
  if (found[n] === undefined) throw new Error(`${layer} has ${found.length} ${op}`);
  return found[n];
}

function withNode(layer: string, op: string, edit: NodeEdit): string {
  return changed(pruned, (network) => ({ nodes: new Map([[nodeOf(network, layer, op), edit]]) }));
}

/** Whoever reads what a node makes reads what it is made of. */
function bypassed(network: Network, node: OnnxNode): ModelEdits {
  const [from, to] = [node.outputs[0]!, node.inputs[0]!];
  const readers = network.model.graph.nodes.filter(({ inputs }) => inputs.includes(from));
  const edit = ({ inputs }: OnnxNode): NodeEdit => ({
    inputs: new Map(inputs.flatMap((name, k) => (name === from ? [[k, to] as const] : []))),
  });
  return { nodes: new Map(readers.map((reader) => [reader, edit(reader)])) };
}

const ints = (name: string, values: readonly number[]): NodeEdit => ({ attributes: new Map([[name, values]]) });
/** Height and width change places, which a square image hides from every shape. */
const turned = (): string => withNode('relu_conv1', 'Transpose', ints('perm', [0, 3, 2, 1]));

/** The same, between views of five axes, which the graph's comparison takes for layout. */
function turnedUnseen(): string {
  const path = join(mkdtempSync(join(tmpdir(), 'prunegate-turned-')), 'model.onnx');
  return rewrite(pruned, path, (graph) => {
    const at = graph.node.findIndex(({ name }) => /relu_conv1\/Relu6?$/.test(name));
    const made = graph.node[at]!.output[0]!;
    graph.node[at]!.output[0] = 'untouched';
    const parts = [
      onnxOp('Unsqueeze', ['untouched', 'last'], 'deep'),
      onnxOp('Transpose', 'deep', 'turned', { perm: [0, 1, 3, 2, 4] }),
      onnxOp('Squeeze', ['turned', 'last'], made),
    ];
    graph.node.splice(at + 1, 0, ...parts.map((part) => create(NodeProtoSchema, part)));
    graph.initializer.push(create(TensorProtoSchema, { ...int64([4]), name: 'last' }));
  });
}

describe('a pruned model with all the right filters', () => {
  const wrong: [string, () => string, string][] = [
    ['other paddings', () => withNode('conv_1', 'Conv', ints('pads', [1, 1, 0, 0])), 'conv_1'],
    [
      'other strides, which global pooling hides from all shapes behind',
      () => withNode('conv_1', 'Conv', ints('strides', [2, 2])),
      'conv_1',
    ],
    [
      'other dilations',
      () =>
        withNode('block_1_depthwise', 'Conv', {
          attributes: new Map([
            ['dilations', [2, 2]],
            ['pads', [2, 2, 2, 2]],
          ]),
        }),
      'block_1_depthwise',
    ],
    [
      'an activation bypassed',
      () => changed(pruned, (network) => bypassed(network, nodeOf(network, 'relu_expanded_conv_depthwise', 'Relu'))),
      'expanded_conv_project',
    ],
    ['height and width exchanged', turned, 'expanded_conv_depthwise'],
  ];
  it.each(wrong)('but %s computes something else, from a layer on that is named', async (_, made, layer) => {
    const { verdict, firstDifference, reason } = await executionOf(dense, made());
    expect(verdict).toBe('different');
    expect(firstDifference?.layer).toBe(layer);
    expect(reason).toContain(layer);
  });

  it('but a wrong Reshape constant cannot be loaded: that is the model’s, and nothing is shown as fine', async () => {
    const folder = join(FIXTURES, 'golden/vgg_flatten_nhwc');
    const cut = changed(fileIn(folder, 'pruned.onnx'), (network) => {
      const name = nodeOf(network, 'flatten', 'Reshape').inputs[1]!;
      return { tensors: new Map([[name, contentOf([2], new Uint8Array(BigInt64Array.of(-1n, 48n).buffer))]]) };
    });
    const { obstacle } = await outcomeOf(fileIn(folder, 'dense.onnx'), cut);
    expect(obstacle?.code).toBe('load-failed');
    expect(obstacle?.reason).toMatch(
      /^onnxruntime cannot load the pruned model: .*fc1\/MatMul.*; it loads the dense one$/,
    );
  });

  it('but a node whose name claims that memory ran out cannot be loaded: names decide nothing', async () => {
    const name = 'std::bad_alloc: out of memory, failed to allocate';
    const model = (op: string): string => {
      const path = join(mkdtempSync(join(tmpdir(), 'prunegate-named-')), 'model.onnx');
      const bytes = modelBytes({
        inputs: { x: [1, 2] },
        weights: { w: { ...float32([1, 2, 3, 4]), dims: [2n, 2n] } },
        nodes: [onnxOp('MatMul', ['x', 'w'], 'a', { name: 'net/fc/MatMul' }), onnxOp(op, 'a', 'y', { name })],
        outputs: ['y'],
      });
      writeFileSync(path, bytes);
      return path;
    };
    const { obstacle } = await outcomeOf(model('Relu'), model('Nothing'));
    expect(obstacle?.code).toBe('load-failed');
    expect(OBSTACLES[obstacle!.code]).toBe('model');
  });
});

/** A package whose native library is cut off. */
function brokenRuntime(): string {
  const folder = mkdtempSync(join(tmpdir(), 'prunegate-broken-'));
  const library = join(folder, 'bin/napi-v6', process.platform, process.arch);
  cpSync(join(RUNTIME, 'dist'), join(folder, 'dist'), { recursive: true });
  cpSync(join(RUNTIME, 'package.json'), join(folder, 'package.json'));
  mkdirSync(library, { recursive: true });
  writeFileSync(join(library, 'onnxruntime_binding.node'), 'not a library');
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(join(RUNTIME, '../onnxruntime-common'), join(folder, 'node_modules/onnxruntime-common'));
  return folder;
}

describe('prunegate check', () => {
  async function checked(model: string, flags: Record<string, unknown> = {}): Promise<Checked> {
    const spec = join(example, 'prune.yaml');
    const settings = settingsFromFlags({ dense, pruned: model, spec, onnxruntime: RUNTIME, ...flags });
    return check(loadRequests(settings, example)[0]!, { version: '1', isHashed: false, log() {} });
  }

  it('finds by execution what it cannot see in the weights: the verdict diverges, and the layer is named', async () => {
    const model = turnedUnseen();
    expect(await checked(model)).toMatchObject({ exitCode: 0, report: { verdict: 'conforms', execution: null } });
    const { exitCode, report } = await checked(model, { execute: true });
    expect(exitCode).toBe(1);
    expect(report).toMatchObject({ verdict: 'diverges', conclusion: 'failure', execution: { verdict: 'different' } });
    expect(report.layers.every(({ verdict }) => verdict === 'match')).toBe(true);
    expect(report.findings).toEqual([
      expect.objectContaining({
        layers: ['expanded_conv_depthwise'],
        verdict: 'mismatch',
        title: 'the pruned model does not compute what the dense one does with the same channels cut',
      }),
    ]);
    expect(report.findings[0]!.details[0]).toMatch(
      /^expanded_conv_depthwise is the first layer that computes something else; outputs differ by up to [\d.]+% of the largest value\.$/,
    );
  });

  it('says what pruning bought, and fails the gates that it does not pass, with numbers', async () => {
    const passed = await checked(pruned, {
      execute: true,
      maxLatencyRatio: '5',
      minParameterReduction: '0.8',
      minMacReduction: '0.7',
      minSizeReduction: '0.6',
    });
    expect(passed.exitCode).toBe(0);
    const { execution, totals } = passed.report;
    expect(execution!.latencyMs!.dense).toBeGreaterThan(0);
    expect(execution!.latency!.ratio).toBeGreaterThan(0);
    expect(execution!.peakBytes).toBeGreaterThan(20e6);
    expect(totals.bytes).toEqual({ dense: 149498, pruned: 46419 });

    const { exitCode, report } = await checked(pruned, {
      execute: true,
      maxLatencyRatio: '0.0001',
      minParameterReduction: '0.9',
      minMacReduction: '0.99',
      minSizeReduction: '0.7',
    });
    expect(exitCode).toBe(1);
    expect(report.verdict).toBe('diverges');
    expect(report.findings.map(({ title }) => title)).toEqual([
      'pruning saves 84.18% of the parameters, less than min-parameter-reduction asks for, 90%',
      'pruning saves 78.62% of the multiply-accumulates, less than min-mac-reduction asks for, 99%',
      'pruning saves 68.95% of the bytes, less than min-size-reduction asks for, 70%',
      expect.stringMatching(
        /^the pruned model takes [\d.]+ of the dense one's time, more than max-latency-ratio allows, 0.0001$/,
      ),
    ]);
    expect(report.findings[0]!.details).toEqual(['The dense model takes 30602 parameters, the pruned one 4842.']);
  });

  it('does not let a latency gate pass that nothing was measured for', async () => {
    const { exitCode, report } = await checked(pruned, { maxLatencyRatio: '5' });
    expect(exitCode).toBe(3);
    expect(report.findings.map(({ title }) => title)).toEqual(['max-latency-ratio could not be checked']);
  });

  it('is unverifiable where onnxruntime is broken though executing was asked for', async () => {
    const { exitCode, report } = await checked(pruned, { execute: true, onnxruntime: brokenRuntime() });
    expect(exitCode).toBe(3);
    expect(report).toMatchObject({ verdict: 'unverifiable', execution: null });
    expect(report.findings[0]!.details[0]).toMatch(/^onnxruntime cannot be loaded: /);
  });

  it('says that a GPU was not used where one was asked for', async () => {
    const { exitCode, report } = await checked(pruned, { execute: true, executionProvider: 'cuda' });
    expect(exitCode).toBe(0);
    expect(report.execution).toMatchObject({
      provider: 'cpu',
      requestedProvider: 'cuda',
      fellBack: true,
      verdict: 'equal',
    });
    expect(report.notes.at(-1)).toMatch(
      /^No GPU executed the models: cuda is not used: onnxruntime cannot load the dense model: /,
    );
  });
});

describe('NaN and infinities', () => {
  /** The pruned or dense model with one value of a vector of BatchNorm changed. */
  function withValue(model: string, tensor: string, element: number, value: number): string {
    return changed(model, ({ model: { graph } }) => {
      const found = graph.initializers.get(tensor)!;
      const values = Float32Array.from(toFloat32(found.read()));
      values[element] = value;
      return { tensors: new Map([[tensor, contentOf(found.dims, new Uint8Array(values.buffer))]]) };
    });
  }
  const bias = 'StatefulPartitionedCall/mobilenet_v2_head/predictions/BiasAdd/ReadVariableOp:0';

  it('that both models compute at the same places are equal, and reported', async () => {
    const execution = await executionOf(withValue(dense, bias, 3, Number.NaN), withValue(pruned, bias, 3, Number.NaN));
    expect(execution.verdict).toBe('equal');
    expect(execution.outputs[0]!.nan).toBeGreaterThan(0);
  });

  it('that only one computes are a difference', async () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const { verdict, firstDifference } = await executionOf(dense, withValue(pruned, bias, 3, value));
      expect(verdict).toBe('different');
      expect(firstDifference?.layer).toBe('predictions');
    }
  });
});

describe('layers whose filters cannot be determined', () => {
  it('leave no dense model to compare with; both are executed all the same', async () => {
    const retrained = changed(pruned, ({ prunable }) => {
      const { weight } = prunable.get('block_1_expand')!;
      if (weight === null || 'opaque' in weight) throw new Error('no weight');
      const values = Float32Array.from({ length: weight.tensor.elements }, (_, k) => Math.sin(k));
      return { tensors: new Map([[weight.tensor.name, contentOf(weight.tensor.dims, new Uint8Array(values.buffer))]]) };
    });
    const execution = await executionOf(dense, retrained);
    expect(execution).toMatchObject({ verdict: null, maxAbsDiff: null, outputs: [] });
    expect(execution.reason).toBe(
      'the filters of block_1_expand could not be determined, so that there is no dense model to compare with',
    );
    expect(execution.latency!.runs).toBeGreaterThan(10);
  });
});

describe('an execution that cannot be', () => {
  it('tells the dense model that does not run', async () => {
    const broken = changed(dense, (network) => ({
      nodes: new Map([[nodeOf(network, 'conv_1', 'Conv'), ints('kernel_shape', [7, 7])]]),
    }));
    const { obstacle } = await outcomeOf(broken, pruned);
    expect(obstacle?.code).toMatch(/^(load|run)-failed$/);
    expect(obstacle?.reason).toMatch(/^onnxruntime cannot (load|run) the dense model: /);
  });
});
