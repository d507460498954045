import type { Channels, Network, NetworkTensor } from '../../../network/index.ts';
import { sequence } from '../../../network/index.ts';
import { flowsAroundProducts, operationsAround, type Traced, type TracedFlow } from './matrix-products.ts';
import type { Edge, Module } from './module-graph.ts';
import { isSplit } from './modules.ts';
import { inPlace, type Placement, placementOf } from './placement.ts';
import { type WidthInference, widthInference } from './width-inference.ts';

/**
 * How channels pass from the coordinates of the module that makes a tensor to those of the one that reads it; or, as a
 * clause, why Torch-Pruning does not follow them as they really go, so that what it prunes together cannot be determined.
 */
export type Flow = TracedFlow | string;

/** As channels really go. */
type Followed = readonly Placement[] | string;

export interface ChannelFlows {
  readonly flows: ReadonlyMap<Edge, Flow>;
  /** Operations around products of matrices, and those that leave nothing of channels. */
  readonly around: ReadonlySet<Module>;
  /** What Torch-Pruning raises while it builds its graph; null where it does not. */
  readonly raises: string | null;
}

/** Follows channels over every edge of the module graph, by the channels that the network has for each tensor. */
export function channelFlows(network: Network, modules: readonly Module[]): ChannelFlows {
  const coordinates = coordinatesOf(network);
  const flows = new Map<Edge, Followed>();
  for (const module of modules) {
    let joined = 0;
    for (const edge of module.inputs) {
      const out = departure(edge, coordinates(edge.from, edge.tensor.call));
      const into = arrival(edge, coordinates(module, edge.call), joined);
      if (typeof into !== 'string') joined = into.offset + into.count;
      flows.set(edge, typeof out === 'string' ? out : typeof into === 'string' ? into : [out, into]);
    }
  }
  const infer = widthInference();
  const made = firstTensors(network);
  const isFlat = !modules.some((module) => module.type === 'Linear' && made(module)?.shape?.length === 3);
  for (const [edge, flow] of flows) {
    const why = typeof flow === 'string' ? null : misreadFlatten(edge, flow, infer);
    if (why !== null) flows.set(edge, why);
  }
  for (const module of modules) {
    const [edges, why] = misread(module, flows, { infer, isFlat }, () => coordinates(module, 0));
    if (why !== null) for (const edge of edges) flows.set(edge, why);
  }
  const isUncounted = (module: Module): boolean =>
    module.type === 'Concat' && infer.in(module) !== null && inferredParts(module, infer).includes(null);
  // index_mapping.py:218, sum(chs)
  const raises = modules.some(isUncounted)
    ? "TypeError: unsupported operand type(s) for +: 'int' and 'NoneType'"
    : null;
  const around = new Set([...operationsAround(modules), ...modules.filter((module) => isReduced(module, made))]);
  const traced = flowsAroundProducts(around, { infer, made, isFlat });
  return { flows: new Map<Edge, Flow>([...flows, ...traced]), around, raises };
}

/** Whether an operation leaves nothing of channels, as their mean, for other operations alone: what passes there reaches no layer by itself. */
function isReduced(module: Module, made: Traced['made']): boolean {
  return (
    module.type === 'ElementWise' &&
    made(module)?.channels === null &&
    module.outputs.every(({ to }) => to.type === 'ElementWise')
  );
}

/** The tensor that the first call of a module's layer makes first, before what belongs to the layer is done to it. */
function firstTensors({ tensors }: Network): (module: Module) => NetworkTensor | undefined {
  const found = new Map<number, NetworkTensor>();
  for (const tensor of tensors.values()) if (!found.has(tensor.layer)) found.set(tensor.layer, tensor);
  return ({ layer }) => found.get(layer.id);
}

