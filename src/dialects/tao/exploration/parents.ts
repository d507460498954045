import type { Layer, LayerKind } from '../../../network/index.ts';
import { inboundOf } from '../graph.ts';
import { isPrunable } from '../keras.ts';
import { TaoError } from '../refusal.ts';
import type { ExplorationState, Ground, PrunableParents } from './state.ts';
import { spend } from './work.ts';

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

/**
 * Whether a layer is Keras's ELU, which the pruner does not look through: it is where it has a factor. Without one it looks like
 * Activation('elu'), and Keras's own name for it is all that tells.
 */
function isElu({ choices }: Ground, { sort, name }: Layer): boolean {
  const isNamed = sort === 'elu' && /^elu(_\d+)?$/.test(name);
  return sort === 'scaled-elu' || (isNamed && choices.choose(`what ${name} is`, 2, []) === 1);
}

/**
 * The nearest prunable layers above a layer (`find_prunable_parent`). A layer called more than once does not stop the
 * search, and graph inputs are skipped.
 * @param skipRoot whether the layer itself is passed, though it could be pruned
 * @throws TaoError 'Pruning is not possible with X layer in the way'
 */
export function prunableParents(state: ExplorationState, layer: Layer, skipRoot: boolean): PrunableParents {
  const tops = skipRoot ? aboveOf(state, layer) : [layer];
  for (const top of tops) search(state, top);
  return together(
    state,
    tops.map((top) => state.parents.get(top)!),
  );
}

/** Finds the parents of a layer and of all that is passed on the way, each once: later searches begin where this one ends. */
function search(state: ExplorationState, top: Layer): void {
  const open: { readonly layer: Layer; readonly above: readonly Layer[]; next: number }[] = [];
  const entered = new Set<Layer>();
  let isCircle = false;
  const enter = (layer: Layer): void => {
    if (state.parents.has(layer)) return;
    if (entered.has(layer)) {
      isCircle = true;
      return;
    }
    spend(state.ground.work, 1);
    entered.add(layer);
    const found = endOf(state, layer);
    if (found === null) open.push({ layer, above: aboveOf(state, layer), next: 0 });
    else state.parents.set(layer, found);
  };
  enter(top);
  for (let at = open.at(-1); at !== undefined; at = open.at(-1)) {
    const above = at.above[at.next++];
    if (above !== undefined) {
      enter(above);
      continue;
    }
    open.pop();
    // Calls of a shared layer can make a circle: what is still searched adds nothing that the search does not find.
    const found = at.above.flatMap((layer) => state.parents.get(layer) ?? []);
    state.parents.set(at.layer, together(state, found));
  }
  // In a circle only the first has seen all of it.
  if (isCircle) for (const layer of entered) if (layer !== top) state.parents.delete(layer);
}

/** What a search finds where it ends at a layer; null where it goes on. */
function endOf({ ground }: ExplorationState, layer: Layer): PrunableParents | null {
  if (isPrunable(layer) && layer.calls.length === 1) return { parents: [layer], opaque: null };
  if (layer.kind === 'opaque') return { parents: [], opaque: layer };
  if (!TRAVERSABLE.has(layer.kind) || isElu(ground, layer))
    throw new TaoError(
      'NotImplementedError',
      `Pruning is not possible with ${layer.name} layer in the way`,
      layer.name,
    );
  return null;
}

function aboveOf({ ground: { network } }: ExplorationState, layer: Layer): readonly Layer[] {
  return inboundOf(network, layer).filter(({ kind }) => kind !== 'input');
}

function together({ ground: { work } }: ExplorationState, found: readonly PrunableParents[]): PrunableParents {
  const [first, ...others] = found;
  if (first !== undefined && others.every((other) => other === first)) return first;
  const parents = new Set<Layer>();
  for (const each of found) {
    spend(work, each.parents.length);
    for (const parent of each.parents) parents.add(parent);
  }
  return { parents: [...parents], opaque: found.findLast(({ opaque }) => opaque !== null)?.opaque ?? null };
}
