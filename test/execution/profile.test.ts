import { describe, expect, it } from 'vitest';
import { assemble } from '../../src/execution/assemble.ts';
import { providerUse } from '../../src/execution/profile.ts';
import { attempts, ranOn } from '../../src/execution/providers.ts';
import { TOLERANCES } from '../../src/execution/tolerances.ts';
import type { Execution, ExecutionOutcome } from '../../src/execution/types.ts';
import { judgeExecution } from '../../src/verdict/index.ts';

/** A node's entry in the profile of onnxruntime 1.30, as its CPU sessions write it: one for each run. */
function node(op: string, provider: string, index: number, dur = 100): Record<string, unknown> {
  return {
    cat: 'Node',
    pid: 1,
    tid: 1,
    dur,
    ts: 5,
    ph: 'X',
    name: `model/layer_${index}/${op}_kernel_time`,
    args: { op_name: op, provider, node_index: String(index), input_type_shape: [{ float: [1, 3, 8, 8] }] },
  };
}

const at = (key: string) => ({ file: null, line: null, key });

const START = { cat: 'Session', pid: 1, tid: 1, dur: 91, ts: 5, ph: 'X', name: 'model_loading_uri', args: {} };
const [CPU, CUDA, TRT] = ['CPUExecutionProvider', 'CUDAExecutionProvider', 'TensorrtExecutionProvider'];
const ran = (...nodes: readonly Record<string, unknown>[]) => ranOn(providerUse(JSON.stringify([START, ...nodes])));

describe('what the profile says', () => {
  it('counts a node once, however often it ran, and adds its time', () => {
    const uses = providerUse(
      JSON.stringify([START, node('Conv', CPU!, 1), node('Conv', CPU!, 1), node('Shape', CPU!, 2)]),
    );
    expect(uses).toEqual([{ provider: CPU, nodes: 2, heavyNodes: 1, microseconds: 300 }]);
  });

  it('is a GPU where the arithmetic ran there, though shapes are worked out on the CPU', () => {
    const found = ran(
      node('Conv', CUDA!, 1),
      node('FusedConv', CUDA!, 2),
      node('Gather', CPU!, 3, 5),
      node('Concat', CPU!, 4, 5),
    );
    expect(found).toMatchObject({ provider: 'cuda', onCpu: 0, heavy: 2 });
    expect(found.detail).toBe('nodes by the profile: 2 on CUDA, 2 on CPU');
  });

  it('is TensorRT where it compiled the graph, and knows what it left over', () => {
    expect(ran(node('TRTKernel_graph_main_1', TRT!, 1))).toMatchObject({ provider: 'tensorrt', onCpu: 0 });
    expect(ran(node('TRTKernel_graph_main_1', TRT!, 1), node('MatMul', CPU!, 2))).toMatchObject({
      provider: 'tensorrt',
      onCpu: 1,
    });
  });

  it('is the CPU where the session fell back without a word', () => {
    expect(ran(node('Conv', CPU!, 1), node('FusedMatMul', CPU!, 2))).toMatchObject({ provider: 'cpu', onCpu: 2 });
    expect(ran(node('Conv', CPU!, 1), node('Conv', CPU!, 2), node('Conv', CUDA!, 3))).toMatchObject({
      provider: 'cpu',
      onCpu: 2,
    });
  });

  it('is refused where it is no profile', () => {
    expect(() => providerUse('[')).toThrow(SyntaxError);
    expect(ranOn([])).toMatchObject({ provider: 'cpu', detail: 'the profile names no nodes' });
  });
});

describe('providers', () => {
  it('are tried from the one that was asked for down to the CPU', () => {
    expect(attempts('auto', false)).toEqual([['cpu']]);
    expect(attempts('auto', true)).toEqual([['cuda', 'cpu'], ['cpu']]);
    expect(attempts('cpu', true)).toEqual([['cpu']]);
    expect(attempts('tensorrt', false)).toEqual([['tensorrt', 'cuda', 'cpu'], ['cuda', 'cpu'], ['cpu']]);
  });
});

const LATENCY = { median: 1, low: 1, high: 1 };
const TIMED = {
  kind: 'time',
  runs: 1,
  latency: { dense: LATENCY, pruned: LATENCY },
  ratio: 1,
  ratioQuartiles: { low: 1, high: 1 },
  peakBytes: 1,
} as const;

