import {
  type Arithmetic,
  biasFollower,
  type FoldedLayer,
  type Follower,
  foldLayer,
  type Layer,
  type Network,
  withFolded,
} from '../../network/index.ts';
import { isFloat, narrowed, narrowerOf, toFloat64 } from '../../onnx/index.ts';
import type { Alignment, Partner } from './align.ts';
import { couldBe } from './fingerprints.ts';

/** Two networks brought to one form: BatchNorm folded by us where the other model's exporter folded it. */
export interface AlikePair {
  readonly dense: Network;
  readonly pruned: Network;
  /** Dense layer, folded if need be, by pruned layer id. */
  readonly partner: ReadonlyMap<number, Layer>;
  /** The dense layer's call that each call of a pruned layer is, by pruned layer id. */
  readonly calls: ReadonlyMap<number, readonly number[]>;
  /** Pruned layers (by id) whose values may differ from the dense ones by rounding: two programs folded them. */
  readonly mayRound: ReadonlySet<number>;
}

/** Folds BatchNorm into a layer of either network where the other network has no BatchNorm behind it. */
export function bringAlike(dense: Network, pruned: Network, { partners }: Alignment): AlikePair {
  const partner = new Map<number, Layer>();
  const mayRound = new Set<number>();
  const folded = { dense: [] as FoldedLayer[], pruned: [] as FoldedLayer[] };
  const [denseBiases, prunedBiases] = [biasedChannels(dense), biasedChannels(pruned)];
  for (const [id, other] of partners) {
    const layer = pruned.layers[id]!;
    partner.set(id, other.layer);
    const [own, call] = [layer.norms[0] ?? null, other.calls[0] ?? 0];
    const isFolded = other.layer.folding.state !== 'raw' && layer.folding.state !== 'raw';
    if (isFolded) mayRound.add(id);
    // A kernel that is called with several BatchNorms is folded by no exporter but as a kernel for each call.
    if (layer.calls.length > 1) continue;
    // Folding leaves a bias. Without one, BatchNorm is not folded in but gone.
    const fold =
      own === null && prunedBiases.has(layer.firstChannel)
        ? foldedAs(dense, other.layer, callOf(dense, pruned, other, layer), biasFollower(pruned, layer))
        : own !== null && other.layer.norms[call] == null && denseBiases.has(other.layer.firstChannel)
          ? foldLayer(pruned, layer)
          : null;
    if (fold === null) continue;
    mayRound.add(id);
    folded[own === null ? 'dense' : 'pruned'].push(fold);
    if (own === null) partner.set(id, fold.layer);
  }
  return {
    dense: withFolded(dense, folded.dense),
    pruned: withFolded(pruned, folded.pruned),
    partner,
    calls: new Map([...partners].map(([id, { calls }]) => [id, calls])),
    mayRound,
  };
}

/** In which order models were folded and converted to half precision; where it came first, what was computed in follows. */
const ARITHMETICS: readonly (Arithmetic | null)[] = [
  null,
  { values: 'float16', results: 'float16' },
  { values: 'float16', results: 'float32' },
  { values: 'bfloat16', results: 'bfloat16' },
  { values: 'bfloat16', results: 'float32' },
];

/** A layer with BatchNorm folded in as the other model's exporter did it: of the types that a model may have had then, its bias tells. */
function foldedAs(network: Network, layer: Layer, call: number, bias: Follower | undefined): FoldedLayer | null {
  const found = foldLayer(network, layer, call);
  if (found === null || bias === undefined || !isFloat(bias.tensor.dtype)) return found;
  const wanted = [...toFloat64(bias.tensor.read())];
  let [best, most] = [found, -1];
  for (const as of ARITHMETICS) {
    const folded = as === null ? found : foldLayer(network, layer, call, as)!;
    const { dtype } = bias.tensor;
    const data = folded.bias.tensor.read();
    const values = new Set(toFloat64(narrowerOf(data.dtype, dtype) === dtype ? narrowed(data, dtype) : data));
    const held = wanted.filter((value) => values.has(value)).length;
    if (held > most) [best, most] = [folded, held];
    if (held === wanted.length) break;
  }
  return best;
}

/** The first channels of layers that have a bias. */
function biasedChannels({ followers }: Network): ReadonlySet<number> {
  return new Set(followers.flatMap(({ role, channels }) => (role === 'bias' ? [channels[0]!] : [])));
}

/** Which call's BatchNorm went into a kernel that stands for one call of a shared layer: its bias tells. */
function callOf(dense: Network, pruned: Network, { layer, calls }: Partner, prunedLayer: Layer): number {
  const [first = 0] = calls;
  if (layer.calls.length === 1) return first;
  const all = [first, ...layer.calls.keys()];
  const site = { network: pruned, layer: prunedLayer, call: 0 };
  return all.find((call) => couldBe({ network: dense, layer, call }, site)) ?? first;
}
