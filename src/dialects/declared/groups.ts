import { disjointSets, FIXED_CHANNEL, type Layer, type Network } from '../../network/index.ts';
import type { GroupKind } from './keys.ts';
import type { DeclaredSpec } from './spec.ts';

/** A layer of a group, and which of the group's channels each of its filters is. */
export interface Member {
  readonly layer: Layer;
  readonly channels: Int32Array;
}

/** Layers whose output channels are the same ones. */
export interface Group {
  /** In graph order. */
  readonly members: readonly Member[];
  /** How many channels it has. */
  readonly size: number;
  readonly kind: GroupKind;
  /** Why it stays whole whatever its scores are; null where it may be pruned. */
  readonly whole: Whole | null;
  /** Why what is the same in it cannot be said; null where it is known. */
  readonly problem: string | null;
}

/** Why a group stays whole, and the key that says so. */
export interface Whole {
  readonly reason: string;
  readonly rule: string;
  readonly specKey: string;
}

/** All groups, and to which channel of which group each channel id belongs. */
export interface Groups {
  /** By their first members, in graph order. */
  readonly all: readonly Group[];
  /** Position in `all` of each channel id's group, -1 for a channel of no prunable layer. */
  readonly groupOf: Int32Array;
  /** Position among the group's channels. */
  readonly channelOf: Int32Array;
}

/** Layers that are pruned together, from the couplings of the network; each layer for itself where the spec says so. */
export function groupsOf(network: Network, spec: DeclaredSpec): Groups {
  const isAlone = spec.keys.group.coupled === 'alone';
  const classes = isAlone ? null : channelClasses(network);
  const components = isAlone
    ? [...network.prunable.values()].map((layer) => [layer])
    : layerComponents(network, classes!);
  const groupOf = new Int32Array(network.channelOwner.length).fill(-1);
  const channelOf = new Int32Array(network.channelOwner.length).fill(-1);
  const all = components.map((layers, position) => {
    const group = groupFrom(layers, classes, spec);
    for (const { layer, channels } of group.members)
      for (let k = 0; k < layer.filters; k++) {
        groupOf[layer.firstChannel + k] = position;
        channelOf[layer.firstChannel + k] = channels[k]!;
      }
    return group;
  });
  // Channels of other layers (a transposed convolution's) that are the same as a member's are read as the member's.
  if (classes !== null) {
    const known = new Map<number, number>();
    for (let id = 0; id < groupOf.length; id++) if (groupOf[id]! >= 0) known.set(classes.of(id), id);
    for (let id = 0; id < groupOf.length; id++) {
      const like = groupOf[id]! < 0 ? known.get(classes.of(id)) : undefined;
      if (like === undefined) continue;
      groupOf[id] = groupOf[like]!;
      channelOf[id] = channelOf[like]!;
    }
  }
  return { all, groupOf, channelOf };
}

/** Which channels are the same: joined by a sum, a product, or a depthwise convolution between them. */
interface Classes {
  of(id: number): number;
  /** Whether a channel is one of the model's input, or a constant's, too. */
  isFixed(id: number): boolean;
  /** A layer that is never pruned and has the channel too; null where there is none. */
  foreign(id: number): string | null;
}

function channelClasses({ channelOwner, couplings, layers, prunable }: Network): Classes {
  const sets = disjointSets(channelOwner.length);
  const of = sets.rootOf;
  const fixed = new Uint8Array(channelOwner.length);
  for (const { operands } of couplings) {
    const [first, ...others] = operands;
    for (const other of others)
      for (let k = 0; k < Math.min(first!.length, other.length); k++) join(first![k]!, other[k]!);
  }
  const foreign = new Map<number, string>();
  for (const layer of layers) {
    if (layer.filters === 0 || prunable.get(layer.name) === layer) continue;
    for (let k = 0; k < layer.filters; k++) foreign.set(of(layer.firstChannel + k), layer.name);
  }
  return { of, isFixed: (id) => fixed[of(id)] === 1, foreign: (id) => foreign.get(of(id)) ?? null };

  function join(a: number, b: number): void {
    if (a === FIXED_CHANNEL && b === FIXED_CHANNEL) return;
    if (a === FIXED_CHANNEL || b === FIXED_CHANNEL) {
      fixed[of(Math.max(a, b))] = 1;
      return;
    }
    const isFixed = fixed[of(a)]! | fixed[of(b)]!;
    sets.join(a, b);
    fixed[of(a)] = isFixed;
  }
}

