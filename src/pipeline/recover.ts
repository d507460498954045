import type { ModelRequest } from '../config/index.ts';
import { makeReport } from '../report/index.ts';
import { isRecovered, judge } from '../verdict/index.ts';
import type { Checked } from './checked.ts';
import { refuseExchanged } from './exchanged.ts';
import type { Host } from './host.ts';
import { recoverFrom } from './judge-networks.ts';
import { modelSize, prunedPath, withModels } from './models.ts';

/**
 * The indices that are retained, from both models alone.
 * @throws InputError for whatever the user can mend
 */
export function recover(request: ModelRequest, host: Host): Promise<Checked> {
  return withModels(host, ({ read, readJudged }) => {
    const dense = read(request.dense);
    const pruned = readJudged(prunedPath(request));
    refuseExchanged(dense, pruned, request);
    const recovery = recoverFrom({ dense, pruned, folded: null });
    const { tolerance } = request;
    const report = makeReport({
      version: host.version,
      model: request.name ?? 'model',
      dense,
      pruned,
      sizes: { dense: modelSize(dense), pruned: modelSize(pruned) },
      judgement: judge({ dense, recovery, tolerance }),
      isHashed: host.isHashed,
    });
    return { report, explain: null, numbers: null, lockable: null, exitCode: isRecovered(recovery, tolerance) ? 0 : 3 };
  });
}
