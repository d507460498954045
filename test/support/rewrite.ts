import { readFileSync, writeFileSync } from 'node:fs';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { type GraphProto, type ModelProto, ModelProtoSchema, type NodeProto } from '../onnx/onnx_pb.generated.js';

/** Changes a model file and writes it under another path. */
export function rewrite(from: string, to: string, change: (graph: GraphProto, model: ModelProto) => void): string {
  const model = fromBinary(ModelProtoSchema, readFileSync(from));
  change(model.graph!, model);
  writeFileSync(to, toBinary(ModelProtoSchema, model));
  return to;
}

/** Takes all names from nodes, weights and tensors, as optimizers do; the model's inputs and outputs keep theirs. */
export function dropNames(graph: GraphProto): void {
  const kept = new Set([...graph.input, ...graph.output].map(({ name }) => name));
  const renamed = new Map<string, string>();
  const fresh = (name: string): string => {
    if (name === '' || kept.has(name)) return name;
    if (!renamed.has(name)) renamed.set(name, String(1000 + renamed.size));
    return renamed.get(name)!;
  };
  for (const tensor of graph.initializer) tensor.name = fresh(tensor.name);
  for (const node of graph.node) {
    node.name = '';
    node.input = node.input.map(fresh);
    node.output = node.output.map(fresh);
  }
  graph.valueInfo = [];
}

/** Another order of the nodes, in which each still comes after what it reads: the last that is ready comes first. */
export function reorder(graph: GraphProto): void {
  const made = new Set([...graph.input.map(({ name }) => name), ...graph.initializer.map(({ name }) => name), '']);
  const left = [...graph.node];
  const ordered: NodeProto[] = [];
  while (left.length > 0) {
    const at = left.findLastIndex((node) => node.input.every((name) => made.has(name)));
    const [node] = left.splice(at, 1);
    for (const name of node!.output) made.add(name);
    ordered.push(node!);
  }
  graph.node = ordered;
}

/** Names of another scheme for every node. */
export function nameOtherwise(graph: GraphProto): void {
  dropNames(graph);
  for (const [k, node] of graph.node.entries()) node.name = `other/net/step_${k}/${node.opType}`;
}
