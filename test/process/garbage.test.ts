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

it('lets the space of old objects grow little beyond what is held', () => {
  keepGarbageLow();
  const made = (length: number): object[] => Array.from({ length }, (_, k) => ({ k, of: [k, k + 1] }));
  const held = made(300_000);
  const before = process.memoryUsage().heapUsed;
  let most = 0;
  for (let round = 0; round < 20; round++) {
    const garbage = made(100_000);
    most = Math.max(most, process.memoryUsage().heapUsed, garbage.length);
  }
  expect(held).toHaveLength(300_000);
  expect(most).toBeLessThan(2 * before);
});
