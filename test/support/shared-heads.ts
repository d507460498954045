import { float32, int64, op, writeModel } from './onnx-builder.ts';

/** Numbers without a pattern, the same in every run. */
const values = (seed: number, count: number): number[] =>
  Array.from({ length: count }, (_, k) => 0.8 * Math.sin(seed + 12.9898 * (k + 1) * ((k % 7) + 1)));

const [TOKENS, INPUT, WIDTH, SIZE, ALL] = [3, 5, 6, 2, 8];

export interface SharedHeads {
  /** Heads of queries that are left, of eight. */
  readonly queries?: readonly number[];
  /** Heads of which the columns of the layer behind are. */
  readonly read?: readonly number[];
  /** Channels of each head of values that are left, and of which the columns of the layer behind are. */
  readonly inHeads?: readonly number[];
  readonly readInHeads?: readonly number[];
  /** Channels of the embedding that are left. */
  readonly width?: readonly number[];
  /** Whether the last layer's first two columns are exchanged. */
  readonly isSwapped?: boolean;
  readonly factor?: number;
}

/** How many heads of keys there are, and whether they are repeated or broadcast (one alone). */
export interface Sharing {
  readonly keys: number;
  readonly isBroadcast: boolean;
  /** What tables of tokens and channels turn: queries, keys. */
  readonly turned?: readonly string[];
}

const EIGHT = [0, 1, 2, 3, 4, 5, 6, 7];
const range = (count: number): readonly number[] => Array.from({ length: count }, (_, k) => k);
const channels = (heads: readonly number[], inHeads = range(SIZE)): readonly number[] =>
  heads.flatMap((head) => inHeads.map((k) => head * SIZE + k));

function matrix(seed: number, columns: number, into: readonly number[], out: readonly number[]) {
  const all = values(seed, ALL * SIZE * columns);
  const data = into.flatMap((row) => out.map((column) => all[row * columns + column]!));
  return { ...float32(data), dims: [BigInt(into.length), BigInt(out.length)] };
}

function named<T>(name: string, tensors: Readonly<Record<string, T>>): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.entries(tensors).map(([key, tensor]) => [`${name}_${key}`, tensor]));
}

/** A transformer's block whose heads of queries share keys and values, behind a LayerNorm. */
export function sharedHeadsModel({ keys, isBroadcast, turned = [] }: Sharing, left: SharedHeads = {}): string {
  const { queries = EIGHT, read = queries, width = range(WIDTH), isSwapped = false, factor = 1 } = left;
  const { inHeads = range(SIZE), readInHeads = inHeads } = left;
  const columns = [...channels(read, readInHeads)];
  const order = isSwapped ? [columns[1]!, columns[0]!, ...columns.slice(2)] : columns;
  const apart = (heads: number, size = SIZE) => int64([1, TOKENS, heads, size]);
  const together = (size: number) => ({
    shared: int64([1, keys, queries.length / keys, TOKENS, size]),
    joined: int64([1, queries.length, TOKENS, size]),
  });
  const ofKeys = keys * SIZE;
  const table = (seed: number) => ({ ...float32(values(seed, TOKENS * SIZE)), dims: [BigInt(TOKENS), BigInt(SIZE)] });
  const turn = (name: string) => [
    op('Slice', [`${name}_t`, 'zero', 'one', 'last_axis'], `${name}_left`),
    op('Slice', [`${name}_t`, 'one', 'two', 'last_axis'], `${name}_right`),
    op('Neg', `${name}_right`, `${name}_negated`),
    op('Concat', [`${name}_negated`, `${name}_left`], `${name}_aside`, { axis: -1 }),
    op('Mul', [`${name}_t`, 'cos'], `${name}_cos`),
    op('Mul', [`${name}_aside`, 'sin'], `${name}_sin`),
    op('Add', [`${name}_cos`, `${name}_sin`], `${name}_turned`),
  ];
  const ofHeads = (name: string) => (turned.includes(name) ? `${name}_turned` : `${name}_t`);
  const repeated = (name: string) =>
    isBroadcast
      ? []
      : [
          op('Unsqueeze', [ofHeads(name), 'two'], `${name}_one`),
          op('Expand', [`${name}_one`, `${name}_shared`], `${name}_many`),
          op('Reshape', [`${name}_many`, `${name}_joined`], `${name}_all`),
        ];
  const whole = (name: string) => (isBroadcast ? ofHeads(name) : `${name}_all`);
  return writeModel({
    inputs: { x: [1, TOKENS, INPUT] },
    outputs: ['y'],
    opset: 17,
    weights: {
      sw: matrix(1, WIDTH, range(INPUT), width),
      gain: float32(width.map((k) => 1 + values(2, WIDTH)[k]!)),
      qw: matrix(4, ALL * SIZE, width, channels(queries)),
      kw: matrix(5, ofKeys, width, range(ofKeys)),
      vw: matrix(6, ofKeys, width, channels(range(keys), inHeads)),
      ow: matrix(7, WIDTH, order, width),
      hw: matrix(8, 3, width, [0, 1, 2]),
      ...{
        q_heads: apart(queries.length),
        k_heads: apart(keys),
        v_heads: apart(keys, inHeads.length),
        two: int64([2]),
      },
      ...named('k', together(SIZE)),
      ...named('v', together(inHeads.length)),
      flat: int64([1, TOKENS, -1]),
      ...{ half: float32(0.5), factor: float32(factor) },
      ...(turned.length > 0
        ? { cos: table(9), sin: table(10), zero: int64([0]), one: int64([1]), last_axis: int64([-1]) }
        : {}),
    },
    nodes: [
      op('MatMul', ['x', 'sw'], 's', { name: 'm/stem/MatMul' }),
      op('LayerNormalization', ['s', 'gain'], 'n', { name: 'norm' }),
      ...['q', 'k', 'v'].flatMap((name) => [
        op('MatMul', ['n', `${name}w`], name, { name: `m/${name}/MatMul` }),
        op('Reshape', [name, `${name}_heads`], `${name}_h`),
        op('Transpose', `${name}_h`, `${name}_t`, { perm: [0, 2, 1, 3] }),
      ]),
      ...turned.flatMap(turn),
      ...repeated('k'),
      ...repeated('v'),
      op('Transpose', whole('k'), 'k_last', { perm: [0, 1, 3, 2] }),
      op('MatMul', [ofHeads('q'), 'k_last'], 'scores', { name: 'scores' }),
      op('Mul', ['scores', 'half'], 'logits', { name: 'scaling' }),
      op('Softmax', 'logits', 'map', { name: 'map', axis: -1 }),
      op('MatMul', ['map', whole('v')], 'attended', { name: 'attended' }),
      op('Transpose', 'attended', 'back', { perm: [0, 2, 1, 3] }),
      op('Reshape', ['back', 'flat'], 'read'),
      op('MatMul', ['read', 'ow'], 'o', { name: 'm/o/MatMul' }),
      op('Add', ['s', 'o'], 'r', { name: 'join' }),
      op('MatMul', ['r', 'hw'], 'h', { name: 'm/head/MatMul' }),
      op('Mul', ['h', 'factor'], 'y', { name: 'last' }),
    ],
  });
}
