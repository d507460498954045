import type { Layer, LayerKind, Network } from '../../network/index.ts';
import type { Choices } from './choices.ts';
import { TaoError } from './refusal.ts';

/** Layers that `find_prunable_parent` looks through (pruning.py `TRAVERSABLE_LAYERS`). */
const TRAVERSABLE: ReadonlySet<LayerKind> = new Set<LayerKind>([
  'batch-norm',
  'activation',
  'softmax',
  'pool',
  'elementwise',
  'depthwise',
  'conv',
  'pad',
  'upsample',
]);

const PRUNABLE: ReadonlySet<LayerKind> = new Set<LayerKind>(['conv', 'dense', 'depthwise']);

/** Keras names its ELU layers so, which the pruner does not look through; an Activation('elu') of that name it does. */
function isNamedElu(layer: Layer): boolean {
  return layer.op === 'Elu' && /^elu(_\d+)?$/.test(layer.name);
}

export interface PrunableParents {
  /** Nearest prunable layers up every branch, without duplicates; the real pruner's order is that of a Python set. */
  readonly parents: readonly Layer[];
  /** An operator in between that could not be placed, so that there may be more. */
  readonly opaque: Layer | null;
}

/**
 * The nearest prunable layers above a layer (`find_prunable_parent`). A layer called more than once does not stop the
 * search, and graph inputs are skipped.
 * @throws TaoError 'Pruning is not possible with X layer in the way'
 */
export function prunableParents(network: Network, layer: Layer, skipRoot: boolean, choices: Choices): PrunableParents {
  const parents: Layer[] = [];
  const seen = new Set<number>();
  let opaque: Layer | null = null;
  const visit = (at: Layer, isRoot: boolean): void => {
    if (seen.has(at.id)) return;
    seen.add(at.id);
    if (PRUNABLE.has(at.kind) && at.calls.length === 1 && !(isRoot && skipRoot)) {
      parents.push(at);
      return;
    }
    if (at.kind === 'opaque') {
      opaque = at;
      return;
    }
    const isBlocking =
      !TRAVERSABLE.has(at.kind) || (isNamedElu(at) && choices.choose(`what ${at.name} is`, 2, []) === 1);
    if (isBlocking)
      throw new TaoError('NotImplementedError', `Pruning is not possible with ${at.name} layer in the way`, at.name);
    for (const call of at.calls) {
      for (const id of call.inputs) {
        const inbound = network.layers[id]!;
        if (inbound.kind !== 'input') visit(inbound, false);
      }
    }
  };
  visit(layer, true);
  return { parents, opaque };
}
