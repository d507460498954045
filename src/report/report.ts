import type { PolicyChange, PolicyComparison } from '../config/index.ts';
import type { Expectation, LayerGroup, Lint, Spec } from '../dialects/index.ts';
import type { Place } from '../errors/place.ts';
import type { Execution } from '../execution/types.ts';
import type { LockComparison, LockDifference } from '../lock/index.ts';
import type { Folding, Network } from '../network/index.ts';
import type { CommandRun, Gpu } from '../process/index.ts';
import type {
  Conclusion,
  Finding,
  Flips,
  Judgement,
  LayerResult,
  LayerVerdict,
  ModelSize,
  RunVerdict,
} from '../verdict/index.ts';
import { type ExplanationTable, explanationTable } from './explanation.ts';

/** schemas/report.schema.json: the machine-readable result of one model. Keys keep their names; others may be added. */
export interface Report {
  readonly schemaVersion: 1;
  readonly tool: { readonly name: 'prunegate'; readonly version: string };
  readonly verdict: RunVerdict | null;
  readonly conclusion: Conclusion | null;
  readonly model: string;
  readonly dialect: string | null;
  /** Releases of the pruner that decide as the dialect does. */
  readonly releases?: readonly string[];
  readonly spec: Readonly<Record<string, unknown>> | null;
  /** The spec's settings in one line. */
  readonly specSummary: string | null;
  readonly inputs: { readonly dense: ReportInput; readonly pruned: ReportInput | null };
  readonly layers: readonly ReportLayer[];
  readonly groups: readonly LayerGroup[];
  readonly findings: readonly Finding[];
  readonly notes: readonly string[];
  readonly lints: readonly ReportLint[];
  readonly refusal: { readonly message: string; readonly layer: string | null } | null;
  readonly execution: Execution | null;
  /** The user's commands that made the models, in order. */
  readonly commands: readonly CommandRun[];
  /** The GPUs that CUDA programs saw; null where they were not looked for. */
  readonly gpus: readonly Gpu[] | null;
  /** How what the pull request asks for stands to its base; null where nobody looked. */
  readonly policy: ReportPolicy | null;
  /** How the model stands to what reviewers agreed to; null where nothing was. */
  readonly lock: ReportLock | null;
  /** How it stands to its baseline; null where none was given. */
  readonly baseline: ReportBaseline | null;
  readonly totals: ReportTotals;
}

/** Diverging filters of one layer that a report explains with all their numbers. */
const MAX_EXPLAINED_FILTERS = 32;

/**
 * Characters that the tables of all layers may take as JSON: V8 has no string of more than half a billion, and 20,000 layers that diverge would have more.
 * Those behind them keep all else that is said of them; `explain` has their numbers.
 */
const MAX_TABLES_TEXT = 2 ** 26;

/** What a pull request's prunegate.yml says otherwise than its base's. */
export interface ReportPolicy extends Omit<PolicyComparison, 'changes'> {
  readonly changes: readonly (Omit<PolicyChange, 'at'> & { readonly place: Place })[];
}

/** What a lock file says of the model. */
export interface ReportLock extends Omit<LockComparison, 'at'> {
  /** What the lock asks to agree to beyond the base commit's; null where nobody looked. */
  readonly base: null | {
    /** Whether something was agreed of the model there. */
    readonly state: 'read' | 'absent' | 'unknown';
    /** `agreed` at the base, `now` in the lock of the pull request. */
    readonly changes: readonly LockDifference[];
  };
}

/** How the model stands to an earlier run's report. */
export interface ReportBaseline extends Flips {
  readonly file: string;
  /** What that run found. */
  readonly verdict: RunVerdict | null;
  /** What the pruned model took then; null where nothing can be compared. */
  readonly before: null | {
    readonly filters: number | null;
    readonly parameters: number | null;
    readonly macs: number | null;
    readonly bytes: number | null;
    readonly latencyMs: number | null;
  };
}

