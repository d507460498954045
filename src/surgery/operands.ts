import { type KernelSite, type Network, nodeName, operatorName, sequence, type VectorSite } from '../network/index.ts';
import { allFilters } from '../prose/index.ts';
import { cannotCut, type KeptChannels, type PrunerFaults } from './kept.ts';
import { cutThrough, type GroupedRows, storedAxis, type TensorCut } from './tensor-cut.ts';

/** What is left of a kernel, and into how many groups it falls. */
export interface KernelCut {
  readonly cut: TensorCut;
  readonly groups: number;
}

/** The cut of a constant that follows channels. */
export function vectorCut(network: Network, site: VectorSite, kept: KeptChannels): TensorCut {
  const positions = site.view.dims.map((_, axis) => (axis === site.axis ? kept.positions(site.channels) : null));
  return cutThrough(site.view, positions) ?? refuseView(network, site);
}

/** The cut of a kernel: rows by the layer's own channels, columns by those that reach it, in whole groups. */
export function kernelCut(
  network: Network,
  site: KernelSite,
  kept: KeptChannels,
  faults: PrunerFaults | null,
): KernelCut {
  const layer = network.layers[site.layer]!;
  const { columns } = layer.calls[site.call]!;
  const { groups } = layer;
  const own = sequence(layer.filters, layer.firstChannel);
  const ofOut = kept.positions(own);
  const right = columns instanceof Int32Array ? kept.positions(columns) : null;
  const ofIn = (right === null ? null : faults?.columns(layer.name)) ?? right;
  if (ofIn !== null && ofIn.length !== right?.length)
    throw cannotCut(
      network,
      layer.name,
      'the pruner keeps another number of its columns than of channels that reach them',
    );
  if (ofIn !== null && ofIn.length === 0)
    throw cannotCut(network, layer.name, 'none of the channels that it reads are left');
  const inTotal = columns instanceof Int32Array ? columns.length : site.view.dims[site.inAxis]!;
  const wholeAxis = site.axisOfGroup === site.inAxis ? site.outAxis : site.inAxis;
  const positions = site.view.dims.map((): readonly number[] | null => null);
  if (groups === 1 || (ofOut === null && ofIn === null)) {
    positions[site.outAxis] = ofOut;
    positions[site.inAxis] = ofIn;
    return { cut: cutThrough(site.view, positions) ?? refuseView(network, site), groups };
  }
  if (faults !== null && site.view.dims[site.axisOfGroup] === 1 && layer.filters === groups) {
    // Filters of a depthwise conv and channels that reach it are paired by place, be they the same or not.
    positions[wholeAxis] = ofOut;
    return { cut: cutThrough(site.view, positions) ?? refuseView(network, site), groups: ofOut?.length ?? groups };
  }
  const out = perGroup(ofOut, layer.filters, groups);
  const into = perGroup(ofIn, inTotal, groups);
  const left = out.flatMap((list, g) => (list.length + into[g]!.length > 0 ? [g] : []));
  const isEven = [out, into].every((lists) => left.every((g) => lists[g]!.length === lists[left[0]!]!.length));
  if (!isEven || left.some((g) => out[g]!.length === 0 || into[g]!.length === 0))
    throw cannotCut(network, layer.name, `its ${groups} groups are left with different numbers of channels`);

  const [whole, part] = wholeAxis === site.outAxis ? [out, into] : [into, out];
  const wholeSize = site.view.dims[wholeAxis]! / groups;
  const stay = left.flatMap((g) => whole[g]!.map((k) => g * wholeSize + k));
  positions[wholeAxis] = stay.length === site.view.dims[wholeAxis]! ? null : stay;
  const isAlike = left.every((g) => part[g]!.join() === part[left[0]!]!.join());
  if (isAlike) {
    const list = part[left[0]!]!;
    positions[site.axisOfGroup] = list.length === site.view.dims[site.axisOfGroup]! ? null : list;
    return { cut: cutThrough(site.view, positions) ?? refuseView(network, site), groups: left.length };
  }
  const [by, of] = [storedAxis(site.view, wholeAxis), storedAxis(site.view, site.axisOfGroup)];
  const cut = cutThrough(site.view, positions);
  // Elements are gathered axis by axis: the rows must come before the columns that hang on them.
  if (by === null || of === null || by > of || cut === null) return refuseView(network, site);
  const rows: GroupedRows = { by, of, positions: left.flatMap((g) => whole[g]!.map(() => part[g]!)) };
  return { cut: { ...cut, rows }, groups: left.length };
}

/** Positions within each group. */
function perGroup(positions: readonly number[] | null, total: number, groups: number): readonly (readonly number[])[] {
  const size = total / groups;
  const lists = Array.from({ length: groups }, (): number[] => []);
  const all = positions ?? allFilters(total);
  for (const at of all) lists[Math.floor(at / size)]!.push(at % size);
  return lists;
}

function refuseView(network: Network, { node, view }: KernelSite | VectorSite): never {
  const problem = `tensor ${view.tensor.name} is stored in another shape than ${operatorName(node)} reads`;
  throw cannotCut(network, nodeName(node), problem);
}
