import { expect, it } from 'vitest';
import { numberedNames } from '../../src/network/layer-names.ts';

it('a name that is in use gets the next number that is free', () => {
  const unused = numberedNames();
  const used = new Set<string>();
  const take = (name: string): string => {
    const own = unused(name, used);
    used.add(own);
    return own;
  };
  expect(['a', 'a', 'a', 'b'].map(take)).toEqual(['a', 'a#2', 'a#3', 'b']);
  used.add('b#2');
  expect(['b', 'b'].map(take)).toEqual(['b#3', 'b#4']);
});
