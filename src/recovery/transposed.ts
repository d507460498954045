import type { Layer, Network } from '../network/index.ts';
import type { ChannelCorrespondence } from './correspondence.ts';
import type { PrunedOutcome } from './results.ts';
import type { Disagreement } from './types.ts';

/** What is wrong with layers of which no entry of the report is: convolutions whose output channels the pruner leaves alone, and tables. */
export function transposedOutcomes(
  { dense, pruned, partner }: ChannelCorrespondence,
  outcomes: ReadonlyMap<number, PrunedOutcome>,
  unplaced: ReadonlyMap<number, string>,
): { readonly elsewhere: readonly Disagreement[]; readonly open: readonly Disagreement[] } {
  const wrong: Disagreement[] = [];
  const open: Disagreement[] = [];
  const add = (tensor: string, detail: string): unknown => wrong.push({ tensor, consumer: null, detail });
  for (const layer of pruned.layers) {
    if (!isOther(layer, pruned)) continue;
    const outcome = outcomes.get(layer.id);
    const why = unplaced.get(layer.id);
    if (why !== undefined) open.push({ tensor: layer.name, consumer: null, detail: why });
    else if (outcome === undefined) add(layer.name, 'the dense model has no such layer');
    else if (outcome.kernel.kind === 'altered') add(layer.name, outcome.kernel.detail);
    else if (outcome.kernel.kind !== 'exact' && outcome.kernel.kind !== 'rounded')
      open.push({ tensor: layer.name, consumer: null, detail: outcome.kernel.detail });
    else if (layer.kind === 'recurrent' && layer.filters !== partner.get(layer.id)?.filters)
      open.push({ tensor: layer.name, consumer: null, detail: 'it has other units, which are not followed' });
    else if (layer.kind === 'embedding') {
      const [rows, before] = [rowsOf(layer), rowsOf(partner.get(layer.id))];
      if (rows !== before)
        add(
          layer.name,
          `its table has ${rows} rows, the dense one's ${before}: no pruner takes away what inputs look up`,
        );
    } else if (isCut(layer, outcome, partner.get(layer.id)))
      add(
        layer.name,
        layer.kind === 'recurrent'
          ? 'the rows of its gates stand in another order'
          : 'it is never pruned and keeps all its output channels, but here it does not',
      );
  }
  const known = new Set([...partner.values()].map(({ id }) => id));
  for (const layer of dense.layers)
    if (isOther(layer, dense) && !known.has(layer.id) && open.length === 0)
      add(layer.name, 'the pruned model has no such layer');
  return { elsewhere: wrong, open };
}

/** How many rows a table has that is looked up. */
function rowsOf(layer: Layer | undefined): number | null {
  const weight = layer?.weight ?? null;
  return weight === null || 'opaque' in weight ? null : weight.inCount;
}

function isCut({ filters }: Layer, { assigned }: PrunedOutcome, before: Layer | undefined): boolean {
  return filters !== before?.filters || (assigned?.some((filter, at) => filter !== at) ?? false);
}

/** A layer that is not prunable as any other: a transposed convolution, a part of a separable one, a recurrent one, or a table that is looked up. */
function isOther({ kind, halfOf, name, id }: Layer, { prunable }: Network): boolean {
  const isKind = kind === 'conv-transpose' || kind === 'recurrent' || kind === 'embedding';
  return (isKind || halfOf !== null) && prunable.get(name)?.id !== id;
}
