import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/errors/input-error.ts';
import { compareLock, type LockedModel, lockChanges, lockText, parseLock, specDigest } from '../../src/lock/index.ts';

const A = 'a'.repeat(64);
const B = 'b'.repeat(64);

function model(layers: Readonly<Record<string, readonly number[]>>): LockedModel {
  const entries = Object.entries(layers).map(([name, retained]) => [name, { filters: 16, retained }] as const);
  return { dialect: 'tao-tf2', spec: A, weights: A, layers: new Map(entries) };
}

const TEXT = lockText(new Map([['m', model({ conv1: [0, 1, 2, 5], conv2: [] })]]));

describe('a lock file', () => {
  it('has a layer on each line, models by name, and is the same text again', () => {
    const text = lockText(
      new Map([
        ['b', model({ z: [0, 1, 2, 3], a: [1, 3] })],
        ['a', model({})],
      ]),
    );
    expect(text).toBe(`{
  "lockVersion": 1,
  "models": {
    "a": {
      "dialect": "tao-tf2",
      "spec": "${A}",
      "weights": "${A}",
      "layers": {}
    },
    "b": {
      "dialect": "tao-tf2",
      "spec": "${A}",
      "weights": "${A}",
      "layers": {
        "z": { "filters": 16, "retained": "0-3" },
        "a": { "filters": 16, "retained": "1, 3" }
      }
    }
  }
}
`);
    expect(lockText(parseLock(text, 'l').models)).toBe(text);
  });

  it('is read as it was written, whatever names and indices are in it', () => {
    const name = fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'toString'));
    const retained = fc.uniqueArray(fc.nat(63)).map((all) => all.sort((a, b) => a - b));
    const layers = fc.uniqueArray(fc.tuple(name, retained), { selector: ([key]) => key });
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(name, layers), { selector: ([key]) => key }), (models) => {
        const written = models.map(([key, own]): [string, LockedModel] => {
          const entries = own.map(([layer, indices]) => [layer, { filters: 64, retained: indices }] as const);
          return [key, { ...model({}), layers: new Map(entries) }];
        });
        const read = parseLock(lockText(new Map(written)), 'l').models;
        expect(read.size).toBe(written.length);
        for (const [key, { layers: own }] of written) expect(new Map(read.get(key)!.layers)).toEqual(own);
      }),
    );
  });

  it.each<readonly [string, (text: string) => string, string]>([
    ['that is cut off', (text) => text.slice(0, -20), 'l:11: is no JSON'],
    ['that is empty', () => '', 'l:1: is no JSON'],
    ['with conflict markers', (text) => `<<<<<<< HEAD\n${text}`, 'l:1: holds conflict markers of a merge'],
    ['of a newer version', (text) => text.replace('1', '2'), 'l:2: lockVersion: is of a newer prunegate'],
    [
      'with indices that do not ascend',
      (text) => text.replace('0-2, 5', '5, 0-2'),
      'l:9: models.m.layers.conv1.retained: must ascend, each index once (found "5, 0-2")',
    ],
    ['with an index twice', (text) => text.replace('0-2, 5', '0-2, 2'), 'l:9: models.m.layers.conv1.retained: must'],
    [
      'with a filter that is not there',
      (text) => text.replace('0-2, 5', '0-2, 16'),
      'l:9: models.m.layers.conv1.retained: names filter 16 of 16, which are 0 to 15',
    ],
    ['with a layer twice', (text) => text.replace('"conv2"', '"conv1"'), 'l:10: models.m.layers.conv1: stands twice'],
    [
      'with a model twice',
      (text) => text.replace('\n  }\n}', ',\n    "m": {}\n  }\n}'),
      'l:13: models.m: stands twice',
    ],
    ['with a digest of another length', (text) => text.replace(A, 'a'), 'l:6: models.m.spec: '],
    ['with a comment', (text) => `// x\n${text}`, 'l:1: is no JSON'],
    ['with a key of nobody', (text) => text.replace('"dialect"', '"dialekt"'), 'l:4: models.m.dialect: is required'],
  ])('%s is refused, with the line', (_, change, message) => {
    const said = mistake(() => parseLock(change(TEXT), 'l'));
    expect(said.slice(0, message.length)).toBe(message);
  });

  it('of nesting, or of indices without end, is refused soon', () => {
    expect(mistake(() => parseLock('['.repeat(100_000), 'l'))).toContain('nested deeper than 8 levels');
    const entry = '"filters": 16, "retained": "0-2, 5"';
    const huge = TEXT.replace(entry, '"filters": 99999999, "retained": "0-99999998"');
    expect(mistake(() => parseLock(huge, 'l'))).toContain('models.m.layers.conv1.filters: must be');
    const most = TEXT.replace(entry, '"filters": 16777216, "retained": "0-16777215"');
    expect(mistake(() => parseLock(most, 'l'))).toContain('names filter 16777215');
  });

  it('never throws anything but an InputError', () => {
    fc.assert(
      fc.property(fc.nat(TEXT.length), fc.nat(TEXT.length), fc.string(), (from, length, text) => {
        const changed = TEXT.slice(0, from) + text + TEXT.slice(from + length);
        try {
          parseLock(changed, 'l');
        } catch (error) {
          expect(error).toBeInstanceOf(InputError);
        }
      }),
    );
  });

  it('of 20,000 layers is read and compared', () => {
    const names = Array.from({ length: 20_000 }, (_, k) => `layer${k}`);
    const lock = parseLock(
      lockText(new Map([['m', model(Object.fromEntries(names.map((name) => [name, [0, 5]])))]])),
      'l',
    );
    const layers = names.map((name) => ({ name, filters: 16, actual: [0, 6] }));
    const { differences } = compareLock(lock, 'm', { dialect: 'tao-tf2', spec: A, weights: A, layers }, []);
    expect(differences).toHaveLength(20_000);
  });
});

