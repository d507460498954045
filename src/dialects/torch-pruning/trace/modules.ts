import type { Layer, LayerSort, Network } from '../../../network/index.ts';

/** What Torch-Pruning takes a module or an autograd node for (ops.py, OPTYPE). */
export type ModuleType =
  | 'Conv'
  | 'DepthwiseConv'
  | 'Linear'
  | 'BatchNorm'
  | 'LayerNorm'
  | 'InstanceNorm'
  | 'GroupNorm'
  | 'PReLU'
  | 'MultiheadAttention'
  | 'LSTM'
  | 'Embedding'
  | 'Concat'
  | 'Split'
  | 'Unbind'
  | 'Slice'
  | 'Reshape'
  | 'Expand'
  | 'ElementWise'
  | 'Output';

/** Types that are modules in PyTorch too, so that they have names and can be ignored. */
const NAMED: ReadonlySet<ModuleType> = new Set([
  'Conv',
  'DepthwiseConv',
  'Linear',
  'BatchNorm',
  'LayerNorm',
  'InstanceNorm',
  'GroupNorm',
  'PReLU',
  'MultiheadAttention',
  'LSTM',
  'Embedding',
]);

export function isNamed(type: ModuleType): boolean {
  return NAMED.has(type);
}

/** Operations of several results, which are one node of autograd's graph. */
export function isSplit(type: ModuleType): boolean {
  return type === 'Split' || type === 'Unbind';
}

/** Types that each group begins with (`root_module_types`). */
export function isRoot(type: ModuleType): boolean {
  return type === 'Conv' || type === 'DepthwiseConv' || type === 'Linear' || type === 'LSTM';
}

/** Types that prune their inputs apart from their outputs; all others have one set of channels (function.py). */
export function isTwoSided(type: ModuleType): boolean {
  return type === 'Conv' || type === 'Linear' || type === 'LSTM';
}

const BY_SORT: Partial<Readonly<Record<LayerSort, ModuleType>>> = {
  'batch-norm': 'BatchNorm',
  'layer-norm': 'LayerNorm',
  'instance-norm': 'InstanceNorm',
  split: 'Split',
  unbind: 'Unbind',
  slice: 'Slice',
  expand: 'Expand',
};

/** @param isOutput whether it makes an output of the model: what is no module is then taken for the output itself (graph.py:535) */
export function typeOf(layer: Layer, isOutput: boolean): ModuleType {
  const type = moduleType(layer);
  return isOutput && !isNamed(type) ? 'Output' : type;
}

function moduleType(layer: Layer): ModuleType {
  switch (layer.kind) {
    case 'conv':
    case 'depthwise':
    case 'conv-transpose':
      // ops.py:286, whatever the number of input channels.
      return layer.groups === layer.filters && layer.filters > 1 ? 'DepthwiseConv' : 'Conv';
    case 'dense':
      return 'Linear';
    case 'embedding':
      return 'Embedding';
    case 'batch-norm':
      return layer.groups > 1 ? 'GroupNorm' : bySort(layer);
    case 'recurrent':
      // nn.GRU and nn.RNN are no modules that it knows (ops.py:285). At a GRU it raises, unless it is given a pruner for it (customized_pruners),
      // which cuts what the GRU reads, as that of an LSTM does.
      return layer.sort === 'lstm' || layer.sort === 'gru' ? 'LSTM' : 'ElementWise';
    case 'concat':
      return 'Concat';
    case 'crop':
    case 'upsample':
      return bySort(layer);
    case 'flatten':
    case 'reshape':
      return 'Reshape';
    default:
      return layer.sort === 'prelu' ? 'PReLU' : 'ElementWise';
  }
}

function bySort({ sort }: Layer): ModuleType {
  return sort === null ? 'ElementWise' : (BY_SORT[sort] ?? 'ElementWise');
}

/** Output and input channels as Torch-Pruning counts them; null where it knows none. */
export function widthsOf(
  network: Network,
  layer: Layer,
  type: ModuleType,
): { readonly outWidth: number | null; readonly inWidth: number | null } {
  const both = (width: number | null) => ({ outWidth: width, inWidth: width });
  switch (type) {
    case 'Conv':
    case 'Linear': {
      const { weight, groups } = layer;
      const inWidth = weight === null || 'opaque' in weight ? null : weight.inCount * groups;
      return { outWidth: layer.filters, inWidth };
    }
    case 'LSTM': {
      const columns = layer.calls[0]?.columns;
      return { outWidth: layer.filters, inWidth: columns instanceof Int32Array ? columns.length : null };
    }
    case 'DepthwiseConv':
    case 'MultiheadAttention':
    case 'Embedding':
      return both(layer.filters);
    case 'BatchNorm':
    case 'LayerNorm':
    case 'InstanceNorm':
    case 'GroupNorm': {
      const { shape, channelAxis } = layer.output;
      return both(channelAxis === null ? null : (shape?.[channelAxis] ?? null));
    }
    case 'PReLU': {
      // One slope for all channels makes none (function.py, PReLUPruner).
      const slope = network.followers.find((follower) => follower.layer === layer.name && follower.role === 'slope');
      return both(slope?.channels.length ?? null);
    }
    case 'Output': {
      // ops.py, OutputPruner: the second axis, whatever it is.
      const { shape } = layer.output;
      return both(shape === null || shape.length === 0 ? null : (shape[shape.length === 1 ? 0 : 1] ?? null));
    }
    default:
      return both(null);
  }
}
