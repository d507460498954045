import type { LayerDraft } from './drafts.ts';
import { sortOf } from './operators/index.ts';
import type { Layer, LayerKind } from './types.ts';

/** Kinds that say what a layer is, strongest first; an activation merely rides along. */
const STRONGEST: readonly LayerKind[] = [
  'input',
  'conv',
  'depthwise',
  'dense',
  'conv-transpose',
  'recurrent',
  'embedding',
  'opaque',
  'batch-norm',
  'concat',
  'elementwise',
  'flatten',
  'reshape',
  'global-pool',
  'pool',
  'upsample',
  'pad',
  'crop',
  'softmax',
  'permute',
];

const RANKS: ReadonlyMap<LayerKind, number> = new Map(STRONGEST.map((kind, rank) => [kind, rank]));

/** What a finished layer is, and the operator that makes it so. */
export function layerKind(draft: LayerDraft): Pick<Layer, 'kind' | 'op' | 'sort'> {
  return (draft.parts.length > 1 ? composedKind(draft) : null) ?? strongestKind(draft);
}

/** Of what exporters write as several nodes. */
function composedKind(draft: LayerDraft): Pick<Layer, 'kind' | 'op' | 'sort'> | null {
  if (isFusion(draft)) return { kind: 'elementwise', op: 'WeightedFusion', sort: 'weighted-sum' };
  if (isParametric(draft)) return { kind: 'activation', op: 'PRelu', sort: 'prelu' };
  return isScaledElu(draft) ? { kind: 'activation', op: 'ScaledElu', sort: 'scaled-elu' } : null;
}

function strongestKind(draft: LayerDraft): Pick<Layer, 'kind' | 'op' | 'sort'> {
  let [strongest, least] = [draft.parts[0], STRONGEST.length];
  // x * sigmoid(x) inside one layer is an activation: only one tensor comes in from outside.
  const isFunction = draft.calls.every((call) => call.externals.size < 2 && !call.doubled);
  for (const part of draft.parts) {
    const rank = part.kind === 'elementwise' && isFunction ? undefined : RANKS.get(part.kind);
    if (rank !== undefined && rank < least) [strongest, least] = [part, rank];
  }
  const { kind, op } = strongest ?? { kind: 'activation', op: '' };
  return { kind: least < STRONGEST.length ? kind : 'activation', op, sort: sortOf(op) };
}

/** tf2onnx writes the sum of a list as its stack along a new axis, summed over that: EfficientDet's WeightedFusion does so. */
function isFusion({ parts, calls }: LayerDraft): boolean {
  const has = (op: string): boolean => parts.some((part) => part.op === op);
  return has('Concat') && has('ReduceSum') && calls.some((call) => call.externals.size > 0);
}

/** Keras computes a PReLU as relu(x) - slope * relu(-x). */
function isParametric({ parts }: LayerDraft): boolean {
  const count = (op: string): number => parts.filter((part) => part.op === op).length;
  return (
    parts.every(({ kind }) => kind === 'activation' || kind === 'elementwise') && count('Relu') > 1 && count('Neg') > 0
  );
}

/** An ELU with another factor than 1, which only Keras's layer of that name has: it chooses between elu(x) and the product. */
function isScaledElu({ parts }: LayerDraft): boolean {
  const has = (op: string): boolean => parts.some((part) => part.op === op);
  return (
    parts.every(({ kind }) => kind === 'activation' || kind === 'elementwise') &&
    has('Elu') &&
    (has('Greater') || has('Where'))
  );
}
