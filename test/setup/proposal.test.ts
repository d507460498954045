import { describe, expect, it } from 'vitest';
import { type Answers, propose, type Seen } from '../../src/setup/index.ts';

const seen = (models: Readonly<Record<string, number>>, ...specs: readonly string[]): Seen => ({
  models: Object.entries(models).map(([path, parameters]) => ({ path, parameters, isIgnored: false })),
  specs: specs.map((path) => ({ path, dialect: 'tao-tf2', isContained: true })),
  mistakenSpec: null,
  requirements: null,
  hasLfs: false,
});

/** Models as `name: dense > pruned by spec`, or the setting that is asked for and what it could be. */
const proposed = (from: Seen, answers: Answers = {}): readonly string[] => {
  const result = propose(from, answers);
  if ('key' in result) return [`${result.key}?`, ...result.choices];
  return result.map(({ name, dense, pruned, spec }) => `${name}: ${dense} > ${pruned} by ${spec}`);
};

describe('what init proposes', () => {
  it.each([
    [{ 'dense.onnx': 9, 'pruned.onnx': 4 }, 'model: dense.onnx > pruned.onnx by p.yaml'],
    [{ 'a.onnx': 4, 'b.onnx': 9 }, 'b: b.onnx > a.onnx by p.yaml'],
    [{ 'resnet18.onnx': 9, 'resnet18_pruned.onnx': 9 }, 'resnet18: resnet18.onnx > resnet18_pruned.onnx by p.yaml'],
    [{ 'net.unpruned.onnx': 9, 'net.pruned.onnx': 4 }, 'net: net.unpruned.onnx > net.pruned.onnx by p.yaml'],
    [{ 'dense.onnx': 9, 'dense-folded.onnx': 8, 'pruned.onnx': 4 }, 'model: dense.onnx > pruned.onnx by p.yaml'],
  ])('of %j is one pair', (models, line) => {
    expect(proposed(seen(models, 'p.yaml'))).toEqual([line]);
  });

  it('is a model a folder, each with its own spec', () => {
    const models = { 'a/dense.onnx': 9, 'a/pruned.onnx': 4, 'b/dense.onnx': 9, 'b/pruned.onnx': 4 };
    expect(proposed(seen(models, 'a/prune.yaml', 'b/prune.yaml'))).toEqual([
      'a: a/dense.onnx > a/pruned.onnx by a/prune.yaml',
      'b: b/dense.onnx > b/pruned.onnx by b/prune.yaml',
    ]);
    expect(proposed(seen(models, 'prune.yaml')).map((line) => line.split(' by ')[1])).toEqual([
      'prune.yaml',
      'prune.yaml',
    ]);
  });

  it('gives models of one name others', () => {
    const models = { 'a/net.onnx': 9, 'a/net-pruned.onnx': 4, 'b/net.onnx': 9, 'b/net-pruned.onnx': 4 };
    expect(proposed(seen(models, 'p.yaml')).map((line) => line.split(':')[0])).toEqual(['net', 'net-2']);
  });

  it('asks for what cannot be seen, and for nothing that was said', () => {
    const three = seen({ 'a.onnx': 9, 'b.onnx': 8, 'c.onnx': 4 }, 'p.yaml', 'q.yaml');
    expect(proposed(three)).toEqual(['dense?', 'a.onnx', 'b.onnx', 'c.onnx']);
    expect(proposed(three, { dense: 'a.onnx' })).toEqual(['pruned?', 'b.onnx', 'c.onnx']);
    expect(proposed(three, { dense: 'a.onnx', pruned: 'c.onnx' })).toEqual(['spec?', 'p.yaml', 'q.yaml']);
    expect(proposed(three, { dense: 'a.onnx', pruned: 'c.onnx', spec: 'q.yaml' })).toEqual([
      'a: a.onnx > c.onnx by q.yaml',
    ]);
    expect(proposed(seen({ 'a.onnx': 9, 'b.onnx': 9 }, 'p.yaml'))).toEqual(['dense?', 'a.onnx', 'b.onnx']);
    expect(proposed(seen({}, 'p.yaml'))).toEqual(['dense?']);
  });

  it('never takes a model that grew for the pruned one', () => {
    expect(proposed(seen({ 'net.onnx': 4, 'net-pruned.onnx': 9 }, 'p.yaml'))[0]).toBe('dense?');
  });
});