export interface ReportInput {
  readonly path: string;
  /** null in a report that is only printed as text: hashing reads every byte once more. */
  readonly sha256: string | null;
  readonly folding: Folding | 'mixed';
}

/** A layer's result; which key of the spec decided matters to annotations only. */
export interface ReportLayer extends Omit<LayerResult, 'specKey' | 'explanation'> {
  /** The numbers around the cut of a layer that keeps other filters than expected; null for any other, and where so many do that a report has no room. */
  readonly explanation: ExplanationTable | null;
}

/** A remark on the spec, which changes no verdict. */
export interface ReportLint {
  readonly rule: string;
  readonly message: string;
  readonly file: string | null;
  readonly line: number | null;
  readonly key: string | null;
  readonly layers: readonly string[];
}

export interface ReportTotals {
  readonly layers: number;
  readonly match: number;
  readonly mismatch: number;
  readonly ambiguous: number;
  readonly unverifiable: number;
  readonly filters: { readonly dense: number; readonly retained: number | null };
  readonly parameters: { readonly dense: number; readonly pruned: number | null };
  readonly macs: { readonly dense: number | null; readonly pruned: number | null };
  /** Of the model files and of the files beside them that hold their weights. */
  readonly bytes: { readonly dense: number; readonly pruned: number | null };
}

/** Several models, or the merged reports of many runs. */
export interface ReportSet {
  readonly schemaVersion: 1;
  readonly tool: Report['tool'];
  readonly verdict: RunVerdict | null;
  readonly conclusion: Conclusion | null;
  readonly reports: readonly Report[];
  /** Models of which there is no report, because something was wrong with what was given. */
  readonly errors: readonly ModelError[];
  /** Whether it is known that no model is missing; of merged reports only. */
  readonly completeness?: 'checked' | 'unchecked';
}

/** What is said where nobody knew which models there should be. */
export const COMPLETENESS_UNCHECKED = 'completeness was not checked';

export interface ModelError {
  readonly model: string;
  /** One line. */
  readonly message: string;
}

/** What is known of one model; what was not asked for is left out. */
export interface ReportParts {
  readonly version: string;
  readonly model: string;
  readonly dense: Network;
  readonly pruned: Network | null;
  readonly sizes: Sizes;
  readonly decided?: Decided;
  readonly judgement: Judgement;
  readonly execution?: Execution | null;
  readonly conclusion?: Conclusion;
  /** Whether the models are hashed. */
  readonly isHashed: boolean;
  readonly made?: Pick<Report, 'commands' | 'gpus'>;
  readonly policy?: PolicyComparison | null;
  readonly lock?: ReportLock | null;
  readonly baseline?: ReportBaseline | null;
}

export interface Sizes {
  readonly dense: ModelSize;
  readonly pruned: ModelSize | null;
}

/** What the spec says, and what the pruner makes of it. */
export interface Decided {
  readonly dialect: string;
  readonly spec: Spec;
  readonly expectation: Expectation;
  readonly lints: readonly Lint[];
}

export function makeReport(parts: ReportParts): Report {
  const { decided = null, judgement, dense, pruned, isHashed } = parts;
  const refusal = decided?.expectation.refusal ?? null;
  return {
    schemaVersion: 1,
    tool: { name: 'prunegate', version: parts.version },
    verdict: judgement.verdict,
    conclusion: parts.conclusion ?? null,
    model: parts.model,
    dialect: decided?.dialect ?? null,
    releases: decided?.spec.releases ?? [],
    spec: decided?.expectation.effective ?? decided?.spec.effective ?? null,
    specSummary: decided?.spec.summary ?? null,
    inputs: { dense: inputOf(dense, isHashed), pruned: pruned === null ? null : inputOf(pruned, isHashed) },
    layers: reportLayers(judgement.layers),
    groups: decided?.expectation.groups ?? [],
    findings: judgement.findings,
    notes: judgement.notes,
    lints: (decided?.lints ?? []).map(({ rule, message, at, layers }) => ({ rule, message, ...at, layers })),
    refusal: refusal === null ? null : { message: refusal.message, layer: refusal.layer },
    execution: parts.execution ?? null,
    commands: parts.made?.commands ?? [],
    gpus: parts.made?.gpus ?? null,
    policy: policyOf(parts.policy ?? null),
    lock: parts.lock ?? null,
    baseline: parts.baseline ?? null,
    totals: totalsOf(judgement, parts.sizes),
  };
}

