import type { Layer } from '../../network/index.ts';
import type { SkeletonCall } from './skeleton.ts';

/** Calls of both models, by position in their skeletons, that stand in like places. */
export interface PlaceClass {
  readonly dense: number[];
  readonly pruned: number[];
}

/**
 * Colour refinement (Weisfeiler and Leman) of two skeletons at once: calls start with the colour of what they are and take on,
 * round after round, that of their neighbours, until no class splits any more.
 * @param pairs dense call of each pruned call that is known already; these keep a colour of their own
 * @returns the classes of the calls that are not known
 */
export function refine(
  skeletons: { readonly dense: readonly SkeletonCall[]; readonly pruned: readonly SkeletonCall[] },
  pairs: ReadonlyMap<number, number>,
): readonly PlaceClass[] {
  const taken = new Set(pairs.values());
  const anchors = {
    dense: (at: number): number | undefined => (taken.has(at) ? at : undefined),
    pruned: (at: number): number | undefined => pairs.get(at),
  };
  let numbers = new Map<string, number>();
  const numbered = (key: string): number => {
    const known = numbers.get(key) ?? numbers.size;
    numbers.set(key, known);
    return known;
  };
  const initial = (side: 'dense' | 'pruned'): number[] =>
    skeletons[side].map((call, at) => numbered(initialKey(call, anchors[side](at))));
  let colours = { dense: initial('dense'), pruned: initial('pruned') };
  for (let count = 0; numbers.size > count; ) {
    count = numbers.size;
    numbers = new Map();
    const next = (side: 'dense' | 'pruned'): number[] =>
      skeletons[side].map((call, at) => {
        const anchor = anchors[side](at);
        return numbered(anchor === undefined ? placeKey(call, at, skeletons[side], colours[side]) : `=${anchor}`);
      });
    colours = { dense: next('dense'), pruned: next('pruned') };
  }
  const classes = new Map<number, PlaceClass>();
  for (const side of ['dense', 'pruned'] as const) {
    for (const [at, colour] of colours[side].entries()) {
      if (anchors[side](at) !== undefined) continue;
      const members = classes.get(colour) ?? { dense: [], pruned: [] };
      members[side].push(at);
      classes.set(colour, members);
    }
  }
  return [...classes.values()];
}

function initialKey({ layer, outputs, inputs }: SkeletonCall, anchor: number | undefined): string {
  return anchor === undefined ? `${shapeOf(layer)} ${outputs} ${inputs.flat().length}` : `=${anchor}`;
}

/** What pruning leaves of a layer's shape. A depthwise conv that keeps one channel is exported as an ordinary one. */
function shapeOf({ kind, weight }: Layer): string {
  const window = weight !== null && 'kernelOffsets' in weight ? weight.kernelOffsets.length : 0;
  return `${kind === 'depthwise' ? 'conv' : kind} ${window}`;
}

function placeKey(
  call: SkeletonCall,
  at: number,
  skeleton: readonly SkeletonCall[],
  colours: readonly number[],
): string {
  // A consumer that concatenates tells its branches apart by their order.
  const after = call.after.map(
    (consumer) => `${colours[consumer]}.${skeleton[consumer]!.before.findIndex((group) => group.includes(at))}`,
  );
  const before = call.before.map((group) => group.map((source) => colours[source]!).sort((a, b) => a - b));
  return `${colours[at]} ${before.join('|')} ${after.sort()}`;
}
