import type { Layer, LayerKind } from '../../../network/index.ts';
import { inboundOf } from '../graph.ts';
import { isPrunable } from '../keras.ts';
import { TaoError } from '../refusal.ts';
import type { Ground } from './state.ts';

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
 * @param skipRoot whether the layer itself is passed, though it could be pruned
 * @throws TaoError 'Pruning is not possible with X layer in the way'
 */
export function prunableParents({ network, choices }: Ground, layer: Layer, skipRoot: boolean): PrunableParents {
  const parents: Layer[] = [];
  const seen = new Set<Layer>();
  let opaque: Layer | null = null;
  // The next branch lies on top.
  const open = [layer];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (seen.has(at)) continue;
    seen.add(at);
    if (isPrunable(at) && at.calls.length === 1 && !(at === layer && skipRoot)) {
      parents.push(at);
      continue;
    }
    if (at.kind === 'opaque') {
      opaque = at;
      continue;
    }
    const isBlocking =
      !TRAVERSABLE.has(at.kind) || (isNamedElu(at) && choices.choose(`what ${at.name} is`, 2, []) === 1);
    if (isBlocking)
      throw new TaoError('NotImplementedError', `Pruning is not possible with ${at.name} layer in the way`, at.name);
    const above = inboundOf(network, at).filter(({ kind }) => kind !== 'input');
    open.push(...above.toReversed());
  }
  return { parents, opaque };
}
