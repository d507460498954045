import { biasFollower, FIXED_CHANNEL, type Network, type Operation, operationsOf } from '../network/index.ts';
import { isFloat, toFloat64 } from '../onnx/index.ts';

/** What a channel gives out once its filter gives nothing: by channel id, behind any operation; null where that cannot be computed. */
export type Emissions = (tensor: string) => ReadonlyMap<number, number> | null;

/**
 * What filters of zeros still give out: BatchNorm's beta, or the bias of a layer without one, through activations, added up over
 * residual sums. A window over equal values gives that value, so that pooling leaves them as they are.
 */
export function emissionsOf(network: Network): Emissions {
  const operations = operationsOf(network);
  const values: (Float64Array | null)[] = [];
  for (const operation of operations.all) values.push(valuesBehind(network, operation, values, operations.all));
  return (tensor) => {
    const at = operations.made.get(tensor);
    const ids = at === undefined ? null : idsOf(network, operations.all[at]!);
    const own = at === undefined ? null : (values[at] ?? null);
    if (ids === null || own === null || ids.length !== own.length) return null;
    const known = new Map<number, number>();
    for (const [k, id] of ids.entries()) if (id !== FIXED_CHANNEL) known.set(id, own[k]!);
    return known;
  };
}

/** One value for each channel position of what an operation makes. */
function valuesBehind(
  network: Network,
  operation: Operation,
  before: readonly (Float64Array | null)[],
  all: readonly Operation[],
): Float64Array | null {
  const ids = idsOf(network, operation);
  if (ids === null) return null;
  const { call, inputs, pointwise } = operation;
  if (call !== null) return constantsOf(network, call);
  const operands = inputs.map((at) => before[at] ?? null);
  if (pointwise !== null) return applied(pointwise, before, ids.length);
  const [first] = operands;
  if (inputs.length === 1 && first != null) {
    const source = idsOf(network, all[inputs[0]!]!);
    return source !== null && source.length === ids.length && source.every((id, k) => id === ids[k]) ? first : null;
  }
  return concatenated(operands, ids.length);
}

function idsOf({ tensors }: Network, { tensor }: Operation): Int32Array | null {
  const channels = tensors.get(tensor)?.channels ?? null;
  return channels === null || 'opaque' in channels ? null : channels.ids;
}

function applied(
  { apply, operands }: NonNullable<Operation['pointwise']>,
  before: readonly (Float64Array | null)[],
  size: number,
): Float64Array | null {
  const result = new Float64Array(size);
  for (let k = 0; k < size; k++) {
    const values: number[] = [];
    for (const operand of operands) {
      const value =
        operand.kind === 'number'
          ? operand.value
          : operand.kind === 'operation'
            ? valueAt(before[operand.at] ?? null, k, size)
            : null;
      if (value === null) return null;
      values.push(value);
    }
    const found = apply(...values);
    if (found === null) return null;
    result[k] = found;
  }
  return result;
}

/** A single channel is broadcast. */
function valueAt(values: Float64Array | null, k: number, size: number): number | null {
  if (values === null) return null;
  if (values.length === 1) return values[0]!;
  return values.length === size ? values[k]! : null;
}

/** Channels of several operands one after the other, as a Concat has them. */
function concatenated(operands: readonly (Float64Array | null)[], size: number): Float64Array | null {
  const known = operands.filter((values) => values !== null);
  if (known.length !== operands.length || known.reduce((sum, { length }) => sum + length, 0) !== size) return null;
  return Float64Array.from(known.flatMap((values) => [...values]));
}

/** What the filters of a layer give out without their weights. */
function constantsOf(network: Network, { layer: id, call }: NonNullable<Operation['call']>): Float64Array | null {
  const layer = network.layers[id]!;
  const norm = layer.norms[call] ?? null;
  // Taken apart, its shift is no beta.
  if (norm !== null) return norm.statistics !== null && isFloat(norm.shift.dtype) ? toFloat64(norm.shift.read()) : null;
  if (layer.folding.state === 'folded') return null;
  const bias = biasFollower(network, layer);
  if (bias === undefined) return new Float64Array(layer.filters);
  return isFloat(bias.tensor.dtype) ? toFloat64(bias.tensor.read()) : null;
}
