/** Checks models one after the other and counts what that takes; test/frame/growth.test.ts bundles it and runs it in a process of its own. */
import { Session } from 'node:inspector/promises';
import { specFromFile } from '../../../src/config/spec.ts';
import { parseYaml } from '../../../src/config/yaml.ts';
import { readSpec } from '../../../src/dialects/index.ts';
import { InputError } from '../../../src/errors/input-error.ts';
import { openModel } from '../../../src/files/index.ts';
import { readNetwork } from '../../../src/network/index.ts';
import { asking, judgeNetworks } from '../../../src/pipeline/judge-networks.ts';
import { modelSize } from '../../../src/pipeline/models.ts';
import { pageData } from '../../../src/report/html/page-data.ts';
import { ANYBODY, makeReport, numbersOf, REPORT_FORMATS } from '../../../src/report/index.ts';
import { pack } from '../../../src/view/data/pack.ts';

interface Model {
  readonly path: string;
  /** The same one where it is not given. */
  readonly prunedPath: string | null;
  readonly spec: string;
}

function check({ path, prunedPath, spec }: Model): void {
  const pruner = readSpec(specFromFile(parseYaml(spec, 'prune.yaml')), { file: null, line: null, key: 'spec' });
  const files = [openModel(path), openModel(prunedPath ?? path)] as const;
  try {
    const [dense, pruned] = [readNetwork(files[0].model), readNetwork(files[1].model)];
    const sides = { dense, pruned, folded: null };
    const at = { reported: null, tolerance: null, at: (key: string) => pruner.spec.at(key) };
    const { retention, expectation } = judgeNetworks(sides, asking(pruner, dense, null), at);
    const report = makeReport({
      version: '0',
      model: 'model',
      dense,
      pruned,
      sizes: { dense: modelSize(dense), pruned: modelSize(pruned) },
      decided: { dialect: pruner.name, spec: pruner.spec, expectation, lints: expectation.lint(path) },
      judgement: retention,
      isHashed: false,
    });
    for (const [name, format] of Object.entries(REPORT_FORMATS)) if (name !== 'html') format.render(report, ANYBODY);
    // What the page shows; its script is in dist/, from which this bundle is away.
    pack(pageData(report, () => numbersOf(expectation, dense)));
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
  } finally {
    for (const file of files) file.close();
  }
}

const session = new Session();
session.connect();
await session.post('Profiler.enable');
await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });

/** How often a block of our own code was entered. */
async function blocks(model: Model): Promise<number> {
  await session.post('Profiler.takePreciseCoverage');
  check(model);
  const { result } = await session.post('Profiler.takePreciseCoverage');
  const own = result.filter(({ url }) => url === import.meta.url);
  return own
    .flatMap(({ functions }) => functions.flatMap(({ ranges }) => ranges))
    .reduce((sum, { count }) => sum + count, 0);
}

const counts: number[] = [];
for (const model of JSON.parse(process.argv[2]!) as readonly Model[]) counts.push(await blocks(model));
process.stdout.write(JSON.stringify(counts));
