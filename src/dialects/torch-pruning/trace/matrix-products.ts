import { type Dim, type NetworkTensor, once } from '../../../network/index.ts';
import type { Edge, Module } from './module-graph.ts';
import { isNamed } from './modules.ts';
import { inPlace, type Placement, type SharedHeads } from './placement.ts';
import type { WidthInference } from './width-inference.ts';

/** How positions pass over an edge as Torch-Pruning has it, whatever becomes of the channels there. */
export type TracedFlow = readonly Placement[] | SharedHeads;

/** What is known of a model beside its modules. */
export interface Traced {
  readonly infer: WidthInference;
  /** The tensor that a module's call makes first; undefined where it makes none. */
  readonly made: (module: Module) => NetworkTensor | undefined;
  /** Whether no linear layer makes a tensor of three axes: only then are reshapes looked at (graph.py:407, index_mapping.py:151). */
  readonly isFlat: boolean;
}

/**
 * Around products of matrices that are both computed, as in an attention, channels are taken apart into heads, and end. Torch-Pruning does
 * not look at that: positions stay what they are, from query, key and value to the layer that reads the heads, but where a tensor is unbound
 * (each part has its own of them) and where heads are repeated. Edges of which this cannot be told are left out.
 */
export function flowsAroundProducts(around: ReadonlySet<Module>, traced: Traced): ReadonlyMap<Edge, TracedFlow> {
  const flows = new Map<Edge, TracedFlow>();
  for (const module of around) {
    for (const edge of [...module.inputs, ...module.outputs]) {
      const flow = flowOver(edge, traced);
      if (flow !== null) flows.set(edge, flow);
    }
  }
  return flows;
}

/** Products of matrices, and operations before and behind them up to the next modules of torch.nn. */
export function operationsAround(modules: readonly Module[]): ReadonlySet<Module> {
  const found = new Set<Module>();
  const isOperation = ({ type, attention }: Module): boolean =>
    !isNamed(type) && type !== 'Output' && attention === null;
  const isProduct = ({ layer }: Module): boolean => layer.sort === 'matrix-product' && layer.weight === null;
  const open = modules.filter((module) => isOperation(module) && isProduct(module));
  for (let module = open.pop(); module !== undefined; module = open.pop()) {
    if (found.has(module)) continue;
    found.add(module);
    const around = [...module.inputs.map(({ from }) => from), ...module.outputs.map(({ to }) => to)];
    open.push(...around.filter((other) => isOperation(other) && !found.has(other)));
  }
  return found;
}

function flowOver(edge: Edge, traced: Traced): TracedFlow | null {
  if (repeatsHere(edge)) return null;
  const departure = departureOf(edge, traced);
  const arrival = arrivalOf(edge, traced);
  if (departure === null || arrival === null) return null;
  return 'repeat' in arrival ? arrival : [departure, arrival];
}

/** Whether channels of one head come to stand for several other than by what Torch-Pruning knows for that. */
function repeatsHere({ from, tensor }: Edge): boolean {
  return (
    from.type !== 'Expand' &&
    isRepeated(tensor) &&
    !from.inputs.some((edge) => edge.from.type === 'Expand' || isRepeated(edge.tensor))
  );
}

const isRepeated = once(({ channels }: NetworkTensor): boolean => {
  if (channels === null || 'opaque' in channels) return false;
  return channels.ids.length > 1 && new Set(channels.ids).size < channels.ids.length;
});

/** Positions pass as they are, however many there are. */
const AS_THEY_ARE = inPlace(0);

function departureOf(edge: Edge, traced: Traced): Placement | null {
  const { from } = edge;
  switch (from.type) {
    case 'Split':
      return null;
    case 'Unbind':
      return partOf(from, edge, traced);
    case 'Reshape':
      return isLeftAlone(from, traced) ? AS_THEY_ARE : null;
    default:
      return AS_THEY_ARE;
  }
}

function arrivalOf(edge: Edge, traced: Traced): Placement | SharedHeads | null {
  const { to } = edge;
  switch (to.type) {
    case 'Slice':
      return isBesideChannels(edge, traced) ? AS_THEY_ARE : null;
    case 'Concat':
      return isOfAnotherAxis(to, traced) ? AS_THEY_ARE : null;
    case 'Reshape':
      return isLeftAlone(to, traced) ? AS_THEY_ARE : null;
    case 'Expand':
      return sharedBy(edge, traced);
    default:
      return AS_THEY_ARE;
  }
}

/** index_mapping.py:334: the reader that tracing met k-th gets the k-th of as many parts of what the whole is inferred to have. */
function partOf(unbind: Module, edge: Edge, { infer }: Traced): Placement | null {
  const [whole] = unbind.inputs;
  const readers = unbind.outputs;
  const isEachOnce = readers.every((reader) => reader.readers === 1);
  if (whole === undefined || whole.tensor.shape?.[0] !== readers.length || !isEachOnce) return null;
  const width = infer.out(whole.from);
  if (width === null) return AS_THEY_ARE;
  const k = readers.indexOf(edge);
  const start = (part: number): number => Math.floor((part * width) / readers.length);
  return { narrower: 'to', offset: start(k), pitch: 1, run: 1, count: start(k + 1) - start(k) };
}

/** index_mapping.py:139 */
function isLeftAlone({ inputs, outputs }: Module, { infer, isFlat }: Traced): boolean {
  if (!isFlat) return true;
  const first = (widths: readonly (number | null)[]): number | null => widths.find((width) => width !== null) ?? null;
  const [out, into] = [first(outputs.map(({ to }) => infer.in(to))), first(inputs.map(({ from }) => infer.out(from)))];
  return out === null || into === null || out === into;
}

/** index_mapping.py:104: of three axes the last holds the channels, of four the second. */
function isBesideChannels({ to, tensor }: Edge, { made }: Traced): boolean {
  const [before, after] = [tensor.shape, made(to)?.shape ?? null];
  if (before === null || after === null || before.length !== after.length) return false;
  const cut = before.flatMap((size, axis) => (size === after[axis] ? [] : [axis]));
  return (before.length === 3 && !cut.includes(2)) || (before.length === 4 && !cut.includes(1));
}

/** index_mapping.py:219: channels that are joined add up to what is read. An axis may have been counted from the end, which is not looked at. */
function isOfAnotherAxis(concat: Module, { infer }: Traced): boolean {
  const parts = concat.inputs.map(({ from }) => infer.out(from));
  const read = infer.in(concat);
  return read !== null && !parts.includes(null) && read !== parts.reduce((sum, part) => sum! + part!, 0);
}

/** index_mapping.py:378 */
function sharedBy({ to, tensor }: Edge, { infer }: Traced): Placement | SharedHeads | null {
  const shape = tensor.shape;
  if (shape?.length !== 5) return AS_THEY_ARE;
  const [, heads, repetitions, , block] = shape as readonly [Dim, Dim, Dim, Dim, Dim];
  const read = infer.in(to);
  if (heads === null || repetitions === null || block === null) return null;
  return read === null ? AS_THEY_ARE : { repeat: Math.floor(read / (heads * repetitions * block)), block };
}
