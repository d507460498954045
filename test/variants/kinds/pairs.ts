import { create } from '@bufbuild/protobuf';
import { ValueInfoProtoSchema } from '../../onnx/onnx_pb.generated.js';
import { edits, type Kind, type Pair, unjudged } from '../kind.ts';
import { dimsOf, FLOAT, floatsOf, int, type Model } from '../model.ts';
import { foldAll } from './harmless.ts';

function interfaceKind(name: string, change: (model: Model, pair: Pair) => boolean | undefined): Kind {
  return {
    ...edits(
      `interface: ${name}`,
      'wrong',
      () => [0],
      (model, _, pair) => change(model, pair),
    ),
    judge: 'none',
  };
}

/** Gives an input another name, wherever it is read. */
function renameInput(model: Model, from: string, to: string): void {
  for (const info of model.graph.input) if (info.name === from) info.name = to;
  model.reroute(from, to);
}

export const INTERFACE_KINDS: readonly Kind[] = [
  interfaceKind('another name of an input', (model) => {
    const [first] = model.graph.input;
    // A counter of the exporter's is nobody's name.
    if (first === undefined || first.name.startsWith('onnx::')) return false;
    renameInput(model, first.name, `${first.name}_renamed`);
    return true;
  }),
  interfaceKind('another size of an input', (model) => {
    const type = model.graph.input[0]?.type?.value;
    if (type?.case !== 'tensorType') return false;
    const last = type.value.shape?.dim.filter(({ value }) => value.case === 'dimValue' && value.value > 3n) ?? [];
    if (last.length < 2) return false;
    for (const dim of last) if (dim.value.case === 'dimValue') dim.value.value *= 2n;
    model.graph.valueInfo = [];
    return true;
  }),
  interfaceKind('two inputs exchanged', (model) => {
    const [a, b] = model.graph.input;
    if (a === undefined || b === undefined) return false;
    const [first, second] = [a.name, b.name];
    model.reroute(first, 'exchanged');
    model.reroute(second, first);
    model.reroute('exchanged', second);
    return true;
  }),
  interfaceKind('inputs in another order', (model) => {
    if (model.graph.input.length < 2) return false;
    model.graph.input.reverse();
    return true;
  }),
  interfaceKind('another type of an input', (model) => {
    const info = model.graph.input[0];
    const type = info?.type?.value;
    if (info === undefined || type?.case !== 'tensorType' || type.value.elemType !== 1) return false;
    const [name, cast] = [info.name, model.unused(`${info.name}_float`)];
    model.reroute(name, cast);
    const [first] = model.nodes;
    model.insert(first!, 'Cast', [name], [cast], [int('to', FLOAT)]);
    type.value.elemType = 11;
    return true;
  }),
  interfaceKind('an output more', (model) => {
    const inner = model.nodesOf('Relu', 'Add').find(({ output }) => !model.isOutput(output[0]!));
    if (inner === undefined) return false;
    model.graph.output.push(
      create(ValueInfoProtoSchema, {
        name: inner.output[0]!,
        type: { value: { case: 'tensorType', value: { elemType: FLOAT } } },
      }),
    );
    return true;
  }),
];

/** The pair with keys of its spec's `prune` section changed. */
function respecified({ spec }: Pair, keys: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return { ...spec, prune: { ...(spec['prune'] as Readonly<Record<string, unknown>>), ...keys } };
}

