import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Feed, ProbeResult } from './protocol.ts';
import { type Runtime, tensorsOf, withSessions } from './session.ts';
import { numbersOf } from './values.ts';

/** An ONNX model of one node, y = -x for one float32 (IR version 8, ai.onnx 13). */
const NEGATION = 'CAgSADoyCgsKAXgSAXkiA05lZxIBZ1oPCgF4EgoKCAgBEgQKAggBYg8KAXkSCgoICAESBAoCCAFCBAoAEA0=';
const FEED: Feed = {
  ...{ input: { dense: 'x', pruned: 'x' }, takes: { dense: 'float32', pruned: 'float32' } },
  ...{ type: 'float32', dims: [1], fill: { kind: 'zeros' } },
};

/** Loads and runs a model of one node: a package whose native library is missing, cut off or of another machine fails here. */
export async function runProbe(runtime: Runtime): Promise<ProbeResult> {
  const path = join(mkdtempSync(join(runtime.job.workFolder, 'probe-')), 'negation.onnx');
  writeFileSync(path, Buffer.from(NEGATION, 'base64'));
  const y = await withSessions(runtime, async (open) => {
    const session = await open(path, 'dense');
    await runtime.begin({ step: 'run', side: null });
    return (await session.run(tensorsOf(runtime, [FEED], 'dense'))).get('y');
  });
  if (y === undefined || !Object.is(numbersOf(y.type, y.data)[0], -0)) throw new Error('it does not compute y = -x');
  return { kind: 'probe', version: runtime.version };
}
