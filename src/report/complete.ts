import type { Report, ReportLayer } from './report.ts';

/** A report with the keys alone that schemas/report.schema.json requires, as another program or an earlier version writes it. */
type Bare<T, K extends keyof T> = Partial<T> & Pick<T, K>;
type BareReport = Omit<
  Bare<
    Report,
    'schemaVersion' | 'tool' | 'verdict' | 'model' | 'dialect' | 'spec' | 'inputs' | 'groups' | 'execution' | 'totals'
  >,
  'layers'
> & { readonly layers: readonly BareLayer[] };
type BareLayer = Partial<ReportLayer> &
  Omit<ReportLayer, 'foldingEvidence' | 'remedy' | 'rule' | 'explanations' | 'problem' | 'explanation'>;

/** What is left out says nothing, and so excuses nothing: a verdict without a conclusion fails where it does not conform. */
export function completed(report: BareReport): Report {
  return {
    conclusion: report.verdict === 'conforms' ? 'success' : 'failure',
    specSummary: null,
    findings: [],
    notes: [],
    lints: [],
    refusal: null,
    commands: [],
    gpus: null,
    policy: null,
    lock: null,
    baseline: null,
    ...report,
    layers: report.layers.map((layer) => ({
      ...{ foldingEvidence: '', remedy: null, rule: '', explanations: [], problem: null, explanation: null },
      ...layer,
    })),
  };
}
