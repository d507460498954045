import { type Network, nodeName, operatorName, readNetwork } from '../network/index.ts';
import type { ModelEdits, OnnxModel, OnnxNode } from '../onnx/index.ts';
import { differenceFromCut } from './difference.ts';
import { type Cut, cannotCut, type HeadScale, keptChannels } from './kept.ts';
import { planCut } from './plan.ts';

/**
 * Writes a copy of the model that is cut, somewhere.
 * @param accept looks at the finished copy before it takes its name
 * @returns null where it was not accepted: then nothing is left of it
 */
export type WriteCopy<Written> = (edits: ModelEdits, accept: (copy: OnnxModel) => boolean) => Written | null;

export interface CutModel<Written> {
  readonly written: Written;
  /** Operators that mix the channels that are left without weights, so that they compute another thing than before. */
  readonly mixing: readonly string[];
  /** Products of heads that lost different channels: what is left of one stands in another. */
  readonly dealt: readonly string[];
  /** Numbers that may have been computed from the size of a head, and stay. */
  readonly scales: readonly (Omit<HeadScale, 'node'> & { readonly node: string })[];
}

/**
 * Cuts a model by retained indices: kernels, what follows their channels, what reads them, and every shape and number that
 * says how many there are. What was written is read again and compared with what it should be, before it takes its name.
 *
 * @param metadata entries of metadata_props
 * @throws InputError for what cannot be cut or written; then nothing is written
 */
export function writeCut<Written>(
  dense: Network,
  cut: Cut,
  metadata: ReadonlyMap<string, string>,
  write: WriteCopy<Written>,
): CutModel<Written> {
  const kept = keptChannels(dense, cut);
  let difference: string | null = null;
  // Integers that the graph computes from shapes mostly come out right by themselves; where not, they become constants.
  for (const settled of [false, true]) {
    const { edits, computed, mixing, dealt, scales } = planCut(dense, kept, cut, settled);
    if (settled && computed.length === 0) break;
    const written = write({ ...edits, metadata }, (copy) => {
      difference = differenceFromCut(dense, kept, readNetwork(copy));
      return difference === null;
    });
    if (written === null) continue;
    return {
      written,
      mixing: mixing.map(named),
      dealt: dealt.map(named),
      scales: scales.map((scale) => ({ ...scale, node: named(scale.node) })),
    };
  }
  throw cannotCut(dense, 'the cut model', difference ?? 'it would be another network');
}

function named(node: OnnxNode): string {
  return `${operatorName(node)} ${nodeName(node)}`;
}
