import { type Coupling, type Leads, type Network, readNetwork } from '../network/index.ts';
import type { Alignment } from './align/align.ts';
import { ownersOf } from './followers/index-followers.ts';

/**
 * The pruned network, where a sum goes by the same operand's channels as in the dense one: which operand an exporter writes first
 * means nothing.
 */
export function ledAlike(dense: Network, pruned: Network, { partners }: Alignment): Network {
  const leads = new Map<string, string>();
  for (const { operands } of sumsOf(dense)) {
    const keys = operands.map((ids) => ownersOf(dense, { channels: ids }).join()).filter((key) => key !== '');
    const [lead] = keys;
    const key = keys.sort().join(' ');
    if (lead !== undefined && !leads.has(key)) leads.set(key, lead);
  }
  const leadOf: Leads = (operands) => {
    const keys = operands.map((owners) => owners.map((owner) => partners.get(owner)?.layer.id).join());
    return Math.max(0, keys.indexOf(leads.get([...keys].sort().join(' ')) ?? ''));
  };
  const isOther = sumsOf(pruned).some(
    ({ operands }) =>
      leadOf(operands.map((ids) => ownersOf(pruned, { channels: ids })).filter((owners) => owners.length > 0)) > 0,
  );
  return isOther ? readNetwork(pruned.model, leadOf) : pruned;
}

/** Couplings but those of depthwise convolutions, which lead nothing: what one makes may be added to what it reads, and the sum goes by either. */
function sumsOf({ layers, couplings }: Network): readonly Coupling[] {
  const deep = new Set(layers.flatMap(({ kind, name }) => (kind === 'depthwise' ? [name] : [])));
  return couplings.filter(({ layer }) => !deep.has(layer));
}
