import type { Report, ReportInput } from './report.ts';

/** Whether BatchNorm is folded into the weights of both models, as people say it: `mixed` alone would be a riddle. */
export function weightsWords({ inputs, layers }: Report): { readonly dense: string; readonly pruned: string } {
  const folded = layers.filter(({ folding }) => folding === 'folded').length;
  const dense =
    inputs.dense.folding === 'mixed' && folded > 0
      ? `BatchNorm folded into ${folded} of ${layers.length} layers`
      : words(inputs.dense.folding);
  return { dense, pruned: inputs.pruned === null ? '' : words(inputs.pruned.folding) };
}

function words(folding: ReportInput['folding']): string {
  return folding === 'mixed' ? 'BatchNorm folded into some layers' : `${folding} weights`;
}
