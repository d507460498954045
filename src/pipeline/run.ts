import type { ModelRequest } from '../config/index.ts';
import { underDenseNames } from '../recovery/index.ts';
import { makeReport } from '../report/index.ts';
import { gateOf, judge, judgeExecution, judgeGates } from '../verdict/index.ts';
import type { Checked } from './checked.ts';
import { refuseExchanged } from './exchanged.ts';
import { executeModels, gainsOf } from './execute-models.ts';
import type { Host } from './host.ts';
import { recoverFrom } from './judge-networks.ts';
import { modelSize, prunedPath, withModels } from './models.ts';
import { requestPlaces } from './places.ts';

/**
 * Executes both models: does the pruned one compute what the dense one does with the same channels cut?
 * @throws InputError for whatever the user can mend
 */
export function run(request: ModelRequest, host: Host): Promise<Checked> {
  return withModels(host, async ({ read }) => {
    const dense = read(request.dense);
    const pruned = read(prunedPath(request));
    refuseExchanged(dense, pruned, request);
    const recovery = recoverFrom({ dense, pruned, folded: null });
    const retention = judge({ dense, recovery, tolerance: request.tolerance });
    const executed = await executeModels(
      { dense, pruned: underDenseNames(pruned, recovery), recovery, retention, stated: null },
      request,
      host,
    );
    const at = requestPlaces(request, host.root);
    const sizes = { dense: modelSize(dense), pruned: modelSize(pruned) };
    const judgement = judgeGates(
      judgeExecution(retention, executed, { requireGpu: request.requireGpu, demand: 'all', at }),
      // It takes no baseline.
      { ...request, maxFiltersFlipped: null },
      gainsOf(sizes, executed, null),
      at,
    );
    const { conclusion, exitCode } = gateOf(judgement, request);
    const report = makeReport({
      version: host.version,
      model: request.name ?? 'model',
      dense,
      pruned,
      sizes,
      judgement,
      execution: executed.execution,
      conclusion,
      isHashed: host.isHashed,
    });
    return { report, explain: null, numbers: null, lockable: null, exitCode };
  });
}
