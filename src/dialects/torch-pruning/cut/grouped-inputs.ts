import type { Layer, RetainedIndices } from '../../../network/index.ts';
import { allFilters } from '../../../prose/index.ts';
import type { Pruning } from './pruning.ts';

/** What becomes of the input columns of grouped convolutions. */
export interface GroupedInputs {
  /** Columns that each keeps, of the whole input. */
  readonly columns: ReadonlyMap<Layer, RetainedIndices>;
  readonly raises: { readonly layer: Layer; readonly message: string } | null;
}

interface Columns {
  /** Input channels that are left, by their first numbers: what Torch-Pruning believes. */
  believed: readonly number[];
  /** Columns of one group that its weight has left. */
  kept: readonly number[];
}

/**
 * `prune_in_channels` of a grouped convolution keeps the first of the channels that stay, as many as each group has
 * (function.py:164-176). Where channels do not go alike in every group, as behind a concatenation, those are not the
 * columns of what reaches the layer, or no columns at all.
 * @param prunings in the order in which groups are pruned
 */
export function groupedInputs(prunings: readonly Pruning[]): GroupedInputs {
  const columns = new Map<Layer, Columns>();
  for (const pruning of prunings) {
    if (pruning.kind !== 'pruned') continue;
    for (const [{ layer, inWidth }, gone] of pruning.inputs) {
      if (layer.groups === 1 || layer.kind === 'conv-transpose' || inWidth === null) continue;
      const now = columns.get(layer) ?? { believed: allFilters(inWidth), kept: allFilters(inWidth / layer.groups) };
      const pruned = new Set(gone);
      // Numbers are those of the layer as it is, after earlier groups were pruned.
      const staying = now.believed.flatMap((channel, k) => (pruned.has(channel) ? [] : [k]));
      const first = staying.slice(0, Math.floor(staying.length / layer.groups));
      const beyond = first.find((k) => k >= now.kept.length);
      if (beyond !== undefined) {
        const message = `RuntimeError: INDICES element is out of DATA bounds, id=${beyond} axis_dim=${now.kept.length}`;
        return { columns: new Map(), raises: { layer, message } };
      }
      columns.set(layer, {
        believed: staying.map((k) => now.believed[k]!),
        kept: first.map((k) => now.kept[k]!),
      });
    }
  }
  const whole = [...columns].map(([layer, { kept }]): [Layer, RetainedIndices] => {
    const perGroup = (layer.calls[0]!.columns as Int32Array).length / layer.groups;
    return [layer, allFilters(layer.groups).flatMap((group) => kept.map((column) => column + group * perGroup))];
  });
  return { columns: new Map(whole), raises: null };
}
