import type { OnnxNode } from '../onnx/index.ts';
import { normalForm } from './operation-forms.ts';
import type { Operation, Operations, Surroundings } from './operation-types.ts';
import { WEIGHTED_OPS } from './operators.ts';
import { readsOf } from './reads.ts';
import type { Network } from './types.ts';

/** Reads a network's operations. Layout (transposes, reshapes), casts and what BatchNorm folding removes are left out. */
export function operationsOf(network: Network): Operations {
  const { graph } = network.model;
  const all: Operation[] = [];
  const made = new Map<string, number>();
  const constants = new Map<string, OnnxNode>();
  const around: Surroundings = {
    network,
    operand: (name) => made.get(name),
    at: (operation) => all[operation]!,
    constant: (name) => constants.get(name),
  };
  for (const { name } of graph.inputs) {
    if (!network.tensors.has(name)) continue;
    made.set(name, all.length);
    all.push({ op: 'Input', settings: {}, inputs: [], call: null, name });
  }
  for (const node of graph.nodes) {
    const [firstOutput = ''] = node.outputs;
    const tensor = network.tensors.get(firstOutput);
    if (tensor === undefined) {
      constants.set(firstOutput, node);
      continue;
    }
    const operands = readsOf(node).flatMap((name) => made.get(name) ?? []);
    const { weight } = network.layers[tensor.layer]!;
    const isCall = WEIGHTED_OPS.has(node.opType) && operands.length <= 1 && weight !== null;
    const call = isCall ? { layer: tensor.layer, call: tensor.call } : null;
    const form = normalForm(around, node, operands, call);
    const name = node.name || firstOutput;
    made.set(firstOutput, 'same' in form ? form.same : all.length);
    if (!('same' in form)) all.push({ ...form, call, name });
    for (const [k, output] of node.outputs.entries()) {
      if (k === 0 || output === '') continue;
      made.set(output, all.length);
      all.push({ op: node.opType, settings: { output: k }, inputs: operands, call: null, name });
    }
  }
  return { all, outputs: graph.outputs.map(({ name }) => made.get(name) ?? null) };
}
