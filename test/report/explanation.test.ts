import { expect, it } from 'vitest';
import { renderModelExplanation } from '../../src/report/index.ts';
import { expectationOf, networkOf } from '../support/golden.ts';
import { op, writeModel, zeros } from '../support/onnx-builder.ts';

it('an explained model has lines that can be read, whatever its layers are called', () => {
  const name = 'n'.repeat(500_000);
  const network = networkOf(
    writeModel({
      inputs: { x: [1, 3, 4, 4] },
      outputs: ['y'],
      weights: { aw: zeros([4, 3, 1, 1]), bw: zeros([2, 4, 1, 1]) },
      nodes: [
        op('Conv', ['x', 'aw'], 't', { name: `m/${name}/Conv2D` }),
        op('Conv', ['t', 'bw'], 'y', { name: 'm/b/Conv2D' }),
      ],
    }),
  );
  const spec = {
    effective: {},
    summary: '',
    file: '',
    line: () => null,
    at: () => ({ file: null, line: null, key: null }),
  };
  const text = renderModelExplanation(expectationOf(network, { threshold: 0.5 }), spec);
  expect(text).toContain('n'.repeat(150));
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThan(2000);
});
