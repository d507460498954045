import type { Expectation } from '../dialects/index.ts';
import type { Disagreement } from '../recovery/index.ts';
import type { Finding, LayerResult } from './types.ts';

/** Diverging layers as a reader would want them: one entry for an equalization group, the largest divergence first. */
export function findingsOf(layers: readonly LayerResult[], extra: readonly string[], elsewhere: readonly Disagreement[], expectation: Expectation | null): Finding[] {
  const mismatches = grouped(layers.filter((layer) => layer.verdict === 'mismatch')).map(mismatchFinding);
  mismatches.sort((a, b) => b.size - a.size);
  const foreign: Finding[] = [
    ...extra.map((name): Finding => ({ layers: [name], verdict: 'mismatch', title: `${name} is not in the dense model`, details: ['The pruned model has a layer that the dense model does not have.'], specKey: 'threshold' })),
    ...elsewhere.map(({ tensor, detail }): Finding => ({ layers: [], verdict: 'mismatch', title: `${tensor} is not the dense model's`, details: [`${capital(detail)}.`], specKey: 'threshold' })),
  ];
  return [...mismatches.map(({ finding }) => finding), ...foreign, ...unverifiable(layers, expectation)];
}

interface Sized {
  readonly finding: Finding;
  readonly size: number;
}

function grouped(layers: readonly LayerResult[]): LayerResult[][] {
  const groups = new Map<string, LayerResult[]>();
  for (const layer of layers) {
    const isCut = layer.missing.length + layer.unexpected.length > 0;
    // Layers of one group that miss the same filters share one cause; another reason is a finding of its own.
    const key = isCut && layer.group !== null ? `${layer.group} ${layer.missing} ${layer.unexpected}` : `layer ${layer.name}`;
    groups.set(key, [...(groups.get(key) ?? []), layer]);
  }
  return [...groups.values()];
}

function mismatchFinding(layers: readonly LayerResult[]): Sized {
  const [first] = layers as readonly [LayerResult, ...LayerResult[]];
  const names = layers.map((layer) => layer.name);
  const { missing, unexpected, expected, actual } = first;
  if (missing.length + unexpected.length === 0 || expected === null || actual === null) {
    return { finding: { layers: names, verdict: 'mismatch', title: `${first.name} is not the dense layer cut by its filters`, details: [`${capital(first.reason)}.`], specKey: first.specKey }, size: 1 };
  }
  const title =
    actual.length === first.filters
      ? `${joined(names)} ${names.length > 1 ? 'keep' : 'keeps'} all ${first.filters} filters, expected ${expected.length}`
      : actual.length === expected.length
        ? `${joined(names)} kept the wrong ${missing.length} of ${expected.length} filters`
        : `${joined(names)} kept ${actual.length} filters, expected ${expected.length}`;
  const found = [missing.length > 0 ? `Expected ${indices(missing)}` : '', unexpected.length > 0 ? `${missing.length > 0 ? 'found' : 'Found'} ${indices(unexpected)}` : ''].filter((part) => part !== '');
  const cause = likelyCause(layers);
  const details = [`${found.join('; ')}. ${capital(first.reason)}.`, ...first.explanations, ...(cause === null ? [] : [cause])];
  return { finding: { layers: names, verdict: 'mismatch', title, details, specKey: first.specKey }, size: (missing.length + unexpected.length) * layers.length };
}

/** A cause that fits every layer of the finding exactly; nothing is said where none fits. */
function likelyCause(layers: readonly LayerResult[]): string | null {
  const [first] = layers as readonly [LayerResult, ...LayerResult[]];
  if (layers.every((layer) => layer.actual?.length === layer.filters)) return 'Every filter is still there: was the model pruned at all?';
  const alone = layers.find((layer) => layer.exploring !== null && layers.every((other) => String(other.actual) === String(layer.exploring)));
  if (alone !== undefined && String(first.expected) !== String(alone.exploring)) {
    return `The kept filters equal what ${alone.name} would keep on its own (the indices printed while exploring): was the model cut before exploration ended?`;
  }
  if (layers.every((layer) => layer.exploring !== null && String(layer.actual) === String(layer.exploring))) {
    return 'Each layer keeps what its own norms alone would keep (the indices printed while exploring): was the model cut before exploration ended?';
  }
  return null;
}

function unverifiable(layers: readonly LayerResult[], expectation: Expectation | null): Finding[] {
  const open = layers.filter((layer) => layer.verdict === 'unverifiable');
  if (open.length === 0) return [];
  if (expectation?.refusal?.always === true) {
    const { message, layer } = expectation.refusal;
    const title = `the real pruner raises on this model${layer === null || message.includes(layer) ? '' : ` at ${layer}`}`;
    return [{ layers: open.map((one) => one.name), verdict: 'unverifiable', title, details: [message], specKey: 'threshold' }];
  }
  const byReason = new Map<string, LayerResult[]>();
  for (const layer of open) byReason.set(generic(layer), [...(byReason.get(generic(layer)) ?? []), layer]);
  return [...byReason.values()].map((group): Finding => {
    const [first] = group as [LayerResult, ...LayerResult[]];
    const names = group.map((layer) => layer.name);
    return { layers: names, verdict: 'unverifiable', title: `${joined(names)} could not be verified`, details: [`${capital(first.reason)}.`], specKey: first.specKey };
  });
}

/** A reason without the layer's own name, so that many layers with one trouble are told once. */
function generic(layer: LayerResult): string {
  return layer.reason.replaceAll(layer.name, '').replace(/\(.*?\)/g, '');
}

export function joined(names: readonly string[]): string {
  if (names.length <= 2) return names.join(' and ');
  return names.length === 3 ? `${names[0]}, ${names[1]} and ${names[2]}` : `${names[0]}, ${names[1]} and ${names.length - 2} more layers`;
}

function indices(filters: readonly number[]): string {
  return filters.length <= 12 ? filters.join(', ') : `${filters.slice(0, 12).join(', ')} and ${filters.length - 12} more`;
}

function capital(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}
