import { describe, expect, it } from 'vitest';
import { numbering, settingsKey } from '../../src/comparison/numbering.ts';

describe('functions get one number where they compute the same', () => {
  it('whatever they are written as', () => {
    const { named, computed } = numbering();
    const x = named('x');
    const relu6 = computed(([a]) => Math.min(6, Math.max(0, a!)), [x]);
    const clipped = computed(([a]) => Math.max(0, a!), [computed(([a]) => Math.min(6, a!), [x])]);
    expect(clipped).toBe(relu6);
    expect(computed(([a]) => a! / 255, [x])).toBe(computed(([a]) => a! * Math.fround(1 / 255), [x]));
    expect(computed(([a]) => a!, [x])).toBe(x);
  });

  it('and others where they do not', () => {
    const { named, computed } = numbering();
    const [x, y] = [named('x'), named('y')];
    const all = [
      x,
      y,
      computed(([a]) => Math.max(0, a!), [x]),
      computed(([a]) => Math.max(0, a!), [y]),
      computed(([a]) => Math.min(6, Math.max(0, a!)), [x]),
      computed(([a]) => (a! < 0 ? 0.01 * a! : a!), [x]),
      computed(([a]) => 1.001 * a!, [x]),
      computed(([a, b]) => a! - b!, [x, y]),
      computed(([a, b]) => a! - b!, [y, x]),
    ];
    expect(new Set(all).size).toBe(all.length);
  });

  it('a bound is seen whatever it bounds', () => {
    const { named, computed } = numbering();
    const clip = (x: number, least: number, most: number): number =>
      computed(([a]) => Math.min(most, Math.max(least, a!)), [x]);
    for (let k = 0; k < 500; k++) {
      const x = named(`layer ${k}`);
      const all = [x, clip(x, 0, Infinity), clip(x, 0, 6), clip(x, 0, 1), clip(x, -1, 1), clip(x, -Infinity, 6)];
      expect(new Set(all).size, `layer ${k}`).toBe(all.length);
    }
  });

  it('what an activation does near 0 is seen behind a shift too', () => {
    const { named, computed } = numbering();
    for (let k = 0; k < 200; k++) {
      const x = computed(([a]) => Math.max(0, a!) - 1, [named(`layer ${k}`)]);
      const shrunk = computed(([a]) => (Math.abs(a!) <= 0.3 ? 0 : a!), [x]);
      expect(shrunk, `layer ${k}`).not.toBe(x);
    }
  });

  it('a sum has no order, a Concat has one, and one of Concats is one of all', () => {
    const { named, computed, joined } = numbering();
    const [x, y, z] = [named('x'), named('y'), named('z')];
    expect(computed(([a, b]) => a! + b!, [x, y])).toBe(computed(([a, b]) => a! + b!, [y, x]));
    expect(joined([x, y])).not.toBe(joined([y, x]));
    expect(joined([joined([x, y]), z])).toBe(joined([x, y, z]));
  });

  it('and settings are the same in whatever order they stand', () => {
    expect(settingsKey({ a: 1, b: [2, 3] })).toBe(settingsKey({ b: [2, 3], a: 1 }));
    expect(settingsKey({ a: 1 })).not.toBe(settingsKey({ a: 2 }));
  });
});
