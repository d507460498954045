import { type ReusableBuffer, reusableBuffer } from '../bytes/index.ts';
import type { Network } from '../network/index.ts';
import type { Tensor } from '../onnx/index.ts';

/** SHA-256 while bytes come in. */
export interface Hash {
  update(bytes: Uint8Array): unknown;
  digest(encoding: 'hex'): string;
}

/** Who runs this gives it: node:crypto, or what a browser has. */
export type MakeHash = () => Hash;

/**
 * A digest of all that layers own of a model: kernels, and what follows their channels. It is of elements, shapes and the source's layer names, so that
 * neither the file's metadata nor the order, the names or the storage of its tensors matter.
 */
export function weightsDigest(network: Network, makeHash: MakeHash): string {
  const lines: string[] = [];
  const known = new Map<Tensor, string>();
  const reuse = reusableBuffer(0);
  const add = (layer: string, role: string, tensor: Tensor): void => {
    const content = known.get(tensor) ?? contentDigest(tensor, makeHash, reuse);
    known.set(tensor, content);
    lines.push(JSON.stringify([layer, role, tensor.dtype, tensor.dims, content]));
  };
  for (const { name, weight } of network.layers)
    if (weight !== null && 'tensor' in weight) add(name, 'kernel', weight.tensor);
  for (const { layer, role, tensor } of network.followers) add(layer, role, tensor);
  return digestOf([...new Set(lines)].sort().join('\n'), makeHash);
}

/** A digest of a spec's keys and values, whatever their order. */
export function specDigest(dialect: string, spec: Readonly<Record<string, unknown>>, makeHash: MakeHash): string {
  const sorted = Object.entries(spec).sort(([a], [b]) => (a < b ? -1 : 1));
  return digestOf(JSON.stringify([dialect, sorted]), makeHash);
}

function contentDigest(tensor: Tensor, makeHash: MakeHash, reuse: ReusableBuffer): string {
  const hash = makeHash();
  hash.update(tensor.read(reuse).bytes);
  return hash.digest('hex');
}

function digestOf(text: string, makeHash: MakeHash): string {
  const hash = makeHash();
  hash.update(new TextEncoder().encode(text));
  return hash.digest('hex');
}
