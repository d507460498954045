import { type Expectation, type LayerExplanation, ranksOf, type Spec } from '../dialects/index.ts';
import { listed, marginText, normText } from '../prose/index.ts';
import { columns } from './columns.ts';
import { shortLine, shortName } from './escape.ts';
import { groupLetters } from './groups.ts';

/** Filters shown on either side of the cut. */
const NEAR_THE_CUT = 8;
/** Filters farther from it whose fate a partner changed, at most; those nearest to the cut. */
const MAX_CHANGED = 24;
/** Layers that are named in a row. */
const MAX_LISTED = 100;
/** Partners with a column of their own; JSON has more. */
const MAX_PARTNERS = 3;

/** One filter of an explained layer. Values stand in the order of the table's members. */
export interface ExplainedFilter {
  readonly filter: number;
  readonly norms: readonly number[];
  /** Normalized. */
  readonly values: readonly number[];
  /** By the layer's own value, 1 for the largest; equal ones share a rank. */
  readonly rank: number;
  readonly merged: number;
  readonly mergedRank: number;
  readonly stays: boolean;
  /** Whether its own norm alone would let it stay; null where that is no notion of the dialect. */
  readonly staysAlone: boolean | null;
  readonly rule: string;
  readonly margin: number | null;
  readonly note: string;
}

/** The numbers behind a layer's decision, as every report shows them: filters by the value that decided, largest first. */
export interface ExplanationTable {
  readonly layer: string;
  readonly reason: string;
  /** The layer first. */
  readonly members: readonly string[];
  /** How many more there are. */
  readonly unlisted: number;
  readonly criterion: string;
  readonly threshold: number | null;
  readonly passing: number;
  readonly cut: number | null;
  readonly kept: number;
  readonly filters: readonly ExplainedFilter[];
  /** Filters that are left out, far from the cut. */
  readonly hidden: number;
}

/**
 * @param always filters that are shown wherever they lie
 * @param all every filter, not only those near the cut
 */
export function explanationTable(
  layer: LayerExplanation,
  { always = [], all = false }: { readonly always?: readonly number[]; readonly all?: boolean } = {},
): ExplanationTable {
  const { members, merged } = layer;
  const retained = new Set(layer.retained ?? []);
  const exploring = layer.exploring === null ? null : new Set(layer.exploring);
  const own = ranksOf(members[0]?.values ?? merged);
  const rank = ranksOf(merged);
  const order = [...merged.keys()].sort((a, b) => rank[a]! - rank[b]! || a - b);
  const wanted = new Set(always);
  const filters = order.map((filter): ExplainedFilter => {
    const decision = layer.filters[filter]!;
    return {
      filter,
      norms: members.map(({ norms }) => norms[filter]!),
      values: members.map(({ values }) => values[filter]!),
      rank: own[filter]!,
      merged: merged[filter]!,
      mergedRank: rank[filter]!,
      stays: retained.has(filter),
      staysAlone: exploring?.has(filter) ?? null,
      ...{ rule: decision.rule, margin: decision.margin, note: decision.note },
    };
  });
  // Where a partner changed a filter's fate, that is what one wants to see.
  const distance = (at: number): number => Math.abs(at - retained.size + 0.5);
  const changed = filters
    .map((_, at) => ({ isOverruled: layer.filters[order[at]!]!.isOverruled, at }))
    .filter(({ isOverruled }) => isOverruled)
    .sort((a, b) => distance(a.at) - distance(b.at))
    .slice(0, MAX_CHANGED);
  const telling = new Set(changed.map(({ at }) => at));
  const shown = filters.filter(
    ({ filter }, at) => all || wanted.has(filter) || telling.has(at) || distance(at) < NEAR_THE_CUT,
  );
  return {
    layer: layer.layer,
    reason: layer.reason,
    members: members.map(({ name }) => name),
    unlisted: layer.unlisted,
    criterion: layer.criterion,
    threshold: layer.threshold,
    passing: layer.passing,
    cut: layer.cut,
    kept: retained.size,
    filters: shown,
    hidden: filters.length - shown.length,
  };
}

/** An explanation as columns: their names, and a row for each filter. */
export interface ExplanationColumns {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** How many rows stand before the cut. */
  readonly above: number;
  /** What the cut is, in words; null where no filter goes. */
  readonly cut: string | null;
  /** What is not shown. */
  readonly more: readonly string[];
}

/** The columns of a layer's explanation, with names and notes as they are. */
export function explanationColumns(layer: LayerExplanation, all: boolean): ExplanationColumns {
  const table = explanationTable(layer, { all });
  const { members, filters, kept, hidden } = table;
  const isMerged = members.length > 1;
  const partners = members.slice(1, 1 + MAX_PARTNERS);
  const unseen = members.length - 1 - partners.length + table.unlisted;
  return {
    header: [
      ...['filter', 'norm', members[0] ?? '', 'rank', ...partners],
      ...(isMerged ? ['merged', 'rank'] : []),
      ...(table.cut === null ? [] : ['margin']),
      ...['', 'rule', ''],
    ],
    rows: filters.map((row, at) => [
      ...[String(row.filter), normText(row.norms[0]!), normText(row.values[0]!), String(row.rank)],
      ...partners.map((_, k) => normText(row.values[k + 1]!)),
      ...(isMerged ? [normText(row.merged), String(row.mergedRank)] : []),
      ...(table.cut === null ? [] : [row.margin === null ? '' : marginText(row.margin)]),
      ...[row.stays ? 'kept' : 'cut', row.rule],
      row.note !== '' && row.note === filters[at - 1]?.note ? 'same' : row.note,
    ]),
    above: filters.filter(({ stays }) => stays).length,
    cut: kept === layer.merged.length ? null : cutText(table),
    more: [
      ...(hidden > 0 ? [`${hidden} more filters (--all shows them)`] : []),
      ...(unseen > 0 ? [`${unseen} more members of the group (--format json shows them)`] : []),
    ],
  };
}

