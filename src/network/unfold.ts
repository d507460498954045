import { once } from './once.ts';
import type { Layer, Network } from './types.ts';

type Exporter = 'tf2onnx' | 'tf2onnx-keras' | 'keras2onnx' | 'torchscript' | 'dynamo';

/**
 * What keeps BatchNorm in the graph, for each exporter: tf2onnx's optimizer back_to_back_optimizer.py left out, or, for the
 * arithmetic that plain Keras's BatchNormalization is, transpose_optimizer.py's; keras2onnx's optimizer of onnxconverter-common;
 * TorchScript's eval peephole, which runs under do_constant_folding only (earlier than PyTorch 2 in eval mode always);
 * onnxscript's rewrite rules, which `optimize` switches.
 */
const SNIPPETS: Readonly<Record<Exporter, string>> = {
  tf2onnx:
    'run `from tf2onnx import optimizer; optimizer._optimizers.pop("remove_back_to_back", None)` before tf2onnx converts it',
  'tf2onnx-keras':
    'run `from tf2onnx.optimizer.transpose_optimizer import TransposeOptimizer; TransposeOptimizer._mul_handler = lambda self, trans, node: False` before tf2onnx converts it',
  keras2onnx:
    'run `from onnxconverter_common import optimizer; optimizer.ConvBatchNormOptimizer.find = staticmethod(lambda node: None)` before `keras2onnx.convert_keras`',
  torchscript:
    'use `torch.onnx.export(model, args, "dense.onnx", dynamo=False, do_constant_folding=False)`, and before PyTorch 2 also `training=torch.onnx.TrainingMode.PRESERVE` after `model.train()`',
  dynamo: 'use `torch.onnx.export(model, args, "dense.onnx", dynamo=True, optimize=False)`',
};

/**
 * How to export the model of these layers without folding BatchNorm, for the exporter that wrote it, as one sentence. Asked for each
 * layer that may be folded, and the same for all.
 */
export const exportUnfolded = once((network: Network): string => {
  const ways = exportersOf(network).map((exporter) => SNIPPETS[exporter]);
  return `Export the dense model without folding: ${ways.join('; or ')}.`;
});

/** By what the exporter left in the names of folded tensors, else by the file's producer; all where neither tells. */
function exportersOf(network: Network): readonly Exporter[] {
  const names = [...network.prunable.values()]
    .flatMap(weightName)
    .concat(network.followers.map(({ tensor }) => tensor.name));
  const has = (pattern: RegExp): boolean => names.some((name) => pattern.test(name));
  if (has(/_(weights|bias)_fused_bn$/)) return ['tf2onnx'];
  if (has(/_[WB]_new$/) || network.model.producer.name === 'keras2onnx') return ['keras2onnx'];
  if (has(/\/batchnorm\/(sub|mul)(__\d+)?$/)) return ['tf2onnx-keras'];
  if (has(/\.weight_bias$/)) return ['dynamo'];
  if (has(/^onnx::Conv_/)) return ['torchscript'];
  const producer = network.model.producer.name;
  if (producer === 'tf2onnx') return ['tf2onnx'];
  return producer === 'pytorch' ? ['torchscript', 'dynamo'] : ['tf2onnx', 'torchscript', 'dynamo'];
}

function weightName({ weight }: Layer): string[] {
  return weight === null || 'opaque' in weight ? [] : [weight.tensor.name];
}
