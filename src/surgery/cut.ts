import { dissect, type Network, readNetwork } from '../network/index.ts';
import { type WrittenModel, writeModel } from '../onnx/index.ts';
import { differenceFromCut } from './difference.ts';
import { type Cut, cannotCut, keptChannels } from './kept.ts';
import { planCut } from './plan.ts';

export interface CutModel extends WrittenModel {
  /** Operators that mix the channels that are left without weights, so that they compute another thing than before. */
  readonly mixing: readonly string[];
}

/**
 * Cuts a model by retained indices and writes it: kernels, what follows their channels, what reads them, and every shape
 * and number that says how many there are. What was written is read again and held against what it should be, before it
 * takes its name.
 *
 * @param metadata entries of metadata_props
 * @throws InputError for what cannot be cut or written; then nothing is written
 */
export function writeCut(dense: Network, cut: Cut, path: string, metadata: ReadonlyMap<string, string>): CutModel {
  const anatomy = dissect(dense.file);
  const kept = keptChannels(anatomy.network, cut);
  let difference: string | null = null;
  // Integers that the graph computes from shapes mostly come out right by themselves; where not, they become constants.
  for (const settled of [false, true]) {
    const { edits, computed, mixing } = planCut(anatomy, kept, cut.asPruner, settled);
    if (settled && computed.length === 0) break;
    const written = writeModel(dense.file, { ...edits, metadata }, path, (copy) => {
      difference = differenceFromCut(anatomy.network, kept, readNetwork(copy));
      return difference === null;
    });
    if (written !== null)
      return { ...written, mixing: mixing.map((node) => `${node.opType} ${node.name || node.outputs[0]}`) };
  }
  throw cannotCut(dense, path, difference ?? 'it would be another network');
}
