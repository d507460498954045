import type { Expectation, LayerExplanation } from '../dialects/index.ts';
import { capitalized, counted, filterWords, joined, sentence } from '../prose/index.ts';
import type { Recovery } from '../recovery/index.ts';
import type { Causes, Scene } from './causes.ts';
import { columnCause } from './column-causes.ts';
import { type Group, groupedBy } from './grouped.ts';
import { ZEROED } from './judge-form.ts';
import { reportedRelation } from './reported.ts';
import type { Finding, LayerResult, PlaceOf } from './types.ts';

export interface Outcomes {
  readonly scene: Scene;
  readonly causes: Causes;
  readonly recovery: Recovery;
  /** Layers that read other channels than before because the pruner itself cuts them so. */
  readonly excused: ReadonlySet<string>;
  readonly expectation: Expectation;
  /** Where the spec says what. */
  readonly at: PlaceOf;
}

/** What a reader should know, the worst first: one entry for layers that are pruned alike, the largest divergence before smaller ones. */
export function findingsOf(outcomes: Outcomes): Finding[] {
  const { layers } = outcomes.scene;
  const untouched = unprunedFinding(outcomes) ?? zeroedFinding(outcomes);
  const diverging = untouched === null ? layers.filter((layer) => layer.verdict === 'mismatch') : [];
  const mismatches = grouped(diverging, outcomes)
    .map((group) => (group[0].problem === null ? cutFinding(group, outcomes) : problemFinding(group, outcomes)))
    .sort((a, b) => b.size - a.size);
  return [
    ...(untouched === null ? [] : [untouched]),
    ...mismatches.map(({ finding }) => finding),
    ...foreignFindings(outcomes),
    ...openFindings(outcomes),
    ...unverifiableFindings(outcomes),
  ];
}

/** One sentence for a model that no pruner touched, instead of one for each layer. */
function unprunedFinding({ scene: { layers }, expectation, at }: Outcomes): Finding | null {
  const prunable = layers.filter((layer) => layer.expected !== null && layer.expected.length < layer.filters);
  const isWhole = layers.every(
    (layer) => layer.actual?.length === layer.filters && (layer.verdict !== 'mismatch' || layer.unexpected.length > 0),
  );
  const wrong = layers.filter((layer) => layer.verdict === 'mismatch');
  if (!isWhole || prunable.length < 2 || wrong.length < 2) return null;
  const names = wrong.map((layer) => layer.name);
  return {
    kind: 'layers',
    verdict: 'mismatch',
    title: 'the pruned model is not pruned: every layer keeps all its filters',
    details: [`${joined(names)} should have lost filters. Did the prune step run, and is this the file that it wrote?`],
    layers: names,
    place: { ...at(expectation.usualKey), layer: null, filters: [] },
  };
}

/** One sentence for a model whose filters are masked instead of cut, instead of one for each layer. */
function zeroedFinding({ scene: { layers }, at }: Outcomes): Finding | null {
  const wrong = layers.filter((layer) => layer.verdict === 'mismatch');
  const [first] = wrong;
  if (first === undefined || wrong.length < 2 || wrong.some(({ problem }) => problem !== ZEROED)) return null;
  const names = wrong.map((layer) => layer.name);
  return {
    kind: 'layers',
    verdict: 'mismatch',
    title: 'the pruned model is zeroed, not pruned: its filters hold zeros and are still there',
    details: [
      `${joined(names)} have as many filters as before, so the file does not shrink and the model is no faster. Zeros have to be followed by a cut; where zeros are what is wanted, a declared spec says form: zeroed.`,
    ],
    layers: names,
    place: { ...at(first.specKey), layer: null, filters: [] },
  };
}

/** Layers of one finding. */
type Layers = Group<LayerResult>;

interface Sized {
  readonly finding: Finding;
  readonly size: number;
}

