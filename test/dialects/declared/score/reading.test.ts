import { expect, it } from 'vitest';
import type { Layer, Network } from '../../../../src/network/index.ts';
import { network as networkOf, rows } from '../../../support/convs.ts';
import { declaredPruner } from '../../../support/declared-golden.ts';

/** Where the weights of each layer are read to, in the order of the readings. */
function watched(network: Network): { readonly dense: Network; readonly targets: [string, unknown][] } {
  const targets: [string, unknown][] = [];
  const spied = (layer: Layer): Layer => {
    const { name, weight } = layer;
    if (weight === null || 'opaque' in weight) return layer;
    const { tensor } = weight;
    const read: typeof tensor.read = (to, ...rest) => {
      targets.push([name, to]);
      return tensor.read(to, ...rest);
    };
    return { ...layer, weight: { ...weight, tensor: { ...tensor, read } } };
  };
  const layers = network.layers.map(spied);
  const prunable = new Map([...network.prunable].map(([name, { id }]) => [name, layers[id]!]));
  return { dense: { ...network, layers, prunable }, targets };
}

it.each([
  ['rows', { importance: { value: 'l1' } }, ['a', 'b']],
  ['rows over the norm of all', { importance: { value: 'l2', normalize: 'tensor-l2' } }, ['a', 'b']],
  [
    'columns, of all groups in one ranking',
    { importance: { axis: 'in' }, keep: { rule: 'rank-threshold' } },
    ['b', 'z'],
  ],
])('weights are read once for scores of %s, into the buffer that all tensors share', (_, prune, read) => {
  const { dense, targets } = watched(
    networkOf([
      { name: 'a', from: 'x', kernel: rows(8, 2, 1) },
      { name: 'b', from: 'a', kernel: rows(8, 8, 2) },
      { name: 'z', from: 'b', kernel: rows(2, 8, 3) },
    ]),
  );
  declaredPruner({ exclude: ['z'], ...prune }).expect(dense, 'raw');
  expect(targets.map(([name]) => name)).toEqual(read);
  for (const [name, target] of targets) expect(target, name).toBe(dense.model.buffer);
});
