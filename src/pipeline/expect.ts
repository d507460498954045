import type { ModelRequest } from '../config/index.ts';
import { readSpec } from '../dialects/index.ts';
import { explainCommand, makeReport, numbersOf } from '../report/index.ts';
import { isExpected, judge } from '../verdict/index.ts';
import type { Checked } from './checked.ts';
import type { Host } from './host.ts';
import { modelSize, withModels } from './models.ts';

/**
 * The indices that should be retained, from the dense model alone.
 * @throws InputError for whatever the user can mend
 */
export function expect(request: ModelRequest, host: Host): Promise<Checked> {
  const pruner = readSpec(request.spec, request.at('spec'));
  return withModels(host, ({ read }) => {
    const dense = read(request.dense);
    const expectation = pruner.expect(dense, request.folding);
    const report = makeReport({
      version: host.version,
      model: request.name ?? 'model',
      dense,
      pruned: null,
      sizes: { dense: modelSize(dense), pruned: null },
      decided: { dialect: pruner.name, spec: pruner.spec, expectation, lints: expectation.lint(null) },
      judgement: judge({ dense, expectation, tolerance: request.tolerance }),
      isHashed: host.isHashed,
    });
    const numbers = host.isPictured === true ? numbersOf(expectation, dense) : null;
    return {
      report,
      explain: explainCommand(request),
      numbers,
      lockable: null,
      exitCode: isExpected(expectation) ? 0 : 3,
    };
  });
}
