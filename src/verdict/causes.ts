import type { Variant } from '../dialects/index.ts';
import type { LayerResult } from './types.ts';

/** Why the layers of one finding kept what they kept, as a sentence; null where nothing fits exactly. */
export type CauseOf = (layers: readonly LayerResult[]) => string | null;

/**
 * Tries hypotheses on diverging layers: the exploring indices, then each variant of the spec. A variant that explains every
 * diverging layer of the run goes before one that explains a single finding.
 */
export function causesOf(variants: Iterable<Variant>, diverging: readonly LayerResult[]): CauseOf {
  const tried: Variant[] = [];
  const remaining = variants[Symbol.iterator]();
  const find = (layers: readonly LayerResult[]): Variant | null => {
    for (let k = 0; ; k++) {
      if (k === tried.length) {
        const next = remaining.next();
        if (next.done === true) return null;
        tried.push(next.value);
      }
      if (layers.every((layer) => isExplained(layer, tried[k]!))) return tried[k]!;
    }
  };
  return (layers) => exploringCause(layers) ?? (find(diverging) ?? find(layers))?.cause ?? null;
}

function isExplained(layer: LayerResult, variant: Variant): boolean {
  const outcome = variant.layers.get(layer.name)?.expected;
  return outcome != null && layer.actual !== null && String(outcome) === String(layer.actual);
}

function exploringCause(layers: readonly LayerResult[]): string | null {
  const alone = layers.find(
    (layer) => layer.exploring !== null && layers.every((other) => String(other.actual) === String(layer.exploring)),
  );
  if (alone !== undefined && layers.length > 1) {
    return `The kept filters equal what ${alone.name} would keep on its own (the indices printed while exploring): was the model cut before exploration ended?`;
  }
  const isExploring = layers.every(
    (layer) => layer.exploring !== null && String(layer.actual) === String(layer.exploring),
  );
  if (!isExploring) return null;
  return 'The layer keeps what its own norms alone would keep (the indices printed while exploring): was the model cut before exploration ended?';
}
