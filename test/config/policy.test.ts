import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { configOf } from '../../src/config/config-file.ts';
import { loadRequests, loadSources, parseYaml, settingsFromInputs } from '../../src/config/index.ts';
import { barOf, defaultBar, policyChanges, weakenings } from '../../src/config/policy.ts';
import { requestsOf } from '../../src/config/requests.ts';
import { mistake, project } from './project.ts';

const inputs = (given: Readonly<Record<string, string>> = {}) => settingsFromInputs((name) => given[name] ?? '');
const config = (text: string) => configOf(parseYaml(text, 'prunegate.yml'), process.cwd());
const changes = (base: string, head: string, given: Readonly<Record<string, string>> = {}) =>
  policyChanges(config(base), config(head), inputs(given)).map(({ key, model, before, after, isLowered, at }) => ({
    ...{ what: model === null ? key : `${model}.${key}`, before, after, isLowered, line: at.line },
  }));

describe('a setting of prunegate.yml that asks for less than at the base is lowered', () => {
  it.each<readonly [string, string, string, unknown, unknown, number]>([
    ['fail-on', 'dense: d', 'dense: d\nfail-on: [mismatch]', ['mismatch', 'unverifiable'], ['mismatch'], 2],
    ['fail-on', 'dense: d\nfail-on: [ambiguous]', 'dense: d\nfail-on: [mismatch]', ['ambiguous'], ['mismatch'], 2],
    ['warn-only', 'dense: d', 'warn-only: true\ndense: d', false, true, 1],
    ['tolerance', 'dense: d', 'dense: d\ntolerance: 0', null, 0, 2],
    ['tolerance', 'dense: d\ntolerance: 0.1', 'dense: d\ntolerance: 0.2', 0.1, 0.2, 2],
    ['max-latency-ratio', 'dense: d\nmax-latency-ratio: 0.5', 'dense: d', 0.5, null, 1],
    ['max-latency-ratio', 'dense: d\nmax-latency-ratio: 0.5', 'dense: d\nmax-latency-ratio: 1', 0.5, 1, 2],
    ['min-parameter-reduction', 'dense: d\nmin-parameter-reduction: 0.5', 'dense: d', 0.5, null, 1],
    ['min-mac-reduction', 'dense: d\nmin-mac-reduction: 0.5', 'dense: d\nmin-mac-reduction: 0.4', 0.5, 0.4, 2],
    ['min-size-reduction', 'dense: d\nmin-size-reduction: 0.5', 'dense: d\nmin-size-reduction: 0', 0.5, 0, 2],
    ['execute', 'dense: d\nexecute: true', 'dense: d', true, null, 1],
    ['execute', 'dense: d', 'dense: d\nexecute: false', null, false, 2],
    ['require-gpu', 'dense: d\nrequire-gpu: true', 'dense: d\nrequire-gpu: false', true, false, 2],
  ])('%s: %j, then %j', (what, base, head, before, after, line) => {
    expect(changes(base, head)).toEqual([{ what, before, after, isLowered: true, line }]);
  });

  it('and the other way round it is raised', () => {
    expect(
      changes('dense: d\ntolerance: 0.1\nwarn-only: true', 'dense: d\nfail-on: [mismatch, ambiguous, unverifiable]'),
    ).toEqual([
      expect.objectContaining({ what: 'fail-on', isLowered: false }),
      expect.objectContaining({ what: 'warn-only', isLowered: false }),
      expect.objectContaining({ what: 'tolerance', isLowered: false }),
    ]);
  });

  it('but not where flags or inputs decide, nor where it is only written otherwise', () => {
    expect(changes('dense: d', 'dense: d\nwarn-only: true', { 'warn-only': 'false' })).toEqual([]);
    expect(changes('dense: d', 'dense: d\nwarn-only: false\nfail-on: [unverifiable, mismatch]')).toEqual([]);
  });
});

