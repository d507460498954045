import type { Expectation, LayerExplanation } from '../dialects/index.ts';
import type { Recovery } from '../recovery/index.ts';
import { type CauseOf, causesOf, type Scene } from './causes.ts';
import { columnCause } from './column-causes.ts';
import { joined } from './names.ts';
import { reportedRelation } from './reported.ts';
import type { Finding, LayerResult } from './types.ts';

export interface Outcomes {
  readonly scene: Scene;
  readonly recovery: Recovery;
  /** Layers that read other channels than before because the pruner itself cuts them so. */
  readonly excused: ReadonlySet<string>;
  readonly expectation: Expectation;
}

/** What a reader should know, the worst first: one entry for an equalization group, the largest divergence before smaller ones. */
export function findingsOf(outcomes: Outcomes): Finding[] {
  const { scene, recovery, expectation } = outcomes;
  const { layers } = scene;
  const untouched = unprunedFinding(layers, expectation);
  const diverging = untouched === null ? layers.filter((layer) => layer.verdict === 'mismatch') : [];
  const causeOf = causesOf(scene);
  const mismatches = grouped(diverging)
    .map((group) => (group[0]!.problem === null ? cutFinding(group, causeOf) : problemFinding(group, outcomes)))
    .sort((a, b) => b.size - a.size);
  return [
    ...(untouched === null ? [] : [untouched]),
    ...mismatches.map(({ finding }) => finding),
    ...foreign(recovery, expectation),
    ...openFindings(recovery, expectation),
    ...unverifiable(layers, expectation),
  ];
}

/** One sentence for a model that no pruner touched, instead of one for each layer. */
function unprunedFinding(layers: readonly LayerResult[], { usualKey }: Expectation): Finding | null {
  const prunable = layers.filter((layer) => layer.expected !== null && layer.expected.length < layer.filters);
  const isWhole = layers.every(
    (layer) => layer.actual?.length === layer.filters && (layer.verdict !== 'mismatch' || layer.unexpected.length > 0),
  );
  const names = layers.filter((layer) => layer.verdict === 'mismatch').map((layer) => layer.name);
  if (!isWhole || prunable.length < 2 || names.length < 2) return null;
  const detail = `${joined(names)} should have lost filters. Did the prune step run, and is this the file that it wrote?`;
  return mismatch(names, 'the pruned model is not pruned: every layer keeps all its filters', [detail], usualKey);
}

function mismatch(
  layers: readonly string[],
  title: string,
  details: readonly string[],
  specKey: string,
  cause: string | null = null,
): Finding {
  return {
    layers,
    verdict: 'mismatch',
    title,
    details: [...details, ...(cause === null ? [] : [cause])],
    specKey,
    ...(cause === null ? {} : { cause }),
  };
}

interface Sized {
  readonly finding: Finding;
  readonly size: number;
}

/** Layers of one group that miss the same filters share one cause, and so do layers that break one rule; another reason is a finding of its own. */
function grouped(layers: readonly LayerResult[]): readonly (readonly LayerResult[])[] {
  const groups = new Map<string, LayerResult[]>();
  for (const layer of layers) {
    const change = `${layer.missing} ${layer.unexpected}`;
    const isRule = layer.problem !== null && layer.expected === null;
    const key =
      layer.problem === null && layer.group !== null
        ? `${layer.group} ${change}`
        : isRule
          ? `rule ${layer.problem} ${layer.specKey === 'equalization_criterion' ? layer.group : ''}`
          : `layer ${layer.name}`;
    groups.set(key, [...(groups.get(key) ?? []), layer]);
  }
  return [...groups.values()];
}

/** Layers that keep other filters than they should. */
function cutFinding(layers: readonly LayerResult[], causeOf: CauseOf): Sized {
  const first = layers[0]!;
  const names = layers.map((layer) => layer.name);
  const { missing, unexpected, expected, actual } = first;
  const found = [
    ...(missing.length > 0 ? [`expected ${indices(missing)}`] : []),
    ...(unexpected.length > 0 ? [`found ${indices(unexpected)}`] : []),
  ].join('; ');
  const examples = examplesOf(first);
  const more = missing.length + unexpected.length - examples.length;
  const details = [
    sentence(capitalized(`${found}: ${first.reason}`)),
    ...examples.map((line) => sentence(capitalized(line))),
    ...(more > 0 ? [`... and ${more} more filters: prunegate explain --layer ${first.name} shows them all.`] : []),
    ...reportedRelation(layers),
  ];
  const title =
    actual?.length === first.filters
      ? `${joined(names)} kept all ${first.filters} filters, expected ${expected?.length}`
      : actual?.length === expected?.length
        ? `${joined(names)} kept the wrong ${missing.length} of ${expected?.length} filters`
        : `${joined(names)} kept ${actual?.length} filters, expected ${expected?.length}`;
  return {
    finding: mismatch(names, title, details, first.specKey, causeOf(layers)),
    size: (missing.length + unexpected.length) * layers.length,
  };
}

