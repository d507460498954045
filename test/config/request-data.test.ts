import { describe, expect, it } from 'vitest';
import { requestData, requestOfData } from '../../src/config/index.ts';
import { requests } from './project.ts';

const KEYS = ['threshold', 'granularity', 'normalizer', 'no-such'];

const INLINE = `models:
  - name: a
    dense: a.onnx
    tolerance: 0.5
    spec: { threshold: 1e-1, normalizer: off, granularity: 8 }
  - name: b
    dense: b.onnx
    spec: { prune: { threshold: 0.2 }, other: { key: 1 } }
    overrides: [prune.granularity=4]
    export: { run: make it, env: { A: 1 } }
`;
const FILES = { 'prune.yaml': 'prune:\n  threshold: 0.25\nrest: 1\n', 'words.txt': '-pth 0.1 -eq union\n' };

/** As another thread gets them. */
const again = (all: ReturnType<typeof requests>): ReturnType<typeof requests> => {
  const known = new Map();
  return all.map((request) => requestOfData(structuredClone(requestData(request)), known));
};

describe('a request that was given to another thread', () => {
  it.each([
    ['inline specs', INLINE, {}],
    ['a spec file', 'dense: d.onnx\nspec: prune.yaml\noverrides: [prune.threshold=0.5]\n', {}],
    ["a pruner's command line", 'dense: d.onnx\nspec: words.txt\n', {}],
    ['flags alone', null, { dense: 'd.onnx', spec: 'prune.yaml', overrides: ['+prune.granularity=16'] }],
    ['no spec', 'dense: d.onnx\n', {}],
  ] as const)('is the same: %s', (_, config, flags) => {
    const all = requests(config, flags, FILES);
    const others = again(all);
    expect(others).toHaveLength(all.length);
    for (const [k, request] of all.entries()) {
      const { at, spec, ...values } = request;
      const { at: otherAt, spec: otherSpec, ...otherValues } = others[k]!;
      expect(otherValues).toEqual(values);
      for (const key of ['dense', 'spec', 'tolerance', 'lockFile', 'overrides'] as const)
        expect(otherAt(key)).toEqual(at(key));
      expect(otherSpec === null).toBe(spec === null);
      if (spec === null || otherSpec === null) continue;
      const data = (one: object) => JSON.stringify(one);
      expect(data(otherSpec)).toBe(data(spec));
      for (const key of KEYS) {
        expect(otherSpec.at(key)).toEqual(spec.at(key));
        expect(otherSpec.line(key)).toBe(spec.line(key));
        expect(otherSpec.source(key)).toBe(spec.source(key));
      }
    }
  });

  it('reads the files that its spec names', () => {
    const [request] = again(requests('dense: d.onnx\nspec: prune.yaml\n', {}, { ...FILES, 'scores.json': '[1]' }));
    const { bytes } = request!.spec!.read('scores.json', 10, (problem) => {
      throw new Error(problem);
    });
    expect(new TextDecoder().decode(bytes)).toBe('[1]');
  });
});