describe('a model', () => {
  const two = 'models:\n  - {name: a, dense: a.onnx, tolerance: 0.1}\n  - {name: b, dense: b.onnx}\n';

  it('is compared with the one of its name', () => {
    const head = 'models:\n  - {name: b, dense: b.onnx}\n  - {name: a, dense: other.onnx, tolerance: 0.2}\n';
    expect(changes(two, head)).toEqual([
      { what: 'a.tolerance', before: 0.1, after: 0.2, isLowered: true, line: 3 },
      { what: 'a.dense', before: 'a.onnx', after: 'other.onnx', isLowered: false, line: 3 },
    ]);
  });

  it('that is gone, also by another name, lowers the bar; one that is new does not', () => {
    const renamed = two.replace('name: a', 'name: c');
    expect(changes(two, renamed)).toEqual([{ what: 'a.models', before: 'a', after: null, isLowered: true, line: 1 }]);
    expect(changes(renamed, `${renamed}  - {name: a, dense: a.onnx, tolerance: 1}\n`)).toEqual([]);
  });

  it('without a name is the only one, or that of the same dense model', () => {
    expect(changes('dense: a.onnx', 'name: a\ndense: a.onnx\ntolerance: 0.1')).toMatchObject([{ what: 'a.tolerance' }]);
    expect(changes('dense: a.onnx', two)).toMatchObject([{ what: 'a.tolerance', isLowered: true }]);
    expect(changes('dense: gone.onnx', two)).toMatchObject([{ what: 'models', isLowered: true }]);
  });
});

it('what neither is stricter nor weaker is a change that does not lower the bar', () => {
  const head = `dense: d2
spec: {threshold: 0.5}
overrides: [a=1]
folding: raw
dense-folded: f
reported: r
lock: l
prune: {run: x}
report-dir: r
`;
  expect(changes('dense: d', head).map(({ what, isLowered }) => [what, isLowered])).toEqual(
    ['dense', 'dense-folded', 'spec', 'overrides', 'prune', 'reported', 'lock', 'folding'].map((what) => [what, false]),
  );
});