/** Layers of one group that miss the same filters share one cause, and so do layers that break one rule; another reason is a finding of its own. */
function grouped(layers: readonly LayerResult[], { scene: { firstStage } }: Outcomes): readonly Layers[] {
  return groupedBy(layers, (layer) => {
    if (layer.problem === null && layer.group !== null) return `${layer.group} ${layer.missing} ${layer.unexpected}`;
    const isRule = layer.problem !== null && layer.expected === null;
    if (!isRule) return `layer ${layer.name}`;
    return `rule ${layer.problem} ${layer.specKey === firstStage?.mergedBy ? layer.group : ''}`;
  });
}

/** A finding about layers, at the key that decided on the first. */
function layersFinding(
  group: Layers,
  at: PlaceOf,
  finding: Pick<Finding, 'verdict' | 'title' | 'details'>,
  cause: string | null = null,
): Finding {
  const [{ name, specKey, missing, unexpected }] = group;
  const filters = [...missing, ...unexpected].sort((a, b) => a - b);
  return {
    kind: 'layers',
    ...finding,
    details: [...finding.details, ...(cause === null ? [] : [cause])],
    layers: group.map((layer) => layer.name),
    place: { ...at(specKey), layer: name, filters },
    ...(cause === null ? {} : { cause }),
  };
}

/** Layers that keep other filters than they should. */
function cutFinding(group: Layers, { causes, at }: Outcomes): Sized {
  const [first] = group;
  const { missing, unexpected } = first;
  const found = [
    ...(missing.length > 0 ? [`expected ${filterWords(missing)}`] : []),
    ...(unexpected.length > 0 ? [`found ${filterWords(unexpected)}`] : []),
  ].join('; ');
  const examples = examplesOf(first);
  const more = missing.length + unexpected.length - examples.length;
  const details = [
    sentence(capitalized(`${found}: ${first.reason}`)),
    ...examples.map((line) => sentence(capitalized(line))),
    ...(more > 0 ? [`... and ${counted(more, 'more filter')}.`] : []),
    ...reportedRelation(group),
  ];
  const finding = { verdict: 'mismatch', title: cutTitle(group), details } as const;
  return {
    finding: layersFinding(group, at, finding, causes.of(group)),
    size: (missing.length + unexpected.length) * group.length,
  };
}

function cutTitle(group: Layers): string {
  const [{ actual, expected, missing, filters }] = group;
  const names = joined(group.map((layer) => layer.name));
  if (actual?.length === filters) return `${names} kept all ${filters} filters, expected ${expected?.length}`;
  return actual?.length === expected?.length
    ? `${names} kept the wrong ${missing.length} of ${expected?.length} filters`
    : `${names} kept ${actual?.length} filters, expected ${expected?.length}`;
}

/** One filter that is missing and one that should be gone, those that lie farthest from the cut: they convince soonest. */
function examplesOf({ missing, unexpected, explanations, explanation }: LayerResult): readonly string[] {
  const explained = [...missing, ...unexpected].slice(0, explanations.length);
  const margin = (filter: number): number => Math.abs(marginOf(explanation, filter));
  return [missing, unexpected].flatMap((filters) => {
    const known = filters.filter((filter) => explained.includes(filter));
    const [far] = [...known].sort((a, b) => margin(b) - margin(a));
    return far === undefined ? [] : [explanations[explained.indexOf(far)]!];
  });
}

function marginOf(explanation: LayerExplanation | null, filter: number): number {
  return explanation?.filters[filter]?.margin ?? 0;
}

/** Layers of which something else is wrong than the choice of filters. */
function problemFinding(group: Layers, outcomes: Outcomes): Sized {
  const [first] = group;
  const reasons = [...new Set(group.map((layer) => sentence(capitalized(layer.reason))))];
  const shown = reasons.slice(0, MAX_REASONS);
  const more = reasons.length > shown.length ? [`... and ${reasons.length - shown.length} more layers.`] : [];
  const title = `${joined(group.map((layer) => layer.name))} ${first.problem}`;
  const finding = { verdict: 'mismatch', title, details: [...shown, ...more] } as const;
  return { finding: layersFinding(group, outcomes.at, finding, consumersCause(first, outcomes)), size: 1 };
}

