import type { Call, Layer, Network } from '../../../network/index.ts';

/**
 * An nn.MultiheadAttention, which is one module to Torch-Pruning and has one set of channels (ops.py:283, function.py:462).
 * An export takes it apart into the product with its packed weight and what follows, up to the one with out_proj.
 */
export interface Attention {
  readonly name: string;
  /** Holds the rows of query, key and value, one behind the other. */
  readonly packed: Layer;
  readonly output: Layer;
  /** Ids of the layers that it is made of. */
  readonly members: ReadonlySet<number>;
  /** Tensors that it reads, each with the call of the member that reads it. */
  readonly reads: readonly { readonly tensor: string; readonly call: number }[];
}

/** Query, key and value. */
const PACKED = 3;

/** The parameter that nn.MultiheadAttention names so and nothing else does. */
const IN_PROJ = /^(?:(.+)\.)?in_proj_weight$/;

/** By the id of each layer that is part of one. */
export function attentionsOf(network: Network): ReadonlyMap<number, Attention> {
  const byName = new Map(network.layers.map((layer) => [layer.name, layer]));
  const found = new Map<number, Attention>();
  for (const packed of network.layers) {
    const match = IN_PROJ.exec(weightName(packed));
    const name = match?.[1] ?? '';
    const output = match === null ? undefined : byName.get(name === '' ? 'out_proj' : `${name}.out_proj`);
    if (output === undefined || packed.filters !== PACKED * output.filters) continue;
    const members = between(network, packed, output);
    if (members === null) continue;
    const attention = { name, packed, output, members, reads: readsOf(network, members) };
    for (const id of members) found.set(id, attention);
  }
  return found;
}

function weightName({ weight }: Layer): string {
  return weight !== null && 'tensor' in weight ? weight.tensor.name : '';
}

/** Layers on a way from one to another; null where there is none. */
function between({ layers }: Network, from: Layer, to: Layer): ReadonlySet<number> | null {
  const ahead = new Set([from.id]);
  for (let id = from.id + 1; id <= to.id; id++)
    if (inputsOf(layers[id]!).some((input) => ahead.has(input))) ahead.add(id);
  if (!ahead.has(to.id)) return null;
  const members = new Set<number>();
  const open = [to.id];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (members.has(id) || !ahead.has(id)) continue;
    members.add(id);
    open.push(...inputsOf(layers[id]!));
  }
  return members;
}

function inputsOf({ calls }: Layer): readonly number[] {
  return calls.flatMap(({ inputs }) => inputs);
}

function readsOf({ layers, tensors }: Network, members: ReadonlySet<number>): Attention['reads'] {
  const isOutside = (tensor: string): boolean => !members.has(tensors.get(tensor)?.layer ?? -1);
  const of = ({ reads }: Call, call: number) => reads.filter(isOutside).map((tensor) => ({ tensor, call }));
  return [...members].sort((a, b) => a - b).flatMap((id) => layers[id]!.calls.flatMap(of));
}

/** Positions of a packed weight's rows: those of query, key and value alike (function.py:482). */
export function inEachPart(positions: readonly number[], width: number): readonly number[] {
  return Array.from({ length: PACKED }, (_, part) => positions.map((at) => at + part * width)).flat();
}