/** The channels that a module's own indices count, call by call; a clause where there are none. */
function coordinatesOf(network: Network): (module: Module, call: number) => Int32Array | string {
  // Where a reshape inside the layer repeats channels, those before or after it count.
  const shortest = new Map<string, NetworkTensor>();
  const length = ({ channels }: NetworkTensor): number =>
    channels !== null && 'ids' in channels ? channels.ids.length : Number.POSITIVE_INFINITY;
  for (const tensor of network.tensors.values()) {
    const key = `${tensor.layer} ${tensor.call}`;
    const known = shortest.get(key);
    if (known === undefined || length(tensor) < length(known)) shortest.set(key, tensor);
  }
  return ({ layer, type, inputs }, call) => {
    if (layer.weight !== null) return sequence(layer.filters, layer.firstChannel);
    // A split counts the channels that it is given, not those of its first part.
    const tensor = isSplit(type) ? inputs[0]?.tensor : shortest.get(`${layer.id} ${call}`);
    return idsOf(tensor, layer.name);
  };
}

function idsOf(tensor: NetworkTensor | undefined, name: string): Int32Array | string {
  const channels = tensor?.channels ?? null;
  if (channels === null) return `${name} leaves no channels that could be followed`;
  return 'opaque' in channels ? `what ${channels.opaque} does to channels is not known` : channels.ids;
}

/** From the maker's coordinates to the tensor. */
function departure({ from, to, tensor }: Edge, own: Int32Array | string): Placement | string {
  const ids = idsOf(tensor, from.layer.name);
  if (typeof own === 'string') return own;
  if (typeof ids === 'string') return ids;
  const found = placementOf(own, ids);
  return (
    found ?? `channels are moved between ${from.layer.name} and ${to.layer.name}, which Torch-Pruning does not follow`
  );
}

/** From the tensor to the reader's coordinates. */
function arrival({ from, to, tensor, call }: Edge, own: Int32Array | string, joined: number): Placement | string {
  const ids = idsOf(tensor, from.layer.name);
  if (typeof ids === 'string') return ids;
  if (to.attention !== null)
    return ids.length === to.inWidth ? inPlace(ids.length) : `${to.layer.name} is an attention of another width`;
  if (to.layer.weight !== null) {
    const columns: Channels | null = to.layer.calls[call]!.columns;
    if (columns instanceof Int32Array && columns.length === ids.length) return inPlace(ids.length);
    return `${to.layer.name} reads channels of ${from.layer.name} that are not along one axis`;
  }
  if (typeof own === 'string') return own;
  // Operands of an addition stand for one another, and so do maps that are concatenated along another axis.
  // So does one channel that is broadcast, as a map of attention is, for all of them.
  const isBroadcast = to.type === 'ElementWise' && (ids.length === 1 || own.length === 1);
  if (ids.length === own.length || isBroadcast) return inPlace(ids.length);
  if (to.type === 'ElementWise' || to.type === 'Output')
    return `${to.layer.name} broadcasts a tensor of another number of channels`;
  return (
    placementOf(ids, own, to.type === 'Concat' ? joined : 0) ??
    `channels are moved before ${to.layer.name}, which Torch-Pruning does not follow`
  );
}

/** Edges that Torch-Pruning maps otherwise than channels go, and why; none where it is right. */
function misread(
  module: Module,
  flows: ReadonlyMap<Edge, Followed>,
  { infer, isFlat }: Pick<Traced, 'infer' | 'isFlat'>,
  coordinates: () => Int32Array | string,
): readonly [readonly Edge[], string | null] {
  const own = module.type === 'Split' || module.type === 'Concat' ? coordinates() : '';
  switch (module.type) {
    case 'DepthwiseConv': {
      const { weight, name } = module.layer;
      const isDeep = weight !== null && 'inCount' in weight && weight.inCount > 1;
      return [
        [...module.inputs, ...module.outputs],
        isDeep
          ? `${name} has as many groups as filters and several input channels for each, which Torch-Pruning takes for a depthwise convolution`
          : null,
      ];
    }
    case 'Split':
      return [module.outputs, typeof own === 'string' ? null : misreadSplit(module, flows, own.length)];
    case 'Concat':
      return [module.inputs, typeof own === 'string' ? null : misreadConcat(module, flows, own.length, infer)];
    case 'Reshape':
      return [[...module.inputs, ...module.outputs], misreadReshape(module, flows, infer, isFlat)];
    default:
      return [[], null];
  }
}

