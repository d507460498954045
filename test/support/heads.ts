import { op } from './onnx-builder.ts';

/** Channels of `from` taken apart into heads of the sizes `heads`, as the products of an attention read them. */
export const intoHeads = (name: 'q' | 'k' | 'v', from: string = name) => [
  op('Reshape', [from, 'heads'], `${name}_heads`),
  op('Transpose', `${name}_heads`, `${name}_t`, { perm: name === 'k' ? [0, 2, 3, 1] : [0, 2, 1, 3] }),
];

/** Query, key and value of `x`, by weights `qw`, `kw` and `vw`, in heads. */
export const queryKeyValue = (x: string) =>
  (['q', 'k', 'v'] as const).flatMap((name) => [
    op('MatMul', [x, `${name}w`], name, { name: `m/${name}/MatMul` }),
    ...intoHeads(name),
  ]);