describe('requests', () => {
  const GIVEN = { config: 'prunegate.yml' };
  const read = (text: string, base: string | Parameters<typeof requestsOf>[1]) => {
    const sources = loadSources(inputs(GIVEN), project({ 'prunegate.yml': text }));
    const bar = typeof base === 'string' ? barOf(config(base), sources.config) : base;
    return requestsOf(sources, bar)[0]!;
  };

  it('hold the stricter of both sides', () => {
    const weak = 'dense: d\ntolerance: 0.5\nwarn-only: true\nfail-on: []\nexecute: false\nmax-latency-ratio: 2\n';
    const strict = 'dense: d\ntolerance: 0.1\nmax-latency-ratio: 1\nmin-size-reduction: 0.3\nexecute: true\n';
    const held = { tolerance: 0.1, warnOnly: false, maxLatencyRatio: 1, minSizeReduction: 0.3, execution: 'demanded' };
    expect(read(weak, strict)).toMatchObject({ ...held, failOn: ['mismatch', 'unverifiable'] });
    expect(read(strict, weak)).toMatchObject(held);
    expect(read(weak, defaultBar)).toMatchObject({
      tolerance: null,
      warnOnly: false,
      maxLatencyRatio: 2,
      execution: 'tried',
    });
    expect(read(weak, null)).toMatchObject({ tolerance: 0.5, warnOnly: true, failOn: [], execution: 'none' });
  });

  it('are told as loudly as either side says, which is shown and lowers no bar', () => {
    const quiet = 'dense: d\nannotations: false\ncomment: never\ncheck-run: false\n';
    const loud = 'dense: d\nannotations: true\ncomment: always\ncheck-run: true\n';
    const held = { annotations: true, comment: 'always', checkRun: true };
    expect(read(quiet, loud)).toMatchObject(held);
    expect(read(loud, quiet)).toMatchObject(held);
    expect(read(quiet, quiet)).toMatchObject({ annotations: false, comment: 'never', checkRun: false });
    expect(read(quiet, defaultBar)).toMatchObject({ annotations: true, comment: 'on-failure', checkRun: false });
    expect(read(quiet, null)).toMatchObject({ annotations: false, comment: 'never' });
    expect(changes(loud, quiet).map(({ what, isLowered }) => [what, isLowered])).toEqual([
      ['annotations', false],
      ['comment', false],
      ['check-run', false],
    ]);
  });

  it('are never weaker than the base’s, whatever both sides say', () => {
    const side = fc.record(
      {
        'fail-on': fc.subarray(['mismatch', 'ambiguous', 'unverifiable']),
        'warn-only': fc.boolean(),
        execute: fc.boolean(),
        tolerance: fc.constantFrom(0, 0.1, 0.5),
        'min-mac-reduction': fc.constantFrom(0, 0.1, 0.5),
        'max-latency-ratio': fc.constantFrom(0.5, 1),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(side, side, (base, head) => {
        const text = (keys: object) => JSON.stringify({ dense: 'd', ...keys });
        const held = read(text(head), text(base));
        const stated = {
          dense: 'd',
          'fail-on': held.failOn,
          'warn-only': held.warnOnly,
          ...(held.execution === 'tried' ? {} : { execute: held.execution === 'demanded' }),
          ...(held.tolerance === null ? {} : { tolerance: held.tolerance }),
          ...(held.minMacReduction === null ? {} : { 'min-mac-reduction': held.minMacReduction }),
          ...(held.maxLatencyRatio === null ? {} : { 'max-latency-ratio': held.maxLatencyRatio }),
        };
        const lowered = (before: object) =>
          policyChanges(config(text(before)), config(text(stated)), inputs()).filter(({ isLowered }) => isLowered);
        expect([...lowered(base), ...lowered(head)]).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });
});

describe('a prunegate.yml that merely lies beside a workflow that says what is checked', () => {
  const GIVEN = { dense: 'd.onnx', pruned: 'p.onnx', spec: 's.yaml' };
  const request = (text: string, given: Readonly<Record<string, string>> = GIVEN) =>
    loadRequests(inputs(given), project({ 'prunegate.yml': text, 's.yaml': 'threshold: 0.5' }))[0]!;

  it('can make the check stricter', () => {
    expect(request('fail-on: [mismatch, ambiguous, unverifiable]\nrequire-gpu: true\nexecute: true')).toMatchObject({
      failOn: ['mismatch', 'ambiguous', 'unverifiable'],
      requireGpu: true,
      execution: 'demanded',
      notes: [],
    });
  });

  it('cannot weaken it, and is not followed in what it says of models; each key is named', () => {
    const text = `warn-only: true
fail-on: [mismatch]
execute: false
tolerance: 1
name: other
pruned: other.onnx
overrides: [threshold=0]
folding: folded
prune: {run: touch ran}
comment: never
`;
    const read = request(text);
    expect(read).toMatchObject({
      ...{ name: null, pruned: 'p.onnx', tolerance: null, folding: null, warnOnly: false, execution: 'tried' },
      ...{ failOn: ['mismatch', 'unverifiable'], commands: { export: null, prune: null }, comment: 'never' },
      spec: { section: { threshold: 0.5 } },
    });
    expect(read.notes.map((note) => note.replace(/ is ignored: .*/, ''))).toEqual([
      ...['5: name', '6: pruned', '7: overrides', '9: prune', '8: folding', '4: tolerance'].map(
        (at) => `prunegate.yml:${at}`,
      ),
      ...['3: execute', '2: fail-on', '1: warn-only'].map((at) => `prunegate.yml:${at}`),
    ]);
  });

  it('is not followed in a list of models either', () => {
    const read = request('models: [{name: a, dense: x, tolerance: 1}, {name: b, dense: y}]');
    expect(read).toMatchObject({ name: null, dense: 'd.onnx', tolerance: null });
    expect(read.notes).toHaveLength(1);
  });

  it('may not name a pruned model that the workflow does not', () => {
    const half = { dense: 'd.onnx', spec: 's.yaml' };
    expect(mistake(() => request('pruned: p.onnx', half))).toMatch(
      /^prunegate\.yml:1: pruned: stands beside a dense model/,
    );
    expect(mistake(() => request('models: [{name: a, prune: {run: x}}]', half))).toMatch(
      /models\[0\]\.prune: stands beside/,
    );
    expect(request('comment: never', half).pruned).toBeNull();
  });

  it('is followed where the workflow names it, or leaves it to say what is checked', () => {
    expect(request('tolerance: 1', { ...GIVEN, config: 'prunegate.yml' }).tolerance).toBe(1);
    expect(request('dense: d.onnx\ntolerance: 1', { pruned: 'p.onnx', spec: 's.yaml' }).tolerance).toBe(1);
  });
});

it('weakenings are reported against the defaults', () => {
  const weak = weakenings(
    config('warn-only: true\nrequire-gpu: true\nmodels: [{name: a, dense: d, tolerance: 1}]'),
    inputs(),
  );
  expect(weak.map(({ key, model }) => [key, model])).toEqual([
    ['warn-only', null],
    ['tolerance', 'a'],
  ]);
});