/** index_mapping.py:258: the k-th reader that tracing met gets the k-th part, whichever part it reads. */
function misreadSplit(module: Module, flows: ReadonlyMap<Edge, Followed>, width: number): string | null {
  let next = 0;
  for (const edge of module.outputs) {
    const flow = flows.get(edge);
    if (flow === undefined || typeof flow === 'string') return null;
    const [part] = flow;
    if (part!.offset !== next && part!.count !== width)
      return `Torch-Pruning takes the parts of ${module.layer.name} for one another`;
    next += part!.count;
  }
  return next === width ? null : `Torch-Pruning counts the parts of ${module.layer.name} otherwise than they are`;
}

/** index_mapping.py:202: offsets come from inferred widths, and there are none where those do not add up to what is read. */
function misreadConcat(
  module: Module,
  flows: ReadonlyMap<Edge, Followed>,
  width: number,
  infer: WidthInference,
): string | null {
  const parts = module.inputs.map((edge) => flows.get(edge));
  if (parts.some((flow) => flow === undefined || typeof flow === 'string')) return null;
  const counts = (parts as (readonly Placement[])[]).map((flow) => flow[1]!.count);
  // Along another axis than that of the channels nothing is shifted.
  if (counts.every((count) => count === width)) return null;
  const inferred = inferredParts(module, infer);
  const read = infer.in(module);
  const isRight =
    inferred.every((count, k) => count === counts[k]) &&
    counts.reduce((sum, count) => sum + count, 0) === width &&
    (read === null || read === width);
  return isRight ? null : `Torch-Pruning counts the channels that ${module.layer.name} joins otherwise than they are`;
}

/** The same where the export left no node of the flatten. */
function misreadFlatten({ from, to }: Edge, [out]: readonly Placement[], infer: WidthInference): string | null {
  if (out!.run === 1 || to.type === 'Reshape') return null;
  const [made, read] = [infer.out(from), infer.in(to)];
  return made !== null && read !== null && made * out!.run === read
    ? null
    : `Torch-Pruning counts the channels between ${from.layer.name} and ${to.layer.name} otherwise than they are`;
}

/** How many channels each operand of a concatenation has (shape_infer.py, infer_channels_between). */
function inferredParts(module: Module, infer: WidthInference): readonly (number | null)[] {
  return module.inputs.map(({ from, tensor }) =>
    from.type === 'Split' && tensor.channels !== null && 'ids' in tensor.channels
      ? tensor.channels.ids.length
      : infer.out(from),
  );
}

/** index_mapping.py:139: the number of positions of a flattened map is the quotient of the inferred widths around it, where any is looked for. */
function misreadReshape(
  module: Module,
  flows: ReadonlyMap<Edge, Followed>,
  infer: WidthInference,
  isFlat: boolean,
): string | null {
  const flow = module.inputs.map((edge) => flows.get(edge)).find((known) => known !== undefined);
  if (flow === undefined || typeof flow === 'string') return null;
  const [, into] = flow;
  const first = (widths: readonly (number | null)[]): number | null => widths.find((width) => width !== null) ?? null;
  const out = first(module.outputs.map(({ to }) => infer.in(to)));
  const read = first(module.inputs.map(({ from }) => infer.out(from)));
  const stride =
    !isFlat || out === null || read === null || out === read
      ? 1
      : Math.floor(Math.max(out, read) / Math.min(out, read));
  const isRight = stride === into!.run && into!.offset === 0 && into!.run === into!.pitch;
  return isRight
    ? null
    : `Torch-Pruning counts the channels that ${module.layer.name} reshapes otherwise than they are`;
}
