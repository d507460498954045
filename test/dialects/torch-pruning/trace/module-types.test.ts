import { describe, expect, it } from 'vitest';
import { convs, inMemory, rows } from '../../../support/convs.ts';
import { expectationOf } from '../support.ts';

/** Two convolutions with a bias, of which nothing tells whether a BatchNorm was folded into them. */
const biased = inMemory(
  convs(
    [
      { name: 'a', from: 'x', kernel: rows(8, 2, 1), bias: rows(1, 8, 3)[0]! },
      { name: 'b', from: 'a', kernel: rows(4, 8, 2), bias: rows(1, 4, 4)[0]! },
    ],
    { producer: 'pytorch' },
  ),
);

/** What layer a's list rests on, with a file of module types that holds a text; null where on nothing. */
function assumed(content: string | null) {
  const bytes = new TextEncoder().encode(content ?? '');
  const prune = content === null ? {} : { modules: 'modules.json' };
  return expectationOf(biased, prune, (name) => ({ name, bytes })).layers.get('a')!.assumes;
}

describe('the types of modules', () => {
  it('tell that no BatchNorm was folded where there was none', () => {
    expect(assumed(null)).not.toBeNull();
    expect(assumed(JSON.stringify({ a: 'Conv2d', b: 'Conv2d' }))).toBeNull();
  });

  it('leave it open where there was one', () => {
    for (const type of ['BatchNorm2d', 'SyncBatchNorm', 'FrozenBatchNorm2d'])
      expect(assumed(JSON.stringify({ a: 'Conv2d', n: type })), type).not.toBeNull();
  });

  it.each(['[]', '{"a": 1}', '{"a": {}}', 'Conv2d', ''])('are a mapping of names to types: %s', (content) => {
    expect(() => assumed(content)).toThrow(/JSON mapping|lists|mappings/);
  });
});
