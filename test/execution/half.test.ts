import { mkdtempSync } from 'node:fs';
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

describe('a model in half precision that is executed', () => {
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
