import type { Expectation, Variant } from '../dialects/index.ts';
import type { Disagreement } from '../recovery/index.ts';
import { type CauseOf, causesOf } from './causes.ts';
import { joined } from './names.ts';
import type { Finding, LayerResult } from './types.ts';

/** Diverging layers as a reader would want them: one entry for an equalization group, the largest divergence first. */
export function findingsOf(
  layers: readonly LayerResult[],
  extra: readonly string[],
  elsewhere: readonly Disagreement[],
  expectation: Expectation | null,
  variants: Iterable<Variant>,
): Finding[] {
  const untouched = unprunedFinding(layers);
  if (untouched !== null) return [untouched];
  const diverging = layers.filter((layer) => layer.verdict === 'mismatch');
  const causeOf = causesOf(
    variants,
    diverging.filter((layer) => layer.missing.length + layer.unexpected.length > 0),
  );
  const mismatches = grouped(diverging).map((group) => mismatchFinding(group, causeOf));
  mismatches.sort((a, b) => b.size - a.size);
  const foreign: Finding[] = [
    ...extra.map(
      (name): Finding => ({
        layers: [name],
        verdict: 'mismatch',
        title: `${name} is not in the dense model`,
        details: ['The pruned model has a layer that the dense model does not have.'],
        specKey: 'threshold',
      }),
    ),
    ...elsewhere.map(
      ({ tensor, detail }): Finding => ({
        layers: [],
        verdict: 'mismatch',
        title: `${tensor} is not the dense model's`,
        details: [sentence(detail)],
        specKey: 'threshold',
      }),
    ),
  ];
  return [...mismatches.map(({ finding }) => finding), ...foreign, ...unverifiable(layers, expectation)];
}

/** One sentence for a model that no pruner touched, instead of one for each layer. */
function unprunedFinding(layers: readonly LayerResult[]): Finding | null {
  const prunable = layers.filter((layer) => layer.expected !== null && layer.expected.length < layer.filters);
  const isWhole = layers.every(
    (layer) => layer.actual?.length === layer.filters && (layer.verdict !== 'mismatch' || layer.unexpected.length > 0),
  );
  const names = layers.filter((layer) => layer.verdict === 'mismatch').map((layer) => layer.name);
  if (!isWhole || prunable.length < 2 || names.length < 2) return null;
  const details = [
    `${joined(names)} should have lost filters. Did the prune step run, and is this the file that it wrote?`,
  ];
  return {
    layers: names,
    verdict: 'mismatch',
    title: 'the pruned model is not pruned: every layer keeps all its filters',
    details,
    specKey: 'threshold',
  };
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
    const key =
      isCut && layer.group !== null ? `${layer.group} ${layer.missing} ${layer.unexpected}` : `layer ${layer.name}`;
    groups.set(key, [...(groups.get(key) ?? []), layer]);
  }
  return [...groups.values()];
}

function mismatchFinding(layers: readonly LayerResult[], causeOf: CauseOf): Sized {
  const [first] = layers as readonly [LayerResult, ...LayerResult[]];
  const names = layers.map((layer) => layer.name);
  const { missing, unexpected, expected, actual } = first;
  if (missing.length + unexpected.length === 0 || expected === null || actual === null) {
    return {
      finding: {
        layers: names,
        verdict: 'mismatch',
        title: `${first.name} is not the dense layer cut by its filters`,
        details: [sentence(first.reason)],
        specKey: first.specKey,
      },
      size: 1,
    };
  }
  const title =
    actual.length === first.filters
      ? `${joined(names)} ${names.length > 1 ? 'keep' : 'keeps'} all ${first.filters} filters, expected ${expected.length}`
      : actual.length === expected.length
        ? `${joined(names)} kept the wrong ${missing.length} of ${expected.length} filters`
        : `${joined(names)} kept ${actual.length} filters, expected ${expected.length}`;
  const found = [
    missing.length > 0 ? `expected ${indices(missing)}` : '',
    unexpected.length > 0 ? `found ${indices(unexpected)}` : '',
  ].filter((part) => part !== '');
  const cause = causeOf(layers);
  const unexplained = missing.length + unexpected.length - first.explanations.length;
  const rest = unexplained > 0 ? [`... and ${unexplained} more filters`] : [];
  const details = [
    capitalized(sentence(`${found.join('; ')}: ${first.reason}`)),
    ...first.explanations,
    ...rest,
    ...(cause === null ? [] : [cause]),
  ];
  return {
    finding: {
      layers: names,
      verdict: 'mismatch',
      title,
      details,
      specKey: first.specKey,
      ...(cause === null ? {} : { cause }),
    },
    size: (missing.length + unexpected.length) * layers.length,
  };
}

function unverifiable(layers: readonly LayerResult[], expectation: Expectation | null): Finding[] {
  const open = layers.filter((layer) => layer.verdict === 'unverifiable');
  if (open.length === 0) return [];
  if (expectation?.refusal?.always === true) {
    const { message, layer } = expectation.refusal;
    const title = `the real pruner raises on this model${layer === null || message.includes(layer) ? '' : ` at ${layer}`}`;
    return [
      { layers: open.map((one) => one.name), verdict: 'unverifiable', title, details: [message], specKey: 'threshold' },
    ];
  }
  const byCause = new Map<string, LayerResult[]>();
  for (const layer of open) {
    const cause = layer.remedy ?? layer.reason.replaceAll(layer.name, '');
    byCause.set(cause, [...(byCause.get(cause) ?? []), layer]);
  }
  return [...byCause.values()].map((group): Finding => {
    const [first] = group as [LayerResult, ...LayerResult[]];
    const names = group.map((layer) => layer.name);
    const remedy = first.remedy === null ? [] : [first.remedy];
    return {
      layers: names,
      verdict: 'unverifiable',
      title: `${joined(names)} could not be verified`,
      details: [sentence(first.reason), ...remedy],
      specKey: first.specKey,
    };
  });
}

function indices(filters: readonly number[]): string {
  return filters.length <= 12
    ? filters.join(', ')
    : `${filters.slice(0, 12).join(', ')} and ${filters.length - 12} more`;
}

/** For text that begins with a word of ours, never with a layer's name. */
function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function sentence(text: string): string {
  return /[.?!]$/.test(text) ? text : `${text}.`;
}
