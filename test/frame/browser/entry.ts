/** The pure road as a page or a worker would walk it: bytes in, a judgement out. test/frame/browser.test.ts bundles it. */
import { specFromFile } from '../../../src/config/spec.ts';
import { parseYaml } from '../../../src/config/yaml.ts';
import { readSpec } from '../../../src/dialects/index.ts';
import { type Network, readNetwork } from '../../../src/network/index.ts';
import { memoryModel, modelBytes, readModel } from '../../../src/onnx/index.ts';
import { asking, judgeNetworks } from '../../../src/pipeline/judge-networks.ts';
import { writeCut } from '../../../src/surgery/index.ts';

const read = (name: string, bytes: Uint8Array): Network => readNetwork(readModel(memoryModel(name, bytes)));

/** What the spec's pruner should retain of the dense model, compared with what the pruned one does. */
export function check(denseBytes: Uint8Array, prunedBytes: Uint8Array, spec: string): unknown {
  const pruner = readSpec(specFromFile(parseYaml(spec, 'prune.yaml')), {
    ...{ file: null, line: null, key: 'spec' },
  });
  const dense = read('dense.onnx', denseBytes);
  const pruned = read('pruned.onnx', prunedBytes);
  const sides = { dense, pruned, folded: null };
  return judgeNetworks(sides, asking(pruner, dense, null), {
    reported: null,
    tolerance: null,
    locked: null,
    at: (key) => pruner.spec.at(key),
  }).retention;
}

/** The dense model cut as the spec's pruner would. */
export function prune(denseBytes: Uint8Array, spec: string): Uint8Array {
  const pruner = readSpec(specFromFile(parseYaml(spec, 'prune.yaml')), {
    ...{ file: null, line: null, key: 'spec' },
  });
  const dense = read('dense.onnx', denseBytes);
  const { layers } = pruner.expect(dense, null);
  const cut = { retained: (layer: string) => layers.get(layer)?.expected ?? null, asPruner: null };
  return writeCut(dense, cut, new Map(), (edits, accept) => {
    const bytes = modelBytes(dense.model, edits);
    return accept(readModel(memoryModel('cut.onnx', bytes))) ? bytes : null;
  }).written;
}
