import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FIXTURES, SHARED } from '../support/golden.ts';
import { SHARED as SHARED_TORCH } from '../support/torch-golden.ts';
import type { Results } from './judge.ts';
import type { Pair } from './kind.ts';
import { KINDS } from './kinds/index.ts';
import { pairsIn, rightPair, zooPairs } from './pairs.ts';
import { inTurns, judged, type Outcome, tryKind } from './run.ts';
import { tableOf } from './table.ts';

/** `npm run variants`: each kind on all pairs, or on as many as VARIANTS says, and the table of docs/. Without it, on a few pairs. */
const asked = process.env['VARIANTS'];
const isAll = asked === 'all';
const ENOUGH = asked === undefined ? 3 : asked === 'all' ? Number.POSITIVE_INFINITY : Number(asked);
const TABLE = join(import.meta.dirname, '../../docs/variants.md');

const own = [...pairsIn(join(FIXTURES, 'golden')), ...pairsIn(join(FIXTURES, 'torch')), ...zooPairs()].filter(
  // Cut wrongly by the pruner itself, so that executing it tells nothing.
  ({ name }) => name !== 'vgg_flatten_nchw',
);
const names = new Set(own.map(({ name }) => name));
const given = isAll ? [...own, ...[SHARED, SHARED_TORCH].flatMap(pairsIn).filter(({ name }) => !names.has(name))] : own;

const pairs: { pair: Pair; before: Results }[] = [];
const wrongFromTheStart: string[] = [];

beforeAll(async () => {
  const found = await inTurns(given, 2, async (pair) => {
    const right = await rightPair(pair);
    if (right === null) wrongFromTheStart.push(pair.name);
    return right === null ? null : { pair: right, before: await judged(right) };
  });
  pairs.push(...found.filter((one) => one !== null));
}, 3_600_000);

/** The pairs from another start for each kind, so that all have their turn. */
function from<T>(items: readonly T[], start: number): readonly T[] {
  const at = (start * 7) % items.length;
  return [...items.slice(at), ...items.slice(0, at)];
}

const all: Outcome[] = [];

describe('a right pair that was changed', () => {
  it('conforms before it is changed', () => {
    // Unverifiable by their nature, or cut wrongly by the pruner itself.
    expect(wrongFromTheStart.filter((name) => !/^made_|address_dependent|vgg_flatten_nchw/.test(name))).toEqual([]);
    expect(pairs.length).toBeGreaterThan(20);
  });

  for (const [k, kind] of KINDS.entries())
    it(
      `${kind.claim === 'wrong' ? 'does not pass' : 'does not fail'}: ${kind.name}`,
      async () => {
        let count = 0;
        const tried = await inTurns(from(pairs, k), 2, async ({ pair, before }) => {
          if (count >= ENOUGH) return null;
          const outcome = await tryKind(kind, pair, before);
          if (outcome !== null) count += 1;
          return outcome;
        });
        // The first ones, whichever was done first: two were tried at a time.
        const outcomes = tried.filter((outcome) => outcome !== null).slice(0, ENOUGH);
        all.push(...outcomes);
        expect(outcomes.length, 'it applies nowhere').toBeGreaterThan(0);
        expect(outcomes.flatMap(({ fault }) => fault ?? [])).toEqual([]);
      },
      asked === undefined ? 120_000 : 3_600_000,
    );

  afterAll(() => {
    if (asked !== undefined) writeFileSync(TABLE, tableOf(KINDS, all));
  });
});
