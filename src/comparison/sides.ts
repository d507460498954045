import { FIXED_CHANNEL, type Network, type Operation, operationsOf } from '../network/index.ts';
import { type DType, isFloat, unitOf } from '../onnx/index.ts';
import type { ChannelCorrespondence } from '../recovery/index.ts';
import type { Side } from './differences.ts';
import { inputsOf, pairInputs } from './interface.ts';
import { type Leaf, numbering, roundingIn, type Taken, valuesOf } from './numbering.ts';

/** Both networks' operations, in which those have one number that compute the same of the same layers and inputs. */
export function sidesOf(correspondence: ChannelCorrespondence): { readonly before: Side; readonly after: Side } {
  const { dense, pruned } = correspondence;
  const rounding = roundingIn(narrowestOf(dense, pruned));
  const numbers = numbering(rounding);
  const [denseOperations, prunedOperations] = [operationsOf(dense), operationsOf(pruned)];
  const names = denseNames(correspondence);
  return {
    before: {
      network: dense,
      operations: denseOperations,
      values: valuesOf(denseOperations, denseLeaf(dense), denseTaken(correspondence), numbers),
      name: (layer) => dense.layers[layer]!.name,
      rounding,
    },
    after: {
      network: pruned,
      operations: prunedOperations,
      values: valuesOf(prunedOperations, prunedLeaf(correspondence), prunedTaken(correspondence), numbers),
      name: (layer) => names.get(layer) ?? pruned.layers[layer]!.name,
      rounding,
    },
  };
}

/**
 * The narrowest type in which a good part of a model's numbers is stored: a few that are narrower than the rest, such as one that nobody reads, must not
 * have all of them compared more loosely.
 */
function narrowestOf(...networks: readonly Network[]): DType {
  return networks
    .flatMap(commonTypes)
    .reduce((least, dtype) => (unitOf(dtype) > unitOf(least) ? dtype : least), 'float32');
}

/** Stored ones beside the same behind a Cast are half of all. */
const GOOD_PART = 1 / 4;

function commonTypes({ constants }: Network): readonly DType[] {
  const stored = new Map<DType, number>();
  for (const { view } of constants.values()) {
    const { dtype, elements } = view.tensor;
    if (isFloat(dtype)) stored.set(dtype, (stored.get(dtype) ?? 0) + elements);
  }
  const all = [...stored.values()].reduce((sum, elements) => sum + elements, 0);
  return [...stored].filter(([, elements]) => elements >= GOOD_PART * all).map(([dtype]) => dtype);
}

function denseNames({ partner }: ChannelCorrespondence): ReadonlyMap<number, string> {
  return new Map([...partner].map(([id, { name }]) => [id, name]));
}

/** The name of a dense layer's call among leaves. */
export const callLeaf = (layer: number, call: number): string => `call ${call} of layer ${layer}`;

function denseLeaf({ model }: Network): Leaf {
  const places = new Map(inputsOf(model.graph).map(({ name }, at) => [name, at]));
  return ({ op, call, name }) => {
    if (call !== null) return { key: callLeaf(call.layer, call.call), open: null };
    return op === 'Input' ? { key: `input ${places.get(name)}`, open: null } : null;
  };
}

function prunedLeaf({ dense, pruned, partner, calls }: ChannelCorrespondence): Leaf {
  const paired = pairInputs(dense.model.graph, pruned.model.graph);
  const places = new Map(inputsOf(pruned.model.graph).map(({ name }, at) => [name, paired[at] ?? null]));
  return ({ op, call, name }, at) => {
    if (call === null)
      return op === 'Input' ? { key: `input ${places.get(name) ?? `more ${name}`}`, open: null } : null;
    const layer = partner.get(call.layer);
    const denseCall = calls.get(call.layer)?.[call.call];
    return layer === undefined || denseCall === undefined
      ? { key: `unknown ${at}`, open: pruned.layers[call.layer]!.name }
      : { key: callLeaf(layer.id, denseCall), open: null };
  };
}

function channelsOf({ tensors }: Network, { tensor }: Operation): Int32Array | null {
  const channels = tensors.get(tensor)?.channels ?? null;
  return channels !== null && 'ids' in channels ? channels.ids : null;
}

function denseTaken({ dense, isGone }: ChannelCorrespondence): Taken {
  return (operation) => {
    const ids = channelsOf(dense, operation);
    return ids === null ? null : ids.filter((id) => id === FIXED_CHANNEL || !isGone(id)).join();
  };
}

function prunedTaken({ pruned, denseChannel }: ChannelCorrespondence): Taken {
  return (operation) => {
    const ids = channelsOf(pruned, operation)?.map((id) => denseChannel(id) ?? UNKNOWN) ?? null;
    return ids === null || ids.includes(UNKNOWN) ? null : ids.join();
  };
}

const UNKNOWN = -2;
