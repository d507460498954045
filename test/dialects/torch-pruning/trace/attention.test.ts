import { describe, expect, it } from 'vitest';
import { attentionsOf, incompleteAttentions } from '../../../../src/dialects/torch-pruning/trace/attention.ts';
import { dependenciesOf } from '../../../../src/dialects/torch-pruning/trace/groups.ts';
import { readHistory } from '../../../../src/dialects/torch-pruning/trace/history.ts';
import { inMemory } from '../../../support/convs.ts';
import { op, zeros } from '../../../support/onnx-builder.ts';

/** What an exporter leaves of an attention: products with its parameters, then something that is not followed, then out_proj. */
function exported(
  projections: Readonly<Record<string, { readonly node: string; readonly width: number }>>,
  output = 'at.out_proj',
) {
  const names = Object.keys(projections);
  return inMemory({
    inputs: { x: [1, 5, 4] },
    producer: 'pytorch',
    weights: {
      'first.weight': zeros([4, 4]),
      ...Object.fromEntries(Object.entries(projections).map(([name, { width }]) => [name, zeros([4, width])])),
      [`${output}.weight`]: zeros([4, 4]),
    },
    nodes: [
      op('MatMul', ['x', 'first.weight'], 'first', { name: '/first/MatMul' }),
      ...names.map((name, k) => op('MatMul', ['first', name], `p${k}`, { name: projections[name]!.node })),
      op(
        'Attention',
        names.map((_, k) => `p${k}`),
        'mixed',
        { name: '/at/Attention', domain: 'other' },
      ),
      op('MatMul', ['mixed', `${output}.weight`], 'y', { name: '/at/out_proj/MatMul' }),
    ],
    outputs: ['y'],
  });
}

const packedOf = (network: Parameters<typeof attentionsOf>[0]) =>
  [...new Set(attentionsOf(network).values())].map(({ name, packed, output, reads }) => ({
    name,
    packed: packed.map((layer) => layer.name),
    output: output.name,
    reads: reads.map(({ tensor }) => tensor),
  }));

describe('an attention in an export', () => {
  it('is the product with its packed weight and all up to out_proj', () => {
    const network = exported({ 'at.in_proj_weight': { node: '/at/MatMul', width: 12 } });
    expect(packedOf(network)).toEqual([
      { name: 'at', packed: ['/at/MatMul'], output: 'at.out_proj', reads: ['first'] },
    ]);
  });

  it('is the products with each part of it, under whatever names', () => {
    const part = (node: string) => ({ node, width: 4 });
    const network = exported({ w1: part('/at/MatMul'), w2: part('/at/MatMul_1'), w3: part('/at/MatMul_2') });
    expect(packedOf(network)).toMatchObject([
      { name: 'at', packed: [expect.any(String), {}, {}].map(() => expect.any(String)) },
    ]);
    expect(packedOf(network)[0]!.packed).toHaveLength(3);
  });

  it('is none where its projections are modules of their own, or of another width', () => {
    const own = (name: string) => ({ node: `/at/${name}/MatMul`, width: 4 });
    expect(packedOf(exported({ 'at.q.weight': own('q'), 'at.k.weight': own('k'), 'at.v.weight': own('v') }))).toEqual(
      [],
    );
    expect(packedOf(exported({ 'at.in_proj_weight': { node: '/at/MatMul', width: 8 } }))).toEqual([]);
    expect(packedOf(exported({ 'at.in_proj_weight': { node: '/at/MatMul', width: 12 } }, 'at.proj'))).toEqual([]);
  });
});

describe('an attention of which queries are a parameter themselves', () => {
  const network = exported({ 'at.in_proj_weight': { node: '/at/MatMul', width: 8 } });

  it('is known by the part of its packed parameter that is a layer', () => {
    expect([...incompleteAttentions(network).values()]).toEqual(['at', 'at']);
    const whole = exported({ 'at.in_proj_weight': { node: '/at/MatMul', width: 12 } });
    const own = exported({ 'at.kv.weight': { node: '/at/kv/MatMul', width: 8 } });
    expect([whole, own].map((other) => incompleteAttentions(other).size)).toEqual([0, 0]);
  });

  it('leaves open what goes with what it reads', () => {
    const { groups } = dependenciesOf(network);
    const first = groups.find(({ items }) => items.some(({ module }) => module.layer.name === 'first'))!;
    expect(first.trouble).toMatch(/^at reads a parameter/);
  });

  it('and what a history retains, also of layers that it does not name', () => {
    const namedIn = (history: unknown) => [...readHistory(JSON.stringify(history), network).named.keys()];
    expect(namedIn([['first', true, [1]]])).toEqual([]);
    expect(namedIn([])).toEqual([...network.prunable.keys()]);
  });
});