/** `32 filters, 16 kept: ...` */
export function explanationTitle({ merged, retained, reason }: LayerExplanation): string {
  return `${merged.length} filters, ${retained?.length ?? 0} kept: ${reason}`;
}

/** Columns of numbers that belong to a filter or a rank end at the same place. */
const RIGHT: Readonly<Record<string, number>> = { filter: 6, rank: 4 };

/** A layer's filters by the value that decided, with the cut drawn through them. */
export function renderLayerExplanation(layer: LayerExplanation, all: boolean): string {
  const { header, rows, above, cut, more } = explanationColumns(layer, all);
  const aligned = rows.map((row) => row.map((cell, k) => shortLine(cell).padStart(RIGHT[header[k]!] ?? 0)));
  const lines = columns([header.map(shortName), ...aligned], '').split('\n');
  const rule = '-'.repeat(24);
  const drawn =
    cut === null ? lines : [...lines.slice(0, 1 + above), `${rule} ${cut} ${rule}`, ...lines.slice(1 + above)];
  const title = shortLine(`${shortName(layer.layer)}  ${explanationTitle(layer)}`);
  return `${[title, ...drawn, ...more.map((each) => `... ${each}`)].join('\n')}\n`;
}

function cutText({ cut, threshold, passing, kept }: ExplanationTable): string {
  const value = cut === null ? '' : ` ${normText(cut)}`;
  const why =
    threshold === null
      ? `${kept} stay`
      : passing === kept
        ? `${passing} filters pass`
        : `${passing} filters pass ${threshold}, ${kept} stay`;
  return `cut${value}: ${why}`;
}

/** What each layer and each group of a model keeps, and by which rule, as `explain` prints it without a layer. */
export interface ModelExplanation {
  readonly layers: readonly {
    readonly name: string;
    readonly kept: number | null;
    readonly rule: string;
    readonly reason: string;
    readonly group: number | null;
  }[];
  readonly groups: readonly {
    readonly id: number;
    readonly members: readonly string[];
    readonly criterion: string;
    /** How many filters its members would keep under each criterion: one number where they agree; null where unknown. */
    readonly keptUnder: Readonly<Record<string, readonly (number | null)[]>>;
  }[];
  /** Layers for which another key of the spec than the usual one decided, by that key. */
  readonly decidedBy: Readonly<Record<string, readonly string[]>>;
  readonly refusal: Expectation['refusal'];
}

export function explainModel(expectation: Expectation): ModelExplanation {
  const under = expectation.groups.length === 0 ? [] : expectation.keptUnder();
  const layers = [...expectation.layers.values()];
  const others = [...new Set(layers.map(({ specKey }) => specKey))].filter((key) => key !== expectation.usualKey);
  return {
    layers: layers.map(({ name, expected, rule, reason, group }) => ({
      name,
      kept: expected?.length ?? null,
      rule,
      reason,
      group,
    })),
    groups: expectation.groups.map(({ id, members, criterion }) => ({
      id,
      members,
      criterion,
      keptUnder: Object.fromEntries(
        under.map(({ criterion: name, kept }) => [
          name,
          [...new Set(members.map((member) => kept?.get(member) ?? null))],
        ]),
      ),
    })),
    decidedBy: Object.fromEntries(
      others.map((key) => [key, layers.filter(({ specKey }) => specKey === key).map(({ name }) => name)]),
    ),
    refusal: expectation.refusal,
  };
}

/** The whole model: a line for each layer, what each criterion would have kept of each group, and where the threshold did not decide. */
export function renderModelExplanation(expectation: Expectation, spec: Spec): string {
  const { layers, groups, decidedBy, refusal } = explainModel(expectation);
  const letters = groupLetters({ groups });
  const rows = layers.map((layer) => [
    shortName(layer.name),
    layer.kept === null ? '?' : String(layer.kept),
    layer.rule,
    letters.get(layer.group ?? -1) ?? '',
    shortLine(layer.reason),
  ]);
  const criteria = Object.keys(groups[0]?.keptUnder ?? {});
  const groupRows = groups.map(({ id, members, keptUnder }) => [
    letters.get(id) ?? '',
    ...criteria.map((criterion) => keptUnder[criterion]!.map((kept) => kept ?? '?').join('/')),
    listed(members.map(shortName), MAX_LISTED),
  ]);
  const blocks = [
    spec.summary,
    columns([['layer', 'kept', 'rule that decided', 'group', 'why'], ...rows], ''),
    groups.length === 0
      ? ''
      : `filters that each group would keep under\n${columns([['group', ...criteria, 'layers'], ...groupRows], '')}`,
    Object.entries(decidedBy)
      .map(
        ([key, names]) =>
          `${key} decides, not the ${expectation.usualKey.replaceAll('_', ' ')}: ${listed(names.map(shortName), MAX_LISTED)}`,
      )
      .join('\n'),
    refusal === null ? '' : shortLine(`the real pruner ${refusal.always ? 'raises' : 'may raise'}: ${refusal.message}`),
  ];
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`;
}
