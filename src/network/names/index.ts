import type { OnnxModel, OnnxNode } from '../../onnx/index.ts';
import { keras2onnxNames } from './keras2onnx.ts';
import type { SourceNames } from './source-name.ts';
import { MADE_UP, tensorflowNames } from './tensorflow.ts';
import { isTorchName, torchNames } from './torch.ts';

/**
 * Names that only count: tensors of the TorchScript exporter (`412`, `onnx::Conv_412`), nodes that are named by their operator
 * (`Conv_12`; `node_Conv_203`, `node_conv2d_3` of the dynamo exporter), which several optimizers do too.
 */
const COUNTED = /^(onnx::)?([A-Z][A-Za-z]*_)?\d+(_output_\d+)?$|^node_\w+$/;

/** Whether an exporter made a name up, so that it tells nothing of the layer. */
export function isMadeUp(name: string): boolean {
  return MADE_UP.test(name.replace(/:\d+$/, '')) || COUNTED.test(name);
}

/** What the names in a model tell, by the exporter that gave them. */
export function sourceNames({ producer, graph }: OnnxModel, hasWeight: (node: OnnxNode) => boolean): SourceNames {
  const { nodes } = graph;
  if (producer.name === 'keras2onnx') return keras2onnxNames(graph, hasWeight);
  return nodes.some(({ name }) => isTorchName(name)) ? torchNames(nodes) : tensorflowNames(nodes, hasWeight);
}