/** One filter that is missing and one that should be gone, those that lie farthest from the cut: they convince soonest. */
function examplesOf({ missing, unexpected, explanations, explanation }: LayerResult): readonly string[] {
  const told = [...missing, ...unexpected].slice(0, explanations.length);
  const margin = (filter: number): number => Math.abs(marginOf(explanation, filter));
  return [missing, unexpected].flatMap((filters) => {
    const known = filters.filter((filter) => told.includes(filter));
    const [far] = [...known].sort((a, b) => margin(b) - margin(a));
    return far === undefined ? [] : [explanations[told.indexOf(far)]!];
  });
}

function marginOf(explanation: LayerExplanation | null, filter: number): number {
  return explanation?.filters[filter]?.margin ?? 0;
}

/** Layers of which something else is wrong than the choice of filters. */
function problemFinding(layers: readonly LayerResult[], { scene, recovery, excused }: Outcomes): Sized {
  const first = layers[0]!;
  const names = layers.map((layer) => layer.name);
  const consumers = (recovery.layers.get(first.name)?.disagreements ?? []).flatMap(({ consumer }) =>
    consumer === null || excused.has(consumer) ? [] : [consumer],
  );
  const cause = consumers.flatMap((consumer) => {
    const columns = recovery.misplaced.get(consumer);
    return columns === undefined ? [] : (columnCause(scene.dense, scene.layers, consumer, columns) ?? []);
  })[0];
  const reasons = [...new Set(layers.map((layer) => sentence(capitalized(layer.reason))))];
  const shown = reasons.slice(0, MAX_REASONS);
  const more = reasons.length > shown.length ? [`... and ${reasons.length - shown.length} more layers.`] : [];
  return {
    finding: mismatch(names, `${joined(names)} ${first.problem}`, [...shown, ...more], first.specKey, cause ?? null),
    size: 1,
  };
}

const MAX_REASONS = 4;

/** Layers and tensors that the dense model does not have, or that no prunable layer owns. */
function foreign({ extra, elsewhere }: Recovery, { usualKey }: Expectation): Finding[] {
  return [
    ...extra.map((name) =>
      mismatch(
        [name],
        `${name} is not in the dense model`,
        ['The pruned model has a layer that the dense model does not have.'],
        usualKey,
      ),
    ),
    ...elsewhere.map(({ tensor, detail }) =>
      mismatch([], `${tensor} is not the dense model's`, [sentence(detail)], usualKey),
    ),
  ];
}

/** What could not be told, and no prunable layer owns. */
function openFindings({ open }: Recovery, { usualKey }: Expectation): Finding[] {
  return open.map(({ tensor, detail }) => ({
    layers: [],
    verdict: 'unverifiable',
    title: `${tensor} could not be verified`,
    details: [sentence(capitalized(detail))],
    specKey: usualKey,
  }));
}

function unverifiable(layers: readonly LayerResult[], expectation: Expectation): Finding[] {
  const open = layers.filter((layer) => layer.verdict === 'unverifiable');
  const finding = (
    names: readonly string[],
    title: string,
    details: readonly string[],
    specKey = expectation.usualKey,
  ): Finding => ({
    layers: names,
    verdict: 'unverifiable',
    title,
    details,
    specKey,
  });
  if (layers.length === 0)
    return [
      finding([], 'the dense model has no layer that could be pruned', [
        'No convolution and no dense layer was found in it: is it the right file?',
      ]),
    ];
  if (open.length === 0) return [];
  if (expectation.refusal?.always === true) {
    const { message, layer } = expectation.refusal;
    const at = layer === null || message.includes(layer) ? '' : ` at ${layer}`;
    return [
      finding(
        open.map((one) => one.name),
        `the real pruner raises on this model${at}`,
        [message],
      ),
    ];
  }
  const byCause = new Map<string, LayerResult[]>();
  for (const layer of open) {
    const cause = layer.remedy ?? layer.reason.replaceAll(layer.name, '');
    byCause.set(cause, [...(byCause.get(cause) ?? []), layer]);
  }
  return [...byCause.values()].map((group): Finding => {
    const first = group[0]!;
    const names = group.map((layer) => layer.name);
    // Filters that were recovered were held against the rules that need no weights.
    const isHeld = group.every((layer) => layer.expected === null && layer.actual !== null);
    return finding(
      names,
      `${joined(names)} could not be verified`,
      [
        sentence(capitalized(first.reason)),
        ...(first.remedy === null ? [] : [first.remedy]),
        ...(isHeld ? [`Checked without norms: ${expectation.certain.summary(names)}.`] : []),
      ],
      first.specKey,
    );
  });
}

function indices(filters: readonly number[]): string {
  return filters.length <= 12
    ? filters.join(', ')
    : `${filters.slice(0, 12).join(', ')} and ${filters.length - 12} more`;
}

function sentence(text: string): string {
  return /[.?!]$/.test(text) ? text : `${text}.`;
}

/** Names of layers that begin a sentence stay as they are. */
function capitalized(text: string): string {
  return text.replace(
    /^(expected|found|filter|it|its|all|no|none|the|what) /,
    (word) => word.charAt(0).toUpperCase() + word.slice(1),
  );
}
