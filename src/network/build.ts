import { InputError } from '../errors/input-error.ts';
import type { OnnxGraph, OnnxModel, OnnxNode } from '../onnx/index.ts';
import { readView } from './constants.ts';
import type { LayerDraft } from './drafts.ts';
import { type ExportFacts, exportFactsOf, foldingOf } from './folding.ts';
import { constantsOf, namedReaders, nodesOf, sitesOf } from './graph-parts.ts';
import { inlineFunctions } from './inline.ts';
import { layerKind } from './layer-kind.ts';
import { inOrder } from './order.ts';
import { separableHalves } from './separable.ts';
import type { Call, Layer, Network, NetworkTensor } from './types.ts';
import { accountFor } from './unseen.ts';
import { attribute, type Leads, shapeOf, type Walk } from './walk.ts';
import { type Readers, type Walked, walkGraph } from './walk-graph.ts';

const PRUNABLE = new Set(['conv', 'depthwise', 'dense']);

/**
 * Reads a model as one channel network: its nodes in graph order, grouped into the source framework's layers, with every
 * channel followed from the layer that makes it to the columns that consume it. What is not understood is a value in the
 * result (`opaque`), not an error.
 * @param leads the operand whose channels a sum goes by; the first where it is not given
 * @throws InputError for graphs that are not valid ONNX (an input that nobody produces) and for quantized weights
 */
export function readNetwork(model: OnnxModel, leads: Leads = () => 0): Network {
  const { nodes: unfolded, inner } = inlineFunctions(model);
  const nodes = inOrder(unfolded);
  const read = nodes === model.graph.nodes ? model : { ...model, graph: { ...model.graph, nodes } };
  return { ...networkOf(walkGraph(read, leads), inner), model };
}

function layersOf(drafts: readonly LayerDraft[], facts: ExportFacts): readonly Layer[] {
  const halves = separableHalves(drafts);
  return drafts.map((draft) => {
    return {
      id: draft.id,
      name: draft.name,
      ...layerKind(draft),
      calls: draft.calls.map(
        (call): Call => ({
          inputs: [...call.externals.values()].map((layer) => layer.id),
          reads: [...call.externals.keys()],
          columns: call.columns,
          positions: call.positions,
        }),
      ),
      weight: draft.weight,
      norms: draft.calls.map((_, call) => draft.norms[call] ?? null),
      isRescaled: draft.isRescaled,
      groups: draft.groups,
      firstChannel: draft.firstChannel,
      filters: draft.filters,
      folding: draft.weight === null ? { state: 'unknown', evidence: 'it has no weights' } : foldingOf(draft, facts),
      targetShape: draft.targetShape,
      output: draft.output,
      joins: draft.joins,
      halfOf: halves.get(draft) ?? null,
    };
  });
}

/** The network that was walked over. */
function networkOf(walked: Walked, inner: ReadonlySet<OnnxNode>): Network {
  const { walk, owners, readers } = walked;
  const facts = exportFactsOf(walked.walk.model.producer.name, walked.normalized);
  const layers = layersOf(walk.drafts.all, facts);
  const prunable = new Map(
    layers.filter((layer) => isPrunable(layer, facts.producer)).map((layer) => [layer.name, layer]),
  );
  const constants = constantsOf(walk);
  const account = accountFor(walk, layers, constants);
  // Weights that nobody can read make a verdict unverifiable, with the operators that have them; a model without any is a mistake.
  if (prunable.size === 0 && account.unseen.length === 0) {
    throw new InputError(
      'the model has no convolution or dense layer with constant weights, so there is nothing to check',
      { file: walk.model.name },
    );
  }
  const named = namedReaders(walk.model);
  const tensors = tensorsOf(walk);
  const nodes = walk.model.graph.nodes.filter(({ outputs }) => outputs.some((name) => tensors.has(name)));
  return {
    model: walk.model,
    nodes: nodesOf(walk.model, inner),
    sites: sitesOf(walk, layers, constants, named),
    constants,
    readers: named,
    ...account,
    ...smallTensors(walk, constants, nodes),
    dataFormat: dataFormatOf(walk.model.graph, readers),
    layers,
    followers: walk.followers,
    couplings: walk.couplings,
    shared: walk.shared,
    besideComputed: walk.besideComputed,
    channelOwner: Int32Array.from(owners),
    tensors,
    outputLayers: walk.model.graph.outputs.flatMap(({ name }) => {
      const value = walk.values.get(name);
      return value !== undefined && value.kind !== 'constant' && value.from !== null
        ? [layers[value.from.layer.id]!]
        : [];
    }),
    outputs: walk.model.graph.outputs.map(({ name: tensor }) => {
      const value = walk.values.get(tensor);
      const made = value === undefined || value.kind === 'constant' ? undefined : value.from?.layer;
      const layer = made === undefined ? null : layers[made.id]!;
      return { tensor, name: walk.names.output(tensor) ?? layer?.name ?? tensor, layer };
    }),
    prunable,
  };
}

/** What is asked of small tensors that `nodes` read once the network is there. What else the walk knew is not kept for it. */
function smallTensors(
  { numbers, sized }: Walk,
  constants: Network['constants'],
  nodes: readonly OnnxNode[],
): Pick<Network, 'numbers' | 'isSized'> {
  const known: Walk['numbers'] = new Map();
  for (const name of nodes.flatMap(({ inputs }) => inputs)) {
    const constant = constants.get(name);
    const found = numbers.get(name) ?? null;
    // What a constant holds is read again, should anybody ask, as weights that are stored transposed.
    const isReadAgain = found !== null && constant !== undefined && !constant.isCast;
    if (!isReadAgain && numbers.has(name)) known.set(name, found);
  }
  return {
    numbers(name) {
      const before = known.get(name);
      if (before !== undefined) return before;
      const constant = constants.get(name);
      const found = constant === undefined ? null : readView(constant.view);
      known.set(name, found);
      return found;
    },
    isSized: (name) => sized.has(name),
  };
}

/** Keras's pruners leave transposed and separable convolutions whole; PyTorch's prune a transposed one as any other. */
function isPrunable({ kind, groups, halfOf }: Layer, producer: string): boolean {
  if (halfOf !== null) return false;
  return PRUNABLE.has(kind) || (kind === 'conv-transpose' && groups === 1 && producer === 'pytorch');
}

function tensorsOf(walk: Walk): ReadonlyMap<string, NetworkTensor> {
  const tensors = new Map<string, NetworkTensor>();
  for (const [name, value] of walk.values) {
    if (value.kind === 'constant' || value.from === null) continue;
    const channels = value.kind === 'channels' ? value.map : value.kind === 'opaque' ? { opaque: value.op } : null;
    tensors.set(name, { layer: value.from.layer.id, call: value.from.call, channels, shape: shapeOf(value) });
  }
  return tensors;
}

/** A channels-last model transposes its inputs before the first convolution (NHWC to NCHW). */
function dataFormatOf(graph: OnnxGraph, readers: Readers): Network['dataFormat'] {
  for (const { name, shape } of graph.inputs) {
    const nodes = readers.get(name);
    if (shape?.length !== 4 || graph.initializers.has(name) || nodes === undefined) continue;
    const isTransposed = (node: OnnxNode): boolean =>
      node.opType === 'Transpose' && String(attribute(node, 'perm', 'ints')) === '0,3,1,2';
    if (nodes.every(isTransposed)) return 'channels_last';
    if (nodes.some((node) => node.opType === 'Conv')) return 'channels_first';
  }
  return null;
}
