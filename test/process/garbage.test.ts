import { getHeapSpaceStatistics } from 'node:v8';
import { expect, it } from 'vitest';
import { keepGarbageLow } from '../../src/process/garbage.ts';

it('keeps the space of young objects as small as it is, whatever survives in it', () => {
  const young = (): number => getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')!.space_size;
  keepGarbageLow();
  const before = young();
  let kept: object[] = [];
  for (let k = 0; k < 3e6; k++) {
    kept.push({ k });
    if (kept.length > 200_000) kept = [];
  }
  expect(young()).toBeLessThanOrEqual(before);
});
