import { type DType, holdsOnly, narrowed, narrowerOf, type Tensor, type TensorData, waysTo } from '../onnx/index.ts';

/** How values of both models are read: rounded to a type, if they are not of it, in one of the ways in which programs do that. */
export interface Reading {
  readonly dtype: DType;
  readonly way: number;
  /** Whether the values of one of them are rounded by it. */
  readonly isNarrowing: boolean;
}

/** Types to which models are rounded and then stored in a wider one, as where a constant's Cast was computed. */
const HALVES: readonly DType[] = ['float16', 'bfloat16'];

/**
 * How two tensors can be read so that one's elements may be the other's, bit for bit, the likeliest first: in the narrower of their
 * types; nothing where neither type holds the other's values.
 * @param isHeld whether the pruned one's values are all those of a type
 */
export function* readings(
  dense: DType,
  pruned: DType,
  isHeld: (dtype: DType) => boolean,
): Generator<Reading, undefined> {
  const dtype = narrowerOf(dense, pruned);
  if (dtype === null) return;
  const isNarrowing = dense !== pruned;
  const ways = isNarrowing ? waysTo(dtype) : 1;
  for (let way = 0; way < ways; way++) yield { dtype, way, isNarrowing };
  for (const half of HALVES) {
    if (half === dtype || narrowerOf(half, dtype) !== half || !isHeld(half)) continue;
    for (let way = 0; way < waysTo(half); way++) yield { dtype: half, way, isNarrowing: true };
  }
}

/** Elements of a dense tensor and of a pruned one, of one type. */
export interface AlikeData {
  readonly dense: TensorData;
  readonly pruned: TensorData;
  readonly reading: Reading;
}

/** The elements of two tensors in each of their readings. */
export function* alikeData(dense: Tensor, pruned: Tensor): Generator<AlikeData, undefined> {
  const [a, b] = [dense.read(), pruned.read()];
  for (const reading of readings(dense.dtype, pruned.dtype, (dtype) => holdsOnly(b, dtype))) {
    const { dtype, way } = reading;
    yield { dense: narrowed(a, dtype, way), pruned: narrowed(b, dtype, way), reading };
  }
}
