import type { Layer, Network, NetworkTensor } from '../../../network/index.ts';
import { type Attention, attentionsOf } from './attention.ts';
import { isSplit, type ModuleType, typeOf, widthsOf } from './modules.ts';

/** A node of Torch-Pruning's dependency graph: a module, or an operation of a module's forward(). */
export interface Module {
  /** Position in the order in which tracing meets modules. */
  readonly order: number;
  /** The layer that it is; of an attention the one that makes its output. */
  readonly layer: Layer;
  readonly type: ModuleType;
  /** The module as one attention; null for any other. */
  readonly attention: Attention | null;
  /** In operand order. */
  readonly inputs: readonly Edge[];
  /** In the order in which tracing meets the readers. */
  readonly outputs: readonly Edge[];
  /** Channels; null where Torch-Pruning knows none, as of an addition. */
  readonly outWidth: number | null;
  readonly inWidth: number | null;
}

/** A tensor that one module makes and another reads. */
export interface Edge {
  readonly from: Module;
  readonly to: Module;
  readonly tensor: NetworkTensor;
  /** Which call of `to` reads it. */
  readonly call: number;
  /** How many nodes compute with it: a module that consists of several may read it several times. */
  readonly readers: number;
}

interface ModuleDraft extends Module {
  readonly inputs: Edge[];
  readonly outputs: Edge[];
}

/**
 * Modules in the order in which `DependencyGraph._trace` meets them in autograd's graph (dependency/graph.py:507-610), which
 * is the order of its groups: from each output back through the operands, the last operand first.
 */
export function traceModules(network: Network): readonly Module[] {
  const modules = new Map<string, ModuleDraft>();
  const isTracked = trackedLayers(network);
  const attentions = attentionsOf(network);
  const create = ({ layer: id, call }: NetworkTensor, isOutput: boolean): ModuleDraft => {
    const attention = attentions.get(id) ?? null;
    const layer = attention?.output ?? network.layers[id]!;
    const key = keyOf(layer, call);
    const known = modules.get(key);
    if (known !== undefined) return known;
    const type = attention === null ? typeOf(layer, isOutput) : 'MultiheadAttention';
    const widths = widthsOf(network, layer, type);
    const made: ModuleDraft = { order: modules.size, layer, type, attention, inputs: [], outputs: [], ...widths };
    modules.set(key, made);
    return made;
  };
  const readsOf = ({ layer, call }: NetworkTensor): Attention['reads'] =>
    attentions.get(layer)?.reads ?? network.layers[layer]!.calls[call]!.reads.map((tensor) => ({ tensor, call }));

  const sizing = new Set(network.nodes.flatMap(({ handle, role }) => (role === 'sizes' ? [handle] : [])));
  const readersOf = (name: string): number =>
    (network.readers.get(name) ?? []).filter((reader) => reader !== null && !sizing.has(reader.node)).length;

  // A module that is called twice is visited twice, the parts of a split once.
  const visited = new Set<string>();
  const visitOf = ({ layer: id, call }: NetworkTensor): string => {
    const layer = attentions.get(id)?.output ?? network.layers[id]!;
    return layer.weight === null ? keyOf(layer, call) : `${layer.id} ${call}`;
  };
  for (const { name } of network.model.graph.outputs) {
    const output = network.tensors.get(name);
    const stack = output === undefined || !isTracked(output.layer) ? [] : [output];
    if (stack.length > 0) create(stack[0]!, true);
    for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
      if (visited.has(visitOf(next))) continue;
      visited.add(visitOf(next));
      const to = create(next, false);
      for (const { tensor: read, call } of readsOf(next)) {
        const tensor = network.tensors.get(read)!;
        if (!isTracked(tensor.layer)) continue;
        const from = create(tensor, false);
        const edge = { from, to, tensor, call, readers: readersOf(read) };
        to.inputs.push(edge);
        from.outputs.push(edge);
        stack.push(tensor);
      }
    }
  }
  return [...modules.values()];
}

/** A module that is called twice is one node, and so is a split, whatever layers its parts are; other operations are one each. */
function keyOf(layer: Layer, call: number): string {
  if (layer.weight !== null) return String(layer.id);
  return isSplit(typeOf(layer, false)) ? `split ${layer.calls[call]!.reads[0]}` : `${layer.id} ${call}`;
}

/** Autograd tracks what comes from parameters: not the model's input, nor what is done to it before the first module. */
function trackedLayers(network: Network): (id: number) => boolean {
  const tracked = new Set<number>();
  const parametered = new Set(network.followers.map(({ layer }) => layer));
  for (const layer of network.layers) {
    const isFed = layer.calls.some((call) => call.inputs.some((id) => tracked.has(id)));
    if (isFed || layer.weight !== null || parametered.has(layer.name)) tracked.add(layer.id);
  }
  return (id) => tracked.has(id);
}
