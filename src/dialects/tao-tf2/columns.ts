import type { Layer, Network, RetainedIndices } from '../../network/index.ts';
import type { Exploration } from './exploration.ts';

/**
 * The input columns that the real pruner keeps of a layer, which are not always those of the channels that reach it: it
 * cuts by the record of the *first* inbound layer, and expands it over a channels_first Flatten as if channels came
 * first (`np.repeat`, pruning.py `_prune_explored_flatten_layer`), though Keras flattens channels last.
 * @param retained what each layer really keeps
 * @returns sorted dense column positions; null where they cannot be told, or are all
 */
export function columnsCut(
  network: Network,
  exploration: Exploration,
  consumer: Layer,
  retained: (layer: string) => RetainedIndices | null,
): RetainedIndices | null {
  const layerIsPruned = (layer: Layer): boolean => {
    const known = exploration.isPruned.get(layer);
    if (known !== null && known !== undefined) return known;
    return layer.calls.some((call) => call.inputs.some((id) => layerIsPruned(network.layers[id]!)));
  };
  const claim = (layer: Layer): RetainedIndices | null => {
    const inbound = layer.calls.flatMap((call) => call.inputs.map((id) => network.layers[id]!));
    const first = inbound[0];
    switch (layer.kind) {
      case 'conv':
      case 'dense':
      case 'depthwise':
        return retained(layer.name);
      case 'conv-transpose':
        return upTo(layer.filters);
      case 'concat': {
        let offset = 0;
        const joined: number[] = [];
        for (const part of inbound) {
          const width = denseWidth(part);
          const kept = layerIsPruned(part) ? claim(part) : width === null ? null : upTo(width);
          if (width === null || kept === null) return null;
          for (const k of kept) joined.push(k + offset);
          offset += width;
        }
        return joined;
      }
      case 'flatten': {
        const [before, after] = [denseWidth(first), denseWidth(layer)];
        const kept = first === undefined ? null : claim(first);
        if (before === null || after === null || kept === null) return null;
        const positions = upTo(after / before);
        if (network.dataFormat === 'channels_first')
          return kept.flatMap((c) => positions.map((s) => c * positions.length + s));
        return positions.flatMap((s) => kept.map((c) => s * before + c));
      }
      case 'input':
      case 'reshape':
      case 'permute':
      case 'opaque':
        return null;
      default:
        return first === undefined ? null : claim(first);
    }
  };
  const first = consumer.calls[0]?.inputs[0];
  return first === undefined ? null : claim(network.layers[first]!);
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, k) => k);
}

function denseWidth(layer: Layer | undefined): number | null {
  if (layer === undefined || layer.output.shape === null || layer.output.channelAxis === null) return null;
  return layer.output.shape[layer.output.channelAxis] ?? null;
}