function executed(
  wantsGpu: boolean,
  nodes: readonly Record<string, unknown>[],
  verdict: Execution['verdict'] = 'equal',
): ExecutionOutcome {
  const facts = {
    requested: 'cuda' as const,
    wantsGpu,
    refused: [],
    runtime: { folder: '/ort', version: '1.30.0' },
    inputs: [],
    cases: [],
    tolerance: TOLERANCES.cuda,
  };
  const comparison = {
    verdict,
    reason: 'for a reason',
    maxAbsDiff: 0,
    maxRelDiff: 0,
    outputs: [],
    firstDifference: null,
    measure: 'masked' as const,
    use: providerUse(JSON.stringify(nodes)),
    peakBytes: 1,
  };
  return { execution: assemble(facts, comparison, TIMED), obstacle: null, notes: [] };
}

describe('a fall-back', () => {
  const conforming = { verdict: 'conforms', layers: [], findings: [], notes: [] } as const;
  const onCpu = [node('Conv', CPU!, 1)];
  const onGpu = [node('Conv', CUDA!, 1), node('Shape', CPU!, 2)];
  const demand = { at, requireGpu: true, demand: 'tried' } as const;

  it('of a single convolution is one, of shapes it is none', () => {
    expect(executed(true, onGpu).execution!.fellBack).toBe(false);
    expect(executed(true, [...onGpu, node('Conv', CPU!, 3)]).execution!.fellBack).toBe(true);
    expect(executed(false, onCpu).execution!.fellBack).toBe(false);
  });

  it('is a note where a GPU was only asked for, and no pass where one is required', () => {
    const asked = judgeExecution(conforming, executed(true, onCpu), { ...demand, requireGpu: false });
    expect(asked).toMatchObject({ verdict: 'conforms', findings: [] });
    expect(asked.notes).toEqual(['No GPU executed the models: nodes by the profile: 1 on CPU.']);
    const required = judgeExecution(conforming, executed(true, onCpu), demand);
    expect(required).toMatchObject({ verdict: 'unverifiable', notes: [] });
    expect(required.findings).toMatchObject([{ verdict: 'unverifiable', title: 'onnxruntime did not use the GPU' }]);
    expect(judgeExecution(conforming, executed(true, onGpu), demand)).toMatchObject({
      verdict: 'conforms',
      findings: [],
    });
  });

  it('never makes a verdict better, nor does anything else that is executed', () => {
    const diverging = { ...conforming, verdict: 'diverges' } as const;
    expect(judgeExecution(diverging, executed(true, onCpu), demand).verdict).toBe('diverges');
    expect(judgeExecution({ ...conforming, verdict: 'unverifiable' }, executed(true, onGpu), demand).verdict).toBe(
      'unverifiable',
    );
    expect(
      judgeExecution({ ...conforming, verdict: 'unverifiable' }, executed(true, onGpu, 'different'), demand).verdict,
    ).toBe('diverges');
  });

  it('and what was not executed at all: a note, no pass where a GPU is required or a model is at fault, and no verdict where nothing else was asked', () => {
    const obstacle = { code: 'no-runtime', reason: 'there is no onnxruntime' } as const;
    const none: ExecutionOutcome = { execution: null, obstacle, notes: [] };
    expect(judgeExecution(conforming, none, { at, requireGpu: false, demand: 'tried' })).toMatchObject({
      verdict: 'conforms',
      notes: ['The models were not executed: there is no onnxruntime.'],
    });
    expect(judgeExecution(conforming, none, demand)).toMatchObject({
      verdict: 'unverifiable',
      findings: [{ title: 'the models were not executed on a GPU', details: ['There is no onnxruntime.'] }],
    });
    expect(judgeExecution(conforming, none, { at, requireGpu: false, demand: 'demanded' })).toMatchObject({
      verdict: 'unverifiable',
      findings: [{ title: 'the models were not executed', details: ['There is no onnxruntime.'] }],
      notes: [],
    });
    const refused: ExecutionOutcome = { ...none, obstacle: { code: 'load-failed', reason: 'it is refused' } };
    expect(judgeExecution(conforming, refused, { at, requireGpu: false, demand: 'tried' })).toMatchObject({
      verdict: 'unverifiable',
      findings: [{ title: 'the models were not executed', details: ['It is refused.'] }],
      notes: [],
    });
    const run = { ...conforming, verdict: null };
    expect(judgeExecution(run, none, { at, requireGpu: false, demand: 'all' })).toMatchObject({
      verdict: 'unverifiable',
      findings: [{ title: 'the models were not executed' }],
      notes: [],
    });
    expect(judgeExecution(run, executed(false, onCpu, null), { at, requireGpu: false, demand: 'all' })).toMatchObject({
      verdict: 'unverifiable',
      findings: [{ title: 'the models were executed, but not compared' }],
    });
    expect(judgeExecution(run, executed(false, onCpu), { at, requireGpu: false, demand: 'all' }).verdict).toBe(
      'conforms',
    );
  });
});
