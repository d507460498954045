import { type Call, type Layer, moduleAround, type Network } from '../../../network/index.ts';

/**
 * An nn.MultiheadAttention, which is one module to Torch-Pruning and has one set of channels (ops.py:283, function.py:462).
 * An export takes it apart into the product with its packed weight, or one with each part of it, and what follows, up to the
 * one with out_proj.
 */
export interface Attention {
  readonly name: string;
  /** One layer with the rows of query, key and value, one behind the other, or a layer for each. */
  readonly packed: readonly Layer[];
  readonly output: Layer;
  /** Ids of the layers that it is made of. */
  readonly members: ReadonlySet<number>;
  /** Tensors that it reads, each with the call of the member that reads it. */
  readonly reads: readonly { readonly tensor: string; readonly call: number }[];
}

/** Query, key and value. */
const PACKED = 3;

const OUT_PROJ = /^(?:(.+)\.)?out_proj$/;
const IN_PROJ = /^(?:(.+)\.)?in_proj_weight$/;

/** By the id of each layer that is part of one. */
export function attentionsOf(network: Network): ReadonlyMap<number, Attention> {
  const found = new Map<number, Attention>();
  for (const { name, output, before: packed } of candidatesIn(network)) {
    const members = isWhole(packed, output) ? between(network, packed, output) : null;
    if (members === null) continue;
    const attention = { name, packed, output, members, reads: readsOf(network, members) };
    for (const id of members) found.set(id, attention);
  }
  return found;
}

/**
 * Layers of an nn.MultiheadAttention of whose packed parameter not all parts are layers', by id, each with the module: where queries are a
 * parameter themselves, what is made of them is a constant. Which channels go with one another in it, no edge of the rest says.
 */
export function incompleteAttentions(network: Network): ReadonlyMap<number, string> {
  const found = new Map<number, string>();
  for (const { name, output, parts } of candidatesIn(network)) {
    if (parts.length === 0 || isWhole(parts, output)) continue;
    for (const { id } of [...parts, output]) found.set(id, name);
  }
  return found;
}

function isWhole(packed: readonly Layer[], { filters }: Layer): boolean {
  return packed.reduce((sum, layer) => sum + layer.filters, 0) === PACKED * filters;
}

/** What may be an attention. */
interface Candidate {
  readonly name: string;
  readonly output: Layer;
  /** Products in front of it with parameters that the same module has itself. */
  readonly before: readonly Layer[];
  /** Those of them that are with a part of its packed one. */
  readonly parts: readonly Layer[];
}

function candidatesIn({ layers, nodes }: Network): readonly Candidate[] {
  const dense = layers.filter(({ kind }) => kind === 'dense');
  const outputs = dense.filter(({ name }) => OUT_PROJ.test(name));
  if (outputs.length === 0) return [];
  const storedAs = storedNames(nodes);
  const byModule = new Map<string, Pick<Candidate, 'before' | 'parts'>>();
  for (const layer of dense) {
    const { weight, name } = layer;
    const parameter = IN_PROJ.exec(weight !== null && 'tensor' in weight ? storedAs(weight.tensor.name) : '');
    const module = parameter === null ? (moduleAround(name) ?? name.replace(/#\d+$/, '')) : (parameter[1] ?? '');
    const { before, parts } = byModule.get(module) ?? { before: [], parts: [] };
    byModule.set(module, { before: [...before, layer], parts: parameter === null ? parts : [...parts, layer] });
  }
  return outputs.map((output) => {
    const name = OUT_PROJ.exec(output.name)![1] ?? '';
    const { before = [], parts = [] } = byModule.get(name) ?? {};
    const isBefore = ({ id }: Layer): boolean => id < output.id;
    return { name, output, before: before.filter(isBefore), parts: parts.filter(isBefore) };
  });
}

/** The stored parameter that a constant is taken of: exporters slice and split a packed one, and transpose what they take. */
function storedNames(nodes: Network['nodes']): (name: string) => string {
  const sources = new Map(
    nodes.flatMap(({ inputs, outputs }) => outputs.map((made) => [made, inputs[0] ?? ''] as const)),
  );
  return (name) => {
    let stored = name;
    for (let step = 0; step < MOST_STEPS && (sources.get(stored) ?? '') !== ''; step++) stored = sources.get(stored)!;
    return stored;
  };
}

/** Nodes between a parameter and what is multiplied by a part of it. */
const MOST_STEPS = 16;

/** Layers on a way from some to one; null where there is none. */
function between({ layers }: Network, from: readonly Layer[], to: Layer): ReadonlySet<number> | null {
  const ahead = new Set(from.map(({ id }) => id));
  for (let id = Math.min(...ahead); id <= to.id; id++)
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

/** Positions of a packed layer's rows: those of query, key and value alike (function.py:482), as many of them as it holds. */
export function inEachPart(positions: readonly number[], width: number, filters: number): readonly number[] {
  return Array.from({ length: filters / width }, (_, part) => positions.map((at) => at + part * width)).flat();
}