/** Prunable layers that share a class, each list and all lists in graph order. */
function layerComponents({ prunable }: Network, classes: Classes): readonly (readonly Layer[])[] {
  const layers = [...prunable.values()];
  const sets = disjointSets(layers.length);
  const first = new Map<number, number>();
  for (const [k, { firstChannel, filters }] of layers.entries()) {
    for (let id = firstChannel; id < firstChannel + filters; id++) {
      const other = first.get(classes.of(id));
      if (other === undefined) first.set(classes.of(id), k);
      else sets.join(other, k);
    }
  }
  const found = new Map<number, Layer[]>();
  for (const [k, layer] of layers.entries()) found.set(sets.rootOf(k), [...(found.get(sets.rootOf(k)) ?? []), layer]);
  return [...found.values()];
}

function groupFrom(layers: readonly Layer[], classes: Classes | null, spec: DeclaredSpec): Group {
  const [first] = layers;
  const size = first!.filters;
  const numbers = new Map<number, number>();
  if (classes !== null) for (let k = 0; k < size; k++) numbers.set(classes.of(first!.firstChannel + k), k);
  const members = layers.map((layer) => ({
    layer,
    channels: Int32Array.from({ length: layer.filters }, (_, k) =>
      classes === null ? k : (numbers.get(classes.of(layer.firstChannel + k)) ?? -1),
    ),
  }));
  const uneven =
    members.find(({ channels }) => !isOneToOne(channels, size)) ??
    (numbers.size < size && classes !== null ? members[0] : undefined);
  const problem = uneven === undefined ? lostProblem(layers, classes) : unevenProblem(members, uneven);
  return { members, size, kind: kindOf(layers), whole: wholeOf(members, classes, spec), problem };
}

function unevenProblem(members: readonly Member[], uneven: Member): string {
  return `only some channels of ${uneven.layer.name} are the same as those of ${other(members, uneven).layer.name}, and the spec has no rule for such layers`;
}

/** The filters of a depthwise convolution stand for the channels that it reads: they would be ranked apart from what makes these. */
function lostProblem(layers: readonly Layer[], classes: Classes | null): string | null {
  const lost = classes === null ? undefined : layers.find((layer) => layer.kind === 'depthwise' && !isFollowed(layer));
  return lost === undefined ? null : `${lost.name} is depthwise, and the channels that it reads could not be followed`;
}

function isFollowed({ calls }: Layer): boolean {
  return calls.every(({ columns }) => columns instanceof Int32Array);
}

function other(members: readonly Member[], member: Member): Member {
  return members.find((one) => one !== member) ?? member;
}

function isOneToOne(channels: Int32Array, size: number): boolean {
  return channels.length === size && !channels.includes(-1) && new Set(channels).size === size;
}

function kindOf(layers: readonly Layer[]): GroupKind {
  if (layers.length === 1 && layers[0]!.kind === 'dense') return 'linear';
  return layers.filter(({ kind }) => kind !== 'depthwise').length > 1 ? 'coupled' : 'alone';
}

/** A parameter of a module, by its dotted name. */
const PARAMETER = /^\w+(?:\.\w+)+$/;
/** One that is no layer's `weight`, as the packed one of nn.MultiheadAttention: its module is in its name alone. */
const isBareParameter = (name: string): boolean => PARAMETER.test(name) && !name.endsWith('.weight');

/** By which the patterns of `exclude` find a layer. */
export function namesToExclude({ name, weight }: Layer): readonly string[] {
  const isBare = weight !== null && 'tensor' in weight && isBareParameter(weight.tensor.name);
  return isBare ? [name, weight.tensor.name] : [name];
}

function wholeOf(members: readonly Member[], classes: Classes | null, spec: DeclaredSpec): Whole | null {
  const excluded = members.find(({ layer }) => namesToExclude(layer).some((name) => spec.isExcluded(name)));
  const names = members.map(({ layer }) => layer.name);
  if (excluded !== undefined) {
    const { name } = excluded.layer;
    const reason = names.length > 1 ? `${name} is excluded, and it has the same channels` : 'it is excluded';
    return { reason, rule: 'excluded', specKey: 'exclude' };
  }
  if (spec.keys.group.coupled === 'whole' && names.length > 1)
    return {
      reason: `it has the same channels as ${names.slice(0, 4).join(', ')}, and coupled layers are left whole`,
      ...{ rule: 'coupled: whole', specKey: 'group.coupled' },
    };
  if (classes === null) return null;
  const ids = members.flatMap(({ layer }) => Array.from({ length: layer.filters }, (_, k) => layer.firstChannel + k));
  if (ids.some((id) => classes.isFixed(id)))
    return {
      reason: 'its channels are added to, or multiplied by, those of an input or a constant',
      ...{ rule: 'fixed channels', specKey: 'group.coupled' },
    };
  const foreign = ids.map((id) => classes.foreign(id)).find((name) => name !== null);
  if (foreign == null) return null;
  const reason = `it has the same channels as ${foreign}, whose filters are never pruned`;
  return { reason, rule: 'fixed channels', specKey: 'group.coupled' };
}
