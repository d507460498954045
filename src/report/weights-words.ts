import type { Report, ReportInput } from './report.ts';

/** Whether BatchNorm is folded into the weights of both models, as people say it: `mixed` alone would be a riddle. */
export function weightsWords({ inputs, layers }: Report): { readonly dense: string; readonly pruned: string } {
  const folded = layers.filter(({ folding }) => folding === 'folded').length;
  const some = folded > 0 || inputs.dense.folding !== 'mixed' ? 'BatchNorm folded into some layers' : UNKNOWN;
  const dense =
    inputs.dense.folding === 'mixed' && folded > 0
      ? `BatchNorm folded into ${folded} of ${layers.length} layers`
      : words(inputs.dense.folding, some);
  return { dense, pruned: inputs.pruned === null ? '' : words(inputs.pruned.folding, some) };
}

/** Layers with biases and no BatchNorm beside layers that have one, or could not: transformers have both. */
const UNKNOWN = 'raw weights, as far as is known';

function words(folding: ReportInput['folding'], some: string): string {
  return folding === 'mixed' ? some : `${folding} weights`;
}
