import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { AttributeProto_AttributeType, type GraphProto, NodeProtoSchema } from '../onnx/onnx_pb.generated.js';
import { outcomeOf } from '../support/execution.ts';
import { fileIn } from '../support/fixture-files.ts';
import { FIXTURES, goldensIn } from '../support/golden.ts';
import { CONVERTERS, convertGraph } from '../support/narrow-model.ts';
import { rewrite } from '../support/rewrite.ts';

const work = mkdtempSync(join(tmpdir(), 'prunegate-half-'));
const { folder } = goldensIn(join(FIXTURES, 'golden')).find(({ name }) => name === 'seed_mobilenet_v2')!;
const [DENSE, PRUNED] = [fileIn(folder, 'dense.onnx'), fileIn(folder, 'pruned.onnx')];
const [FLOAT, FLOAT16] = [1n, 10n];

/** Weights in float16, and casts behind the inputs and before the outputs, as onnxruntime.transformers writes it with `keep_io_types`. */
function halved(graph: GraphProto): void {
  convertGraph(graph, CONVERTERS.half);
  graph.valueInfo = [];
  const cast = (from: string, to: string, type: bigint) =>
    create(NodeProtoSchema, {
      ...{ opType: 'Cast', name: `cast ${from}`, input: [from], output: [to] },
      attribute: [{ name: 'to', type: AttributeProto_AttributeType.INT, i: type }],
    });
  const rename = (names: string[], from: string, to: string): string[] =>
    names.map((name) => (name === from ? to : name));
  for (const { name } of graph.input) {
    for (const node of graph.node) node.input = rename(node.input, name, `${name}_half`);
    graph.node.unshift(cast(name, `${name}_half`, FLOAT16));
  }
  for (const { name } of graph.output) {
    for (const node of graph.node) {
      node.output = rename(node.output, name, `${name}_half`);
      node.input = rename(node.input, name, `${name}_half`);
    }
    graph.node.push(cast(`${name}_half`, name, FLOAT));
  }
}

/** All of it in float16, inputs and outputs too, as `model.half()` is exported. */
function halfThroughout(graph: GraphProto): void {
  convertGraph(graph, CONVERTERS.half);
  graph.valueInfo = [];
  for (const { type } of [...graph.input, ...graph.output])
    if (type?.value.case === 'tensorType') type.value.value.elemType = Number(FLOAT16);
}

/** Numbers in float32, as most samples are. */
function sampleIn(folder: string): string {
  const path = join(folder, 'sample.npy');
  const header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3, 64, 64), }".padEnd(117);
  const start = Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0, header.length + 1, 0]);
  const values = Float32Array.from({ length: 3 * 64 * 64 }, (_, k) => Math.sin(k));
  writeFileSync(path, Buffer.concat([start, Buffer.from(`${header}\n`), Buffer.from(values.buffer)]));
  return path;
}
const sample = sampleIn(work);

describe('a model in half precision that is executed', () => {
  it.each(['pruned', 'dense'])(
    'may take inputs in half precision, where the other does not: the %s one',
    async (side) => {
      const half = rewrite(side === 'pruned' ? PRUNED : DENSE, join(work, `${side}.onnx`), halfThroughout);
      const models = side === 'pruned' ? ([DENSE, half] as const) : ([half, PRUNED] as const);
      const { execution, obstacle } = await outcomeOf(...models, { inputs: [sample] });
      expect(obstacle).toBeNull();
      expect(execution).toMatchObject({
        verdict: 'equal',
        tolerance: 5e-2,
        cases: expect.arrayContaining([sample]),
      });
      expect(execution?.inputs[0]?.type).toBe(side === 'pruned' ? 'float16' : 'float32');
    },
  );

  it('takes samples in float32 where both models take halves', async () => {
    const models = [DENSE, PRUNED].map((path, k) => rewrite(path, join(work, `both-${k}.onnx`), halfThroughout));
    const { execution, obstacle } = await outcomeOf(models[0]!, models[1]!, { inputs: [sample] });
    expect(obstacle).toBeNull();
    expect(execution).toMatchObject({ verdict: 'equal', inputs: [{ type: 'float16' }] });
  });

  it('is not where it takes bfloat16, of which one line says so', async () => {
    const brain = rewrite(PRUNED, join(work, 'brain.onnx'), (graph) => {
      convertGraph(graph, CONVERTERS.brain);
      for (const { type } of [...graph.input, ...graph.output])
        if (type?.value.case === 'tensorType') type.value.value.elemType = 16;
    });
    expect(await outcomeOf(DENSE, brain)).toMatchObject({
      execution: null,
      obstacle: { code: 'inputs-unknown', reason: expect.stringContaining('onnxruntime-node feeds no bfloat16') },
    });
  });

  it('computes what the float32 dense model does, but for the rounding of its weights', async () => {
    const pruned = rewrite(PRUNED, join(work, 'half.onnx'), halved);
    const { execution, obstacle } = await outcomeOf(DENSE, pruned);
    expect(obstacle).toBeNull();
    expect(execution).toMatchObject({ verdict: 'equal', tolerance: 5e-2 });
  });

  it('is called neither right nor wrong where it differs by more', async () => {
    const pruned = rewrite(PRUNED, join(work, 'other.onnx'), (graph) => {
      halved(graph);
      for (const node of graph.node) if (node.opType === 'Clip' || node.opType === 'Relu') node.opType = 'Abs';
      for (const node of graph.node) if (node.opType === 'Abs') node.input.length = 1;
    });
    const { execution } = await outcomeOf(DENSE, pruned);
    expect(execution).toMatchObject({ verdict: null, reason: expect.stringContaining('of different types') });
  });
});
