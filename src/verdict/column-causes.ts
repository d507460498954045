import type { FirstStage } from '../dialects/index.ts';
import type { Layer, Network, RetainedIndices } from '../network/index.ts';
import { allFilters } from '../prose/index.ts';
import { type Operand, operandsOf } from './inputs.ts';
import type { LayerResult } from './types.ts';

/**
 * Why a layer's input columns are those of other channels than reach it: hypotheses that must give the found columns exactly.
 * @param found dense input column of each pruned one
 */
export function columnCause(
  network: Network,
  layers: readonly LayerResult[],
  firstStage: FirstStage | null,
  consumer: string,
  found: readonly number[],
): string | null {
  const layer = network.prunable.get(consumer);
  const operands = layer === undefined ? null : operandsOf(network, layer);
  if (layer === undefined || operands === null || operands.length === 0) return null;
  const results = new Map(layers.map((result) => [result.name, result]));
  const isFound = (columns: readonly number[] | null): boolean =>
    columns !== null && columns.length === found.length && columns.every((column, at) => column === found[at]);
  const keeping = (kept: (result: LayerResult) => RetainedIndices | null) => (operand: Operand) => {
    const result = results.get(operand.owner.name);
    return result === undefined ? allFilters(operand.owner.filters) : kept(result);
  };
  const owners = [...new Set(operands.map(({ owner }) => owner.name))].join(' and ');
  const actual = keeping((result) => result.actual);
  const isCutBy = (kept: (result: LayerResult) => RetainedIndices | null): boolean =>
    isFound(selected(operands, keeping(kept)));
  if (firstStage !== null && isCutBy((result) => result.exploring))
    return `They were cut by what ${owners} would keep on its own (the indices printed while ${firstStage.doing}).`;
  if (isCutBy((result) => result.expected))
    return `They were cut by the filters that ${owners} should keep, and ${owners} by others.`;
  if (operands.length > 1) {
    const slip = offsetSlip(operands, actual, isFound);
    if (slip !== null) return slip;
  }
  return flattenSlip(network, operands, actual, isFound, layer) ?? otherLayer(operands, layers, isFound);
}

type Kept = (operand: Operand) => RetainedIndices | null;

/** Columns that carry kept filters, in dense order. */
function selected(operands: readonly Operand[], kept: Kept): readonly number[] | null {
  const columns: number[] = [];
  for (const operand of operands) {
    const filters = kept(operand);
    if (filters === null) return null;
    const set = new Set(filters);
    for (const [at, filter] of operand.filters.entries()) if (set.has(filter)) columns.push(operand.offset + at);
  }
  return columns;
}

/** Operands of a concatenation placed at other offsets than their own. */
function offsetSlip(
  operands: readonly Operand[],
  kept: Kept,
  isFound: (columns: readonly number[] | null) => boolean,
): string | null {
  const at = (offsets: readonly number[]): readonly number[] | null => {
    const columns = operands.map(
      (operand, k) => selected([{ ...operand, offset: 0 }], kept)?.map((column) => column + offsets[k]!) ?? null,
    );
    return columns.includes(null) ? null : columns.flatMap((part) => part ?? []);
  };
  const running = (widths: readonly number[]): readonly number[] =>
    widths.map((_, k) => widths.slice(0, k).reduce((sum, width) => sum + width, 0));
  const names = operands.map(({ owner }) => owner.name).join(', ');
  if (isFound(at(operands.map(() => 0))))
    return `The channels of ${names} are concatenated, and all were cut as if they began at column 0: the offset of each operand is missing.`;
  if (isFound(at(running(operands.map((operand) => selected([operand], kept)?.length ?? 0)))))
    return `The channels of ${names} are concatenated, and the offsets are those of the pruned operands: offsets must be the widths before pruning.`;
  const dense = operands.map(({ filters }) => filters.length);
  const backwards = dense.map((_, k) => dense.slice(k + 1).reduce((sum, width) => sum + width, 0));
  if (isFound(at(backwards)) || isFound(at(backwards)?.toSorted((a, b) => a - b) ?? null))
    return `The channels of ${names} are concatenated, and their offsets are those of the reverse order.`;
  return null;
}

/** A flattened input of which channel and position were taken for each other. */
function flattenSlip(
  network: Network,
  operands: readonly Operand[],
  kept: Kept,
  isFound: (columns: readonly number[] | null) => boolean,
  consumer: Layer,
): string | null {
  const [only, another] = operands;
  const channels = only?.owner.filters ?? 0;
  const positions = (only?.filters.length ?? 0) / channels;
  const filters = only === undefined ? null : kept(only);
  if (only === undefined || another !== undefined || filters === null || positions < 2 || !Number.isInteger(positions))
    return null;
  const places = allFilters(positions);
  const channelsFirst = filters.flatMap((filter) => places.map((place) => filter * positions + place));
  const channelsLast = places.flatMap((place) => filters.map((filter) => place * channels + filter));
  const isLast = only.filters[1] !== only.filters[0];
  const wrong = isLast ? channelsFirst : channelsLast;
  if (!isFound(wrong)) return null;
  const format = network.dataFormat === null ? '' : ` (the model is ${network.dataFormat})`;
  return `${consumer.name} reads ${only.owner.name} flattened with ${isLast ? 'channels last' : 'channels first'}, and its columns were cut as if ${isLast ? 'channels came first' : 'channels came last'}${format}.`;
}

/** The list of a layer that does not reach the consumer. */
function otherLayer(
  operands: readonly Operand[],
  layers: readonly LayerResult[],
  isFound: (columns: readonly number[] | null) => boolean,
): string | null {
  const reaching = new Set(operands.map(({ owner }) => owner.name));
  const by = (kept: RetainedIndices | null): boolean =>
    kept?.some((filter, at) => filter !== at) === true && isFound(selected(operands, () => kept));
  const other = layers.find((layer) => !reaching.has(layer.name) && (by(layer.actual) || by(layer.expected)));
  return other === undefined ? null : `They were cut by the indices of ${other.name}, whose channels do not reach it.`;
}
