import type { FindingKind } from '../verdict/index.ts';

/** What can be wrong, as code scanning lists it. Names stay: alerts are told apart by them. */
export interface SarifRule {
  readonly name: string;
  readonly short: string;
  /** What to do about it. */
  readonly help: string;
}

/** Beside the kinds of findings: models of which there is no verdict, layers that fail for being ambiguous, and findings that are left out. */
type OwnRule = 'not-checked' | 'ambiguous' | 'more';

export type RuleId = FindingKind | OwnRule;

export const SARIF_RULES: Readonly<Record<RuleId, SarifRule>> = {
  layers: {
    name: 'RetainedFilters',
    short: 'Layers keep other filters than the pruning spec asks for, or could not be verified',
    help: 'Prune the dense model again by the spec that is in this pull request, and let the pruner finish. The finding names the filters and, where one fits, the likely cause.',
  },
  reported: {
    name: 'ReportedIndices',
    short: 'The pruner reports other filters than the model retains',
    help: 'Give the indices that the pruner printed last, and the model that it wrote in that run.',
  },
  execution: {
    name: 'Execution',
    short: 'The executed models differ, or could not be executed though they had to be',
    help: 'The pruned model must compute what the dense one does with the same channels cut. The first layer that differs is named.',
  },
  gate: {
    name: 'Gate',
    short: 'Pruning saves less than was asked for',
    help: 'Prune more, or change the gate in prunegate.yml where reviewers see it.',
  },
  'weights-unseen': {
    name: 'WeightsUnseen',
    short: 'Weights are read by operators that are not understood',
    help: 'Give the models as they were exported, before an optimizer of a runtime rewrites them.',
  },
  'graph-differs': {
    name: 'GraphDiffers',
    short: 'Between its layers the pruned model computes something else than the dense one',
    help: 'Export both models from the same code and by the same exporter, and let nothing but the pruner change them.',
  },
  'interface-differs': {
    name: 'InterfaceDiffers',
    short: 'The inputs or outputs of the pruned model are other ones than the dense one has',
    help: 'Export both models with the same inputs and outputs.',
  },
  'policy-lowered': {
    name: 'PolicyLowered',
    short: 'The pull request asks for less than its base does',
    help: 'What the base branch asks for holds until this is merged. Who may merge it decides.',
  },
  lock: {
    name: 'Lock',
    short: 'The lock file agrees to other filters',
    help: 'Write the lock file anew with prunegate lock, and let reviewers agree to what it says.',
  },
  'not-checked': {
    name: 'NotChecked',
    short: 'A model could not be checked',
    help: 'The message names the file and what is wrong with it.',
  },
  ambiguous: {
    name: 'Ambiguous',
    short: 'Layers differ only where the pruner itself could have chosen either',
    help: 'fail-on names ambiguous. Leave it out there, or prune by a spec under which no filters tie.',
  },
  more: {
    name: 'MoreFindings',
    short: 'Findings that did not fit',
    help: 'report.json has them all.',
  },
};
