import { FIXED_CHANNEL, isConcatenation, type Network, type NetworkNode } from '../network/index.ts';
import type { Tensor } from '../onnx/index.ts';
import { carriesCut, type Mask } from './mask.ts';

/** What the pruner itself got wrong though it retained what it should: the run that is checked is not to blame. */
export interface Excuses {
  /** Layers whose input columns it cut for other channels than reach them. */
  readonly misplaced: ReadonlySet<string>;
  /** Whether it may have joined channels of which different ones were cut. */
  readonly couplings: boolean;
  /** Layers that it built anew with other weights. */
  readonly rebuilt?: ReadonlySet<string>;
  /** Layers of which it is not known which of several equal filters are left. */
  readonly unsure?: ReadonlySet<string>;
}

/**
 * Where a masked dense model need not compute what a pruned one does, though nothing is wrong: operators through which a
 * channel that was cut changes those that were kept (a softmax over channels), those through which channels cannot be
 * followed, and what the pruner itself got wrong. Tensors that depend on one are listed, each with the reason.
 * @param smaller tensors that have other sizes in the pruned model than was followed: where their channels are not known, what was cut
 * of them is not masked
 * @param unmeasured tensors of which the dense model has no measure, each with the reason
 */
export function blindTensors(
  dense: Network,
  mask: Mask,
  excuses: Excuses,
  smaller: ReadonlySet<string>,
  unmeasured: ReadonlyMap<string, string> = new Map(),
): ReadonlyMap<string, string> {
  const blind = new Map<string, string>();
  const unmasked = new Map([...mask.unmasked].map(([layer, why]) => [layer.id, `${layer.name}: ${why}`]));
  for (const { id, name } of dense.layers)
    if (excuses.misplaced.has(name))
      unmasked.set(id, `${name}: the pruner itself cut its input columns for other channels`);
  const mixing = mixingNodes(dense, mask);
  for (const node of dense.nodes) {
    const inherited = node.inputs.map((name) => blind.get(name)).find((why) => why !== undefined);
    const why =
      inherited ??
      anew(dense, node, excuses) ??
      (node.role === 'weights' ? changedIn(dense, mask, node) : undefined) ??
      blindness(dense, mask, node, unmasked, mixing) ??
      (excuses.couplings ? unequalCut(dense, mask, node) : undefined) ??
      (node.outputs.some((name) => smaller.has(name) && isOpaque(dense, name))
        ? `${node.op} of ${node.name}`
        : undefined) ??
      node.outputs.map((name) => unmeasured.get(name)).find((reason) => reason !== undefined);
    if (why !== undefined) for (const name of node.outputs) blind.set(name, why);
  }
  return blind;
}

function anew(
  { layers, tensors }: Network,
  { outputs }: NetworkNode,
  { rebuilt, unsure }: Excuses,
): string | undefined {
  const at = tensors.get(outputs[0] ?? '')?.layer;
  const name = at === undefined ? undefined : layers[at]?.name;
  if (name !== undefined && unsure?.has(name)) return `${name}: which of its equal filters are left is not known`;
  return name !== undefined && rebuilt?.has(name) ? `${name}: the pruner itself makes it anew` : undefined;
}

/** What is made of weights that nobody follows, where the models do not have as many: they may have been cut. */
export function madeUnseen(dense: Network, pruned: Network): readonly string[] {
  const [before, after] = [dense, pruned].map(({ unseen }) => unseen.reduce((n, { tensor }) => n + tensor.elements, 0));
  if (before === after) return [];
  const tensors = new Set<Tensor | undefined>(dense.unseen.map(({ tensor }) => tensor));
  const isUnseen = (name: string): boolean => tensors.has(dense.constants.get(name)?.view.tensor);
  return dense.nodes.flatMap(({ inputs, outputs }) => (inputs.some(isUnseen) ? outputs : []));
}

function changedIn({ tensors }: Network, { changed }: Mask, { outputs }: NetworkNode): string | undefined {
  const made = tensors.get(outputs[0] ?? '');
  return made === undefined ? undefined : changed.get(made.layer);
}

export function isOpaque({ tensors }: Network, name: string): boolean {
  const channels = tensors.get(name)?.channels ?? null;
  return channels !== null && 'opaque' in channels;
}

/** Nodes through which a channel that was cut changes others, by their handles. */
function mixingNodes({ sites }: Network, { cut }: Mask): ReadonlySet<NetworkNode['handle']> {
  const isCut = (id: number): boolean => id !== FIXED_CHANNEL && cut[id] === 1;
  return new Set(sites.flatMap((site) => (site.kind === 'mix' && site.channels.some(isCut) ? [site.node] : [])));
}

function blindness(
  dense: Network,
  mask: Mask,
  node: NetworkNode,
  unmasked: ReadonlyMap<number, string>,
  mixing: ReadonlySet<NetworkNode['handle']>,
): string | undefined {
  const output = dense.tensors.get(node.outputs[0] ?? '');
  if (output === undefined || node.role === 'sizes') return undefined;
  const { weight, name, firstChannel, filters } = dense.layers[output.layer]!;
  const isLost = output.channels === null || 'opaque' in output.channels;
  // Its own filters are known, and where they come to lie is not: whoever reads them could not be masked.
  if (isLost && mask.cut.subarray(firstChannel, firstChannel + filters).includes(1)) return `${node.op} of ${name}`;
  const isCut = node.inputs.some((input) => {
    const tensor = dense.tensors.get(input);
    return tensor !== undefined && carriesCut(tensor, mask.cut);
  });
  if (!isCut) return undefined;
  if (weight !== null && !('opaque' in weight) && node.inputs.length > 1 && node.role === 'weights')
    return unmasked.get(output.layer);
  return isLost || mixing.has(node.handle) ? `${node.op} of ${name}` : undefined;
}

/** An element-wise operator on operands of which different channels were cut: the pruner joined what does not belong together. */
function unequalCut(dense: Network, mask: Mask, node: NetworkNode): string | undefined {
  const [first, ...others] = node.inputs.flatMap((name) => {
    const channels = dense.tensors.get(name)?.channels ?? null;
    return channels !== null && 'ids' in channels && channels.ids.length > 1 ? [channels.ids] : [];
  });
  const isCut = (id: number): boolean => id !== FIXED_CHANNEL && mask.cut[id] === 1;
  const isUnequal = others.some(
    (ids) => ids.length === first!.length && ids.some((id, at) => isCut(id) !== isCut(first![at]!)),
  );
  return isUnequal && !isConcatenation(node)
    ? `${node.op} joins channels of which the pruner itself cut different ones`
    : undefined;
}
