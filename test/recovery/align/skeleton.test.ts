import { describe, expect, it } from 'vitest';
import { skeletonOf } from '../../../src/recovery/align/skeleton.ts';
import { network, rows } from '../../support/convs.ts';
import { op } from '../../support/onnx-builder.ts';

const two = (name: string, from: string, seed: number) => ({ name, from, kernel: rows(2, 2, seed) });

describe('what remains without everything between layers with weights', () => {
  it('is the order of calls: what is concatenated stands in its order, what is added in one group', () => {
    const calls = skeletonOf(
      network(
        [
          two('a', 'x', 1),
          two('b', 'x', 2),
          { name: 'joined', from: 'ba', kernel: rows(2, 4, 3) },
          two('added', 'sum', 4),
        ],
        {
          nodes: [
            op('Relu', ['a'], 'a_relu', { name: 'a_relu' }),
            op('Concat', ['b', 'a_relu'], 'ba', { name: 'ba', axis: 1 }),
            op('Add', ['b', 'a_relu'], 'sum', { name: 'sum' }),
          ],
          outputs: ['added', 'joined'],
        },
      ),
    );
    const at = (name: string): number => calls.findIndex(({ layer }) => layer.name === name);
    expect(calls[at('joined')]!.before).toEqual([[at('b')], [at('a')]]);
    expect(calls[at('added')]!.before.map((group) => [...group].sort())).toEqual([[at('a'), at('b')].sort()]);
    expect([...calls[at('a')]!.after].sort()).toEqual([at('joined'), at('added')].sort());
    expect([calls[at('a')]!.inputs, calls[at('joined')]!.inputs.flat()]).toEqual([[['x']], []]);
    expect([calls[at('added')]!.outputs, calls[at('joined')]!.outputs, calls[at('a')]!.outputs]).toEqual([
      [0],
      [1],
      [],
    ]);
  });

  it('has a layer as often as it is called', () => {
    const shared = { ...two('a', 'x', 1) };
    const calls = skeletonOf(
      network([shared], {
        nodes: [op('Relu', ['a'], 'again', { name: 'relu' }), op('Conv', ['again', 'a.weight'], 'y', { name: 'a' })],
        outputs: ['y'],
      }),
    );
    expect(calls.map(({ layer, call, before }) => [layer.name, call, before])).toEqual([
      ['a', 0, [[]]],
      ['a', 1, [[0]]],
    ]);
  });
});
