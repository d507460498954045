import { describe, expect, it } from 'vitest';
import type { Network } from '../../../../src/network/index.ts';
import { convs, inMemory, rows } from '../../../support/convs.ts';
import { prunerFrom } from '../../../support/declared-golden.ts';
import { op, zeros } from '../../../support/onnx-builder.ts';

/** `a` and `b` are added up; `c` reads the sum, and `z`, behind it, makes the output. */
const dense = inMemory(
  convs(
    [
      { name: 'a', from: 'x', kernel: rows(6, 2, 1) },
      { name: 'b', from: 'a', kernel: rows(6, 6, 2) },
      { name: 'c', from: 'added', kernel: rows(16, 6, 3) },
      { name: 'z', from: 'c', kernel: rows(4, 16, 4) },
    ],
    { nodes: [op('Add', ['a', 'b'], 'added')], outputs: ['z'] },
  ),
);

/** Rules, layers and lines of the remarks; the spec's first own line is the third. */
function remarks(...lines: readonly string[]) {
  return remarksOn(dense, lines);
}

function remarksOn(network: Network, lines: readonly string[]) {
  const spec = ['dialect: declared', 'prune:', ...lines.map((line) => `  ${line}`)].join('\n');
  return prunerFrom(spec).expect(network, 'raw').lint(null);
}

const only = (rule: string, all: ReturnType<typeof remarks>) => all.filter((lint) => lint.rule === rule);

describe('remarks on a declared spec', () => {
  it('are none where the spec says what is meant', () => {
    expect(remarks('exclude: [z]', 'keep: {amount: 0.5}')).toEqual([]);
  });

  it('name layers of which nothing is left', () => {
    const found = remarks('exclude: [z]', 'keep:', '  amount: 0.95', '  rounding: remove-nearest', '  min: 0');
    expect(found).toMatchObject([{ rule: 'all-removed', layers: ['a', 'b'], at: { line: 7, key: 'prune.keep.min' } }]);
    expect(found[0]!.message).toContain('nothing is left of a, b: keep at least one filter');
  });

  it('name layers narrower than the multiple', () => {
    expect(remarks('exclude: [z]', 'keep: {multiple: {of: 8, to: up}}')).toMatchObject([
      { rule: 'narrower-than-multiple', layers: ['a', 'b'], at: { key: 'prune.keep.multiple' } },
    ]);
    expect(only('narrower-than-multiple', remarks('keep: {multiple: {of: 8, to: down}, min: 0}'))).toEqual([]);
  });

  it('name coupled layers that would lose different filters, unless these are zeroed', () => {
    const alone = ['exclude: [z]', 'group: {coupled: alone}'];
    const found = remarks(...alone);
    expect(found).toMatchObject([{ rule: 'cut-alone', layers: ['a', 'b'], at: { key: 'prune.group.coupled' } }]);
    expect(found[0]!.message).toContain('which no cut can do: say coupled: together, or form: zeroed');
    expect(remarks(...alone, 'form: zeroed')).toEqual([]);
    expect(remarks(...alone, 'layers: {"?": {form: zeroed}}')).toEqual([]);
  });

  it('name an output that loses channels', () => {
    expect(remarks('keep: {amount: 0.5}')).toMatchObject([{ rule: 'output-pruned', layers: ['z'] }]);
  });

  it('name no pattern that leaves a layer out by the name of its parameter, but one that is to give it keys', () => {
    const attention = inMemory({
      inputs: { x: [2, 3] },
      weights: { 'attn.in_proj_weight': zeros([3, 6]), 'head.weight': zeros([6, 2]) },
      nodes: [
        op('MatMul', ['x', 'attn.in_proj_weight'], 'a', { name: 'node_MatMul_11' }),
        op('MatMul', ['a', 'head.weight'], 'y', { name: '/head/MatMul' }),
      ],
      outputs: ['y'],
    });
    const unknown = (line: string) => only('unknown-layer', remarksOn(attention, [line])).map(({ layers }) => layers);
    expect(unknown('exclude: [head, "attn.*"]')).toEqual([]);
    expect(unknown('exclude: [head, "other.*"]')).toEqual([['other.*']]);
    expect(unknown('layers: {"attn.*": {keep: {amount: 0.3}}}')).toEqual([['attn.*']]);
  });

  it('name patterns that fit no layer, with the nearest', () => {
    const found = remarks('exclude: [z, bb]', 'layers: {"layer4.*": {keep: {amount: 0.3}}}');
    expect(found).toMatchObject([
      { rule: 'unknown-layer', layers: ['bb'], at: { line: 3 } },
      { rule: 'unknown-layer', layers: ['layer4.*'], at: { line: 4 } },
    ]);
    expect(found[0]!.message).toContain('did you mean b?');
  });

  it('say that nothing is pruned', () => {
    expect(remarks('keep: {amount: 0}')).toMatchObject([{ rule: 'nothing-pruned' }]);
  });
});
