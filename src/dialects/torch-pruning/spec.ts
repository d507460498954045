import type { SpecDocument } from '../../config/spec.ts';
import { validate } from '../../config/validate.ts';
import { isMapping } from '../../config/values.ts';
import { inputErrorAt } from '../../errors/place.ts';
import type { NamedFile } from '../shared/scores-file.ts';
import type { Spec } from '../types.ts';
import { validateSpec } from './spec.validator.generated.js';
import type { ModuleType } from './trace/modules.ts';

export type Reduction = 'mean' | 'sum' | 'max' | 'prod' | 'first' | 'gate';

/** An importance that weights alone determine. */
export interface ComputedImportance {
  readonly kind: 'computed';
  readonly name: string;
  readonly p: number;
  readonly reduction: Reduction;
  readonly normalizer: string | null;
  readonly bias: boolean;
  /** Modules that are scored; a depthwise convolution is none (importance.py:195, 215). */
  readonly targets: ReadonlySet<ModuleType>;
  /** Whether filters are scored by their distances to one another (FPGM). */
  readonly isDistance: boolean;
}

/** One that takes gradients, or chance: only the pruner can tell it. */
export interface GivenImportance {
  readonly kind: 'given';
  readonly name: string;
}

/** The arguments of `tp.pruner.BasePruner` and of its importance, defaults filled in. */
export interface TorchSpec extends Spec {
  readonly importance: ComputedImportance | GivenImportance;
  readonly scores: NamedFile | null;
  /** The types of the model's modules, where a file says them. */
  readonly modules: NamedFile | null;
  readonly pruningRatio: number;
  /** Each with the key that names its modules. */
  readonly ratios: readonly { readonly key: string; readonly modules: readonly string[]; readonly ratio: number }[];
  readonly maxPruningRatio: number;
  readonly isGlobal: boolean;
  readonly isIsomorphic: boolean;
  readonly roundTo: number | null;
  readonly ignored: readonly string[];
  readonly outGroups: ReadonlyMap<string, number>;
  readonly inGroups: ReadonlyMap<string, number>;
  /** Heads of attention projections. */
  readonly heads: ReadonlyMap<string, number>;
  /** Whether channels within heads go. */
  readonly prunesHeadDims: boolean;
  /** Whether whole heads go, and which share of them. */
  readonly prunesHeads: boolean;
  readonly headRatio: number;
  readonly steps: number;
}

interface WrittenImportance {
  readonly type: string;
  readonly p?: number;
  readonly group_reduction?: Reduction;
  readonly normalizer?: string | null;
  readonly bias?: boolean;
  readonly multivariable?: boolean;
}

interface Written {
  readonly importance: WrittenImportance;
  readonly scores?: string;
  readonly modules?: string;
  readonly pruning_ratio: number;
  readonly pruning_ratio_dict: Readonly<Record<string, number>>;
  readonly max_pruning_ratio: number;
  readonly global_pruning: boolean;
  readonly isomorphic: boolean;
  readonly round_to: number | null;
  readonly ignored_layers: readonly string[];
  readonly channel_groups: Readonly<Record<string, number>>;
  readonly out_channel_groups: Readonly<Record<string, number>>;
  readonly in_channel_groups: Readonly<Record<string, number>>;
  readonly num_heads: Readonly<Record<string, number>>;
  readonly prune_num_heads: boolean;
  readonly prune_head_dims: boolean;
  readonly head_pruning_ratio: number;
  readonly iterative_steps: number;
}

const SCORED: ReadonlySet<ModuleType> = new Set(['Conv', 'Linear', 'BatchNorm', 'LayerNorm']);

type Parameter = Exclude<keyof WrittenImportance, 'type'>;
const MAGNITUDE: readonly Parameter[] = ['p', 'group_reduction', 'normalizer', 'bias'];

/** Importances that weights determine: their parameters, and what is fixed or another default (importance.py:85-345). */
const COMPUTED: Readonly<
  Record<string, { readonly takes: readonly Parameter[]; readonly preset: Partial<ComputedImportance> }>
> = {
  GroupMagnitudeImportance: { takes: MAGNITUDE, preset: {} },
  MagnitudeImportance: { takes: MAGNITUDE, preset: {} },
  BNScaleImportance: { takes: ['group_reduction', 'normalizer'], preset: { p: 1, targets: new Set(['BatchNorm']) } },
  LAMPImportance: { takes: MAGNITUDE, preset: { normalizer: 'lamp' } },
  FPGMImportance: { takes: MAGNITUDE, preset: { isDistance: true } },
};

/** Importances as they were called before (importance.py). */
const FORMER_IMPORTANCES: ReadonlyMap<unknown, string> = new Map([['GroupNormImportance', 'GroupMagnitudeImportance']]);

