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
}

const EIGHT = [0, 1, 2, 3, 4, 5, 6, 7];
const channels = (heads: readonly number[]): readonly number[] =>
  heads.flatMap((head) => Array.from({ length: SIZE }, (_, k) => head * SIZE + k));
const range = (count: number): readonly number[] => Array.from({ length: count }, (_, k) => k);

function matrix(seed: number, columns: number, into: readonly number[], out: readonly number[]) {
  const all = values(seed, ALL * SIZE * columns);
  const data = into.flatMap((row) => out.map((column) => all[row * columns + column]!));
  return { ...float32(data), dims: [BigInt(into.length), BigInt(out.length)] };
}

/** A transformer's block whose heads of queries share keys and values, behind a LayerNorm. */
export function sharedHeadsModel({ keys, isBroadcast }: Sharing, left: SharedHeads = {}): string {
  const { queries = EIGHT, read = queries, width = range(WIDTH), isSwapped = false, factor = 1 } = left;
  const columns = [...channels(read)];
  const order = isSwapped ? [columns[1]!, columns[0]!, ...columns.slice(2)] : columns;
  const apart = (heads: number) => int64([1, TOKENS, heads, SIZE]);
  const ofKeys = keys * SIZE;
  const repeated = (name: string) =>
    isBroadcast
      ? []
      : [
          op('Unsqueeze', [`${name}_t`, 'two'], `${name}_one`),
          op('Expand', [`${name}_one`, 'shared'], `${name}_many`),
          op('Reshape', [`${name}_many`, 'joined'], `${name}_all`),
        ];
  const whole = (name: string) => (isBroadcast ? `${name}_t` : `${name}_all`);
  return writeModel({
    inputs: { x: [1, TOKENS, INPUT] },
    outputs: ['y'],
    opset: 17,
    weights: {
      sw: matrix(1, WIDTH, range(INPUT), width),
      gain: float32(width.map((k) => 1 + values(2, WIDTH)[k]!)),
      qw: matrix(4, ALL * SIZE, width, channels(queries)),
      kw: matrix(5, ofKeys, width, range(ofKeys)),
      vw: matrix(6, ofKeys, width, range(ofKeys)),
      ow: matrix(7, WIDTH, order, width),
      hw: matrix(8, 3, width, [0, 1, 2]),
      ...{ q_heads: apart(queries.length), k_heads: apart(keys), v_heads: apart(keys), two: int64([2]) },
      shared: int64([1, keys, queries.length / keys, TOKENS, SIZE]),
      joined: int64([1, queries.length, TOKENS, SIZE]),
      flat: int64([1, TOKENS, -1]),
      ...{ half: float32(0.5), factor: float32(factor) },
    },
    nodes: [
      op('MatMul', ['x', 'sw'], 's', { name: 'm/stem/MatMul' }),
      op('LayerNormalization', ['s', 'gain'], 'n', { name: 'norm' }),
      ...['q', 'k', 'v'].flatMap((name) => [
        op('MatMul', ['n', `${name}w`], name, { name: `m/${name}/MatMul` }),
        op('Reshape', [name, `${name}_heads`], `${name}_h`),
        op('Transpose', `${name}_h`, `${name}_t`, { perm: [0, 2, 1, 3] }),
      ]),
      ...repeated('k'),
      ...repeated('v'),
      op('Transpose', whole('k'), 'k_last', { perm: [0, 1, 3, 2] }),
      op('MatMul', ['q_t', 'k_last'], 'scores', { name: 'scores' }),
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