const MAX_REASONS = 4;

/** Why a layer that reads this one reads other channels than it keeps. */
function consumersCause({ name }: LayerResult, { scene, recovery, excused }: Outcomes): string | null {
  for (const { consumer } of recovery.layers.get(name)?.disagreements ?? []) {
    const columns = consumer === null || excused.has(consumer) ? undefined : recovery.misplaced.get(consumer);
    const cause =
      columns === undefined ? null : columnCause(scene.dense, scene.layers, scene.firstStage, consumer!, columns);
    if (cause !== null) return cause;
  }
  return null;
}

/** Layers and tensors that the dense model does not have, or that no prunable layer owns. */
function foreignFindings({ recovery: { extra, elsewhere }, expectation, at }: Outcomes): Finding[] {
  const usual = at(expectation.usualKey);
  return [
    ...extra.map(
      (name): Finding => ({
        ...{ kind: 'layers', verdict: 'mismatch', title: `${name} is not in the dense model` },
        details: ['The pruned model has a layer that the dense model does not have.'],
        layers: [name],
        place: { ...usual, layer: name, filters: [] },
      }),
    ),
    ...elsewhere.map(
      ({ tensor, detail }): Finding => ({
        ...{ kind: 'layers', verdict: 'mismatch', title: `${tensor} is not the dense model's` },
        details: [sentence(detail)],
        layers: [],
        place: { ...usual, layer: null, filters: [] },
      }),
    ),
  ];
}

/** What could not be determined, and no prunable layer owns. */
function openFindings({ recovery: { open }, expectation, at }: Outcomes): Finding[] {
  return open.map(({ tensor, detail }) => ({
    ...{ kind: 'layers', verdict: 'unverifiable', title: `${tensor} could not be verified` },
    details: [sentence(capitalized(detail))],
    layers: [],
    place: { ...at(expectation.usualKey), layer: null, filters: [] },
  }));
}

function unverifiableFindings({ scene: { layers }, expectation, at }: Outcomes): Finding[] {
  if (layers.length === 0) return [emptyFinding(at(expectation.usualKey))];
  const open = layers.filter((layer) => layer.verdict === 'unverifiable');
  if (open.length === 0) return [];
  if (expectation.refusal?.always === true) {
    const { message, layer } = expectation.refusal;
    const where = layer === null || message.includes(layer) ? '' : ` at ${layer}`;
    return [
      {
        ...{ kind: 'layers', verdict: 'unverifiable', title: `the real pruner raises on this model${where}` },
        details: [message],
        layers: open.map((one) => one.name),
        place: { ...at(expectation.usualKey), layer, filters: [] },
      },
    ];
  }
  return groupedBy(open, (layer) => layer.remedy ?? layer.reason.replaceAll(layer.name, '')).map((group) => {
    const [first] = group;
    const names = group.map((layer) => layer.name);
    // Filters that were recovered were compared with the rules that need no weights.
    const isHeld = group.every((layer) => layer.expected === null && layer.actual !== null);
    return layersFinding(group, at, {
      verdict: 'unverifiable',
      title: `${joined(names)} could not be verified`,
      details: [
        sentence(capitalized(first.reason)),
        ...(first.remedy === null ? [] : [first.remedy]),
        ...(isHeld ? [`Checked without norms: ${expectation.certain.summary(names)}.`] : []),
      ],
    });
  });
}

function emptyFinding(place: ReturnType<PlaceOf>): Finding {
  return {
    ...{ kind: 'layers', verdict: 'unverifiable', title: 'the dense model has no layer that could be pruned' },
    details: [
      'No convolution and no dense layer whose weights can be read was found in it: is it the right file, as it was exported?',
    ],
    layers: [],
    place: { ...place, layer: null, filters: [] },
  };
}