/** @throws InputError naming file, line, key, value and what is allowed */
export function readTorchSpec(document: SpecDocument): TorchSpec {
  refuseFormer(document);
  const written = validate<Written>(validateSpec, document.section, (path) => document.at(path));
  const importance = importanceOf(written.importance, document);
  const outGroups = { ...written.out_channel_groups, ...written.channel_groups, ...written.num_heads };
  const effective = {
    importance: shownImportance(importance),
    ...(written.scores === undefined ? {} : { scores: written.scores }),
    ...(written.modules === undefined ? {} : { modules: written.modules }),
    pruning_ratio: written.pruning_ratio,
    pruning_ratio_dict: { ...written.pruning_ratio_dict },
    max_pruning_ratio: written.max_pruning_ratio,
    global_pruning: written.global_pruning,
    isomorphic: written.isomorphic,
    round_to: written.round_to,
    ignored_layers: written.ignored_layers,
    out_channel_groups: outGroups,
    in_channel_groups: { ...written.in_channel_groups },
    num_heads: { ...written.num_heads },
    prune_num_heads: written.prune_num_heads,
    prune_head_dims: written.prune_head_dims,
    head_pruning_ratio: written.head_pruning_ratio,
    iterative_steps: written.iterative_steps,
  };
  return {
    effective,
    summary: summaryOf(importance, written),
    file: document.file,
    line: (key) => document.line(key),
    at: (path) => document.at(path),
    importance,
    scores:
      written.scores === undefined ? null : { path: written.scores, at: document.at('scores'), read: document.read },
    modules:
      written.modules === undefined ? null : { path: written.modules, at: document.at('modules'), read: document.read },
    pruningRatio: written.pruning_ratio,
    ratios: Object.entries(written.pruning_ratio_dict).map(([key, ratio]) => ({
      key,
      modules: key.split(',').map((name) => name.trim()),
      ratio,
    })),
    maxPruningRatio: written.max_pruning_ratio,
    isGlobal: written.global_pruning,
    isIsomorphic: written.isomorphic,
    roundTo: written.round_to,
    ignored: written.ignored_layers,
    outGroups: new Map(Object.entries(outGroups)),
    inGroups: new Map(Object.entries(written.in_channel_groups)),
    heads: new Map(Object.entries(written.num_heads)),
    prunesHeadDims: written.prune_head_dims,
    prunesHeads: written.prune_num_heads,
    headRatio: written.head_pruning_ratio,
    steps: written.iterative_steps,
  };
}

function refuseFormer({ section, at }: SpecDocument): void {
  const { importance } = section;
  const named = isMapping(importance) ? importance['type'] : importance;
  const today = FORMER_IMPORTANCES.get(named);
  if (today !== undefined)
    throw inputErrorAt(
      at(isMapping(importance) ? ['importance', 'type'] : 'importance'),
      `is called ${today} now`,
      named,
    );
}

function importanceOf(written: WrittenImportance, document: SpecDocument): TorchSpec['importance'] {
  const { type } = written;
  const known = COMPUTED[type];
  if (known === undefined) return { kind: 'given', name: type };
  for (const key of Object.keys(written)) {
    if (key === 'type' || known.takes.includes(key as Parameter)) continue;
    const problem = `is no parameter of ${type}, which takes ${known.takes.join(', ')}`;
    throw inputErrorAt(document.at(['importance', key]), problem);
  }
  const importance: ComputedImportance = {
    kind: 'computed',
    name: type,
    p: written.p ?? 2,
    reduction: written.group_reduction ?? 'mean',
    normalizer: written.normalizer === undefined ? 'mean' : written.normalizer,
    bias: written.bias ?? false,
    targets: SCORED,
    isDistance: false,
    ...known.preset,
    ...(type === 'LAMPImportance' && written.normalizer !== undefined ? { normalizer: written.normalizer } : {}),
  };
  if (type === 'LAMPImportance' && importance.normalizer !== 'lamp')
    throw inputErrorAt(
      document.at(['importance', 'normalizer']),
      'must be lamp for LAMPImportance',
      written.normalizer,
    );
  return importance;
}

function shownImportance(importance: TorchSpec['importance']): Readonly<Record<string, unknown>> {
  if (importance.kind === 'given') return { type: importance.name };
  const { name, p, reduction, normalizer, bias } = importance;
  return { type: name, p, group_reduction: reduction, normalizer, bias };
}

function summaryOf(importance: TorchSpec['importance'], written: Written): string {
  const scored =
    importance.kind === 'given'
      ? importance.name
      : `${importance.name} p ${importance.p}, ${importance.reduction} over each group, normalizer ${importance.normalizer ?? 'none'}`;
  const among = written.isomorphic
    ? ' among groups of one structure'
    : written.global_pruning
      ? ' over all groups'
      : '';
  const rounded = written.round_to === null ? '' : `, rounded to ${written.round_to}`;
  return `${scored}, ratio ${written.pruning_ratio}${among}${rounded}`;
}
