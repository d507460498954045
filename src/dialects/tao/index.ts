import type { Pruner } from '../types.ts';
import { expectTao } from './expect.ts';
import { limitedWork } from './exploration/work.ts';
import { taoHypotheses } from './hypotheses.ts';
import { lintTao } from './lint.ts';
import { readTaoLog } from './log.ts';
import { normsInPassing, readNorms } from './norms/norms.ts';
import type { TaoPruner } from './rules.ts';

export { FLAGS } from './spec.ts';

/** One of TAO's pruners behind the face of all dialects. */
export function taoPruner(name: string, pruner: TaoPruner): Pruner {
  return {
    name,
    isContained: true,
    spec: pruner.spec,
    expect(network, folding) {
      const run = { ...pruner, network, norms: readNorms(network, folding), work: limitedWork() };
      const expected = expectTao(run);
      return {
        ...expected,
        lint: (prunedFile) => lintTao(run, expected, prunedFile),
        hypotheses: (observed) => taoHypotheses({ ...run, work: limitedWork() }, folding, observed),
      };
    },
    onlooker: normsInPassing,
    readLog: readTaoLog,
  };
}