/** Cut by another spec than the one that is checked: the commonest mistake of all. */
function retention(
  name: string,
  keys: (prune: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>> | null,
): Kind {
  return unjudged(`retention: ${name}`, 'wrong', function* (pair) {
    const prune = pair.spec['prune'] as Readonly<Record<string, unknown>>;
    const changed = keys(prune);
    const pruned = changed === null ? null : pair.prune(pair.dense, respecified(pair, changed));
    if (pruned !== null && !isSameCut(pruned, pair.pruned)) yield { pruned };
  });
}

/** Whether two models hold the same weights, whatever they are called. */
function isSameCut(a: Model, b: Model): boolean {
  const weights = (model: Model): string =>
    model.graph.initializer
      .flatMap((tensor) =>
        floatsOf(tensor) === null
          ? []
          : [`${dimsOf(tensor)} ${Buffer.from(Float32Array.from(floatsOf(tensor)!).buffer).toString('base64')}`],
      )
      .sort()
      .join();
  return weights(a) === weights(b);
}

const isTao = (prune: Readonly<Record<string, unknown>>): boolean => 'threshold' in prune;
const count = (value: unknown, fallback: number): number => (typeof value === 'number' ? value : fallback);

export const RETENTION_KINDS: readonly Kind[] = [
  retention('another threshold', (prune) =>
    isTao(prune) ? { threshold: count(prune['threshold'], 0.5) * 0.6 } : null,
  ),
  retention('another granularity', (prune) =>
    isTao(prune) ? { granularity: count(prune['granularity'], 8) === 1 ? 4 : 1, min_num_filters: 1 } : null,
  ),
  retention('another minimum of filters', (prune) =>
    isTao(prune) ? { min_num_filters: count(prune['min_num_filters'], 16) * 2 } : null,
  ),
  retention('another criterion', (prune) =>
    isTao(prune)
      ? { equalization_criterion: prune['equalization_criterion'] === 'intersection' ? 'union' : 'intersection' }
      : null,
  ),
  retention('another normalizer', (prune) =>
    isTao(prune) ? { normalizer: prune['normalizer'] === 'L2' ? 'max' : 'L2' } : null,
  ),
  retention('another ratio', (prune) =>
    isTao(prune) ? null : { pruning_ratio: count(prune['pruning_ratio'], 0.5) * 0.6 },
  ),
  retention('not pruned at all', (prune) => (isTao(prune) ? { threshold: 0 } : { pruning_ratio: 0 })),
];

export const BOTH_KINDS: readonly Kind[] = [
  unjudged('folding: both models folded, names kept', 'harmless', function* ({ dense, pruned }) {
    const both = { dense: dense.copy(), pruned: pruned.copy() };
    if (foldAll(both.dense) && foldAll(both.pruned)) yield both;
  }),
  unjudged('folding: both models folded, names lost', 'harmless', function* ({ dense, pruned }) {
    const both = { dense: dense.copy(), pruned: pruned.copy() };
    if (foldAll(both.dense, false) && foldAll(both.pruned, false)) yield both;
  }),
  unjudged('folding: cut by the norms of folded weights, both models folded', 'wrong', function* (pair) {
    const dense = pair.dense.copy();
    // Torch-Pruning may have seen fused weights; TAO's pruner never does.
    if (!isTao(pair.spec['prune'] as Readonly<Record<string, unknown>>) || !foldAll(dense)) return;
    const pruned = pair.prune(dense, pair.spec);
    const right = pair.pruned.copy();
    foldAll(right);
    if (pruned !== null && !isSameCut(pruned, right)) yield { dense, pruned };
  }),
  unjudged('dtype: both models in float16', 'harmless', function* ({ dense, pruned }) {
    const [a, b] = [dense.copy(), pruned.copy()];
    if (toHalf(a) && toHalf(b)) yield { dense: a, pruned: b };
  }),
  unjudged('naming: both models without names of nodes', 'harmless', function* ({ dense, pruned }) {
    const both = { dense: dense.copy(), pruned: pruned.copy() };
    for (const model of Object.values(both)) for (const node of model.nodes) node.name = '';
    yield both;
  }),
  {
    ...unjudged('naming: a pair exchanged', 'wrong', function* ({ dense, pruned }) {
      if (!isSameCut(dense, pruned)) yield { dense: pruned, pruned: dense };
    }),
    // It says so, with both the right way round.
    exits: new Set([2]),
  },
];

const HALF = 10;

/** A model in float16, inputs and outputs too; false where something else than weights says float32. */
function toHalf(model: Model): boolean {
  if (model.nodesOf('Cast', 'Constant', 'Resize', 'Upsample', 'ConstantOfShape').length > 0) return false;
  for (const tensor of model.graph.initializer) {
    const values = floatsOf(tensor);
    if (values === null) continue;
    tensor.dataType = HALF;
    tensor.floatData = [];
    tensor.rawData = new Uint8Array(Uint16Array.from(values, halfOf).buffer);
  }
  for (const { type } of [...model.graph.input, ...model.graph.output, ...model.graph.valueInfo])
    if (type?.value.case === 'tensorType' && type.value.value.elemType === FLOAT) type.value.value.elemType = HALF;
  return true;
}

/** The float16 (IEEE 754 binary16) nearest to a float32, ties to even. */
function halfOf(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer)[0]!;
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = Math.abs(value);
  if (magnitude >= 65520) return sign | 0x7c00;
  // Below the smallest normal number steps are 2^-24; above, 2^-10 of the power of two.
  const step = magnitude < 2 ** -14 ? 2 ** -24 : 2 ** (Math.floor(Math.log2(magnitude)) - 10);
  const steps = magnitude / step;
  const whole = Math.floor(steps);
  const rest = steps - whole;
  const rounded = (rest > 0.5 || (rest === 0.5 && whole % 2 === 1) ? whole + 1 : whole) * step;
  if (rounded === 0) return sign;
  const exponent = Math.floor(Math.log2(rounded));
  if (exponent < -14) return sign | (rounded / 2 ** -24);
  return sign | ((exponent + 15) << 10) | ((rounded / 2 ** exponent - 1) * 1024);
}
