import { isFloat, type Tensor } from '../onnx/index.ts';
import type { Network } from './types.ts';

/** A floating-point constant of several elements that an operation reads beside what is computed, and that follows no channels. */
export interface BareConstant {
  /** Id of the layer that reads it. */
  readonly layer: number;
  /** The name under which it is stored. */
  readonly name: string;
  readonly tensor: Tensor;
  /** 'looked-up': rows of it are picked first. 'wave': sines and cosines of it are read, as of rotary positions. */
  readonly read: 'plain' | 'looked-up' | 'wave';
}

type Source = Omit<BareConstant, 'layer'>;

/** More constants than these are not followed through one tensor that is computed of constants alone. */
const MAX_SOURCES = 16;

/** Constants that are neither weights nor vectors of channels, where they or what is computed of them alone meet what a model computes. */
export function bareConstants({ nodes, tensors, constants, followers, layers }: Network): readonly BareConstant[] {
  const owned = new Set<Tensor>(followers.map(({ tensor }) => tensor));
  for (const { weight } of layers) if (weight !== null && 'tensor' in weight) owned.add(weight.tensor);
  const behind = new Map<string, readonly Source[]>();
  const sourcesOf = (name: string): readonly Source[] => {
    if (tensors.has(name)) return [];
    const constant = constants.get(name);
    if (constant === undefined || !constant.isStored) return behind.get(name) ?? [];
    const { tensor } = constant.view;
    const isBare = isFloat(tensor.dtype) && tensor.elements > 1 && !owned.has(tensor);
    return isBare ? [{ name: constant.root, tensor, read: 'plain' }] : [];
  };
  const found: BareConstant[] = [];
  for (const { handle, inputs, outputs } of nodes) {
    const read = inputs.flatMap(sourcesOf);
    if (read.length === 0) continue;
    const sources = [...new Map(read.map((source) => [source.name, source])).values()];
    const [first = ''] = outputs;
    const reader = tensors.get(first);
    if (reader !== undefined) found.push(...sources.map((source) => ({ ...source, layer: reader.layer })));
    else {
      const way = readBy(handle.opType);
      const after = sources.slice(0, MAX_SOURCES).map((source) => ({ ...source, read: way ?? source.read }));
      for (const output of outputs) behind.set(output, after);
    }
  }
  return found;
}

function readBy(opType: string): BareConstant['read'] | null {
  if (opType === 'Gather' || opType === 'GatherND') return 'looked-up';
  return opType === 'Sin' || opType === 'Cos' ? 'wave' : null;
}