function policyOf(policy: PolicyComparison | null): ReportPolicy | null {
  if (policy === null) return null;
  return { ...policy, changes: policy.changes.map(({ at, ...change }) => ({ ...change, place: at })) };
}

function reportLayers(layers: readonly LayerResult[]): readonly ReportLayer[] {
  let room = MAX_TABLES_TEXT;
  return layers.map(({ specKey: _, explanation, ...layer }) => {
    if (explanation === null || room <= 0) return { ...layer, explanation: null };
    const always = [...layer.missing, ...layer.unexpected].slice(0, MAX_EXPLAINED_FILTERS);
    const table = explanationTable(explanation, { always });
    room -= textLength(table);
    return { ...layer, explanation: table };
  });
}

/** About how many characters a table takes as JSON. */
function textLength({ members, filters }: ExplanationTable): number {
  const [row, number] = [400, 22];
  return filters.reduce(
    (sum, { norms, values, note }) => sum + row + number * (norms.length + values.length) + note.length,
    members.reduce((sum, name) => sum + name.length, 0),
  );
}

function inputOf(network: Network, isHashed: boolean): ReportInput {
  const states = new Set([...network.prunable.values()].map((layer) => layer.folding.state));
  const [only] = states;
  return {
    path: network.model.name,
    sha256: isHashed ? (network.model.source.sha256?.() ?? null) : null,
    folding: states.size === 1 ? only! : 'mixed',
  };
}

function totalsOf({ layers }: Judgement, { dense, pruned }: Sizes): ReportTotals {
  const count = (verdict: LayerVerdict): number => layers.filter((layer) => layer.verdict === verdict).length;
  const expected = layers.every((layer) => layer.expected !== null)
    ? layers.reduce((n, layer) => n + layer.expected!.length, 0)
    : null;
  return {
    layers: layers.length,
    match: count('match'),
    mismatch: count('mismatch'),
    ambiguous: count('ambiguous'),
    unverifiable: count('unverifiable'),
    filters: { dense: dense.filters, retained: pruned?.filters ?? expected },
    parameters: { dense: dense.parameters, pruned: pruned?.parameters ?? null },
    macs: { dense: dense.macs, pruned: pruned?.macs ?? null },
    bytes: { dense: dense.bytes, pruned: pruned?.bytes ?? null },
  };
}

const WORST_FIRST: readonly (RunVerdict | null)[] = ['diverges', 'unverifiable', null, 'conforms'];
const CONCLUSIONS: readonly (Conclusion | null)[] = ['failure', 'neutral', null, 'success'];

/**
 * One verdict of many: the worst.
 * @param errors of models that could not be checked, or of which there is no report: with one of them, nothing conforms and the gate fails
 */
export function makeReportSet(
  version: string,
  reports: readonly Report[],
  errors: readonly ModelError[] = [],
): ReportSet {
  const verdicts = [...reports.map(({ verdict }) => verdict), ...errors.map(() => 'unverifiable' as const)];
  const conclusions = [...reports.map(({ conclusion }) => conclusion), ...errors.map(() => 'failure' as const)];
  return {
    schemaVersion: 1,
    tool: { name: 'prunegate', version },
    verdict: WORST_FIRST.find((verdict) => verdicts.includes(verdict)) ?? null,
    conclusion: CONCLUSIONS.find((conclusion) => conclusions.includes(conclusion)) ?? null,
    reports,
    errors,
  };
}