describe('comparing with a lock', () => {
  const lock = parseLock(TEXT, 'l');
  const [conv1, conv2] = [
    { name: 'conv1', filters: 16, actual: [0, 1, 2, 5] },
    { name: 'conv2', filters: 16, actual: [] },
  ];
  const now = { dialect: 'tao-tf2', spec: A, weights: A, layers: [conv1, conv2] };

  it('finds nothing where all is as agreed', () => {
    const { at: _, ...found } = compareLock(lock, 'm', now, []);
    expect(found).toEqual({
      file: 'l',
      isAgreed: true,
      changed: { spec: false, weights: false },
      differences: [],
      open: [],
      strangers: [],
    });
  });

  it('says what was agreed and what is, and what changed since', () => {
    const found = compareLock(lock, 'm', { ...now, spec: B, layers: [{ ...conv1, actual: [0, 1] }, conv2] }, []);
    expect(found.changed).toEqual({ spec: true, weights: false });
    expect(found.differences).toEqual([
      { layer: 'conv1', agreed: [0, 1, 2, 5], now: [0, 1], filters: { agreed: 16, now: 16 } },
    ]);
    expect(found.at('conv1')).toEqual({ file: 'l', line: 9, key: 'models.m.layers.conv1' });
    expect(compareLock(lock, 'm', { ...now, weights: B }, []).changed).toEqual({ spec: false, weights: true });
    expect(compareLock(lock, 'm', { ...now, dialect: 'x' }, []).changed.spec).toBe(true);
  });

  it('takes another number of filters, and a layer that is gone, for differences', () => {
    expect(compareLock(lock, 'm', { ...now, layers: [{ ...conv1, filters: 32 }] }, []).differences).toEqual([
      { layer: 'conv1', agreed: [0, 1, 2, 5], now: [0, 1, 2, 5], filters: { agreed: 16, now: 32 } },
      { layer: 'conv2', agreed: [], now: null, filters: { agreed: 16, now: null } },
    ]);
  });

  it('leaves open what was not agreed, and what is not known', () => {
    const more = { ...now, layers: [conv1, conv2, { name: 'conv3', filters: 4, actual: [1] }] };
    expect(compareLock(lock, 'm', more, [])).toMatchObject({ open: ['conv3'], differences: [] });
    expect(compareLock(lock, 'other', now, [])).toMatchObject({ isAgreed: false, differences: [] });
    const unknown = { ...now, layers: now.layers.map((layer) => ({ ...layer, actual: null })) };
    expect(compareLock(lock, 'm', unknown, [])).toMatchObject({ open: [], differences: [] });
  });

  it('says what one lock asks for beyond another', () => {
    const [before, after] = [model({ a: [1], b: [2] }), model({ a: [1], b: [3], c: [4] })];
    expect(lockChanges(before, after).map(({ layer, agreed, now: asked }) => [layer, agreed, asked])).toEqual([
      ['b', [2], [3]],
      ['c', null, [4]],
    ]);
    expect(lockChanges(null, after)).toHaveLength(3);
    expect(lockChanges(after, null)).toHaveLength(3);
  });
});

it('the digest of a spec does not hang on the order of its keys', () => {
  const digest = (spec: Record<string, unknown>, dialect = 'd'): string =>
    specDigest(dialect, spec, () => createHash('sha256'));
  expect(digest({ a: 1, b: [2] })).toBe(digest({ b: [2], a: 1 }));
  expect(digest({ a: 1 })).not.toBe(digest({ a: 2 }));
  expect(digest({ a: 1 }, 'e')).not.toBe(digest({ a: 1 }));
});

function mistake(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
  return 'nothing was wrong';
}
