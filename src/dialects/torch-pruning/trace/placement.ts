/**
 * How the channels of one tensor lie in another: position `p` of the narrower one stands at `offset + p * pitch` and the
 * `run - 1` positions after it in the wider one. A flatten repeats channels (pitch and run are the positions of a map), a
 * concatenation or a slice shifts them, a slice with a step spreads them.
 */
export interface Placement {
  readonly narrower: 'from' | 'to';
  readonly offset: number;
  readonly pitch: number;
  readonly run: number;
  /** Positions of the narrower tensor. */
  readonly count: number;
  /** Set where positions pass as they are, those that are not there among them. */
  readonly isUnbounded?: true;
}

/**
 * Heads of keys, each of which stands for several heads of queries, one behind another (index_mapping.py:55): positions of queries lead back to
 * those of keys, which come as often, and no position of keys leads on. What the root's were is lost on the way.
 */
export interface SharedHeads {
  readonly repeat: number;
  /** Channels of a head. */
  readonly block: number;
}

/** A root's position that Torch-Pruning has lost. */
export const LOST = -1;

/** Follows positions to heads that are shared, or from them. */
export function followShared({ at }: Positions, { repeat, block }: SharedHeads, isBack: boolean): Positions {
  if (!isBack) return { at: [], root: [] };
  const shared = at.map((p) => {
    const head = Math.floor(p / block);
    return p - Math.floor(head / repeat) * block * (repeat - 1) - (head % repeat) * block;
  });
  return { at: shared, root: at.map(() => LOST) };
}

/** The same places, whatever their number: Torch-Pruning does not look whether there are so many. */
export function inPlace(count: number): Placement {
  return { narrower: 'from', offset: 0, pitch: 1, run: 1, count, isUnbounded: true };
}

/**
 * Where the channels of `from` lie in `to`, recognized by their ids; null where they are moved in another way, as a channel
 * shuffle does.
 * @param first position of `to` at which to begin looking, for the later operands of a concatenation
 */
export function placementOf(from: Int32Array, to: Int32Array, first = 0): Placement | null {
  if (from.length > to.length) {
    const inverse = placementOf(to, from, 0);
    return inverse === null ? null : { ...inverse, narrower: 'to' };
  }
  const count = from.length;
  if (count === 0) return null;
  if (count === to.length && first === 0 && from.every((id, p) => id === to[p])) return inPlace(count);
  const repeated = to.length / count;
  const candidates = [
    { offset: 0, pitch: repeated, run: repeated },
    ...starts(from, to, first).map((offset) => ({ offset, pitch: pitchFrom(from, to, offset), run: 1 })),
  ];
  const found = candidates.find(
    ({ offset, pitch, run }) =>
      Number.isInteger(pitch) && pitch > 0 && (offset >= first || run > 1) && isAt(from, to, offset, pitch, run),
  );
  return found === undefined ? null : { narrower: 'from', ...found, count };
}

/** Positions where the first channel of `from` stands: one, or as many as a tensor is concatenated with itself. */
function starts(from: Int32Array, to: Int32Array, first: number): number[] {
  const found: number[] = [];
  for (let at = to.indexOf(from[0]!, first); at >= 0; at = to.indexOf(from[0]!, at + 1)) found.push(at);
  return found;
}

function pitchFrom(from: Int32Array, to: Int32Array, offset: number): number {
  return from.length < 2 ? 1 : to.indexOf(from[1]!, offset + 1) - offset;
}

function isAt(from: Int32Array, to: Int32Array, offset: number, pitch: number, run: number): boolean {
  if (offset + (from.length - 1) * pitch + run > to.length) return false;
  for (let p = 0; p < from.length; p++)
    for (let k = 0; k < run; k++) if (to[offset + p * pitch + k] !== from[p]) return false;
  return true;
}

/** Positions in one tensor, and the position in the group's root from which each was reached. */
export interface Positions {
  readonly at: readonly number[];
  readonly root: readonly number[];
}

/** Follows positions through a placement, from its `from` to its `to` or back; those that do not reach the other side are dropped. */
export function follow({ at, root }: Positions, placement: Placement, isBack: boolean): Positions {
  const { narrower, offset, pitch, run, count } = placement;
  if (placement.isUnbounded === true) return { at, root };
  const next = { at: [] as number[], root: [] as number[] };
  const toWider = (narrower === 'from') !== isBack;
  const seen = new Set<string>();
  for (const [k, p] of at.entries()) {
    if (toWider) {
      for (let n = 0; n < run; n++) {
        next.at.push(offset + p * pitch + n);
        next.root.push(root[k]!);
      }
      continue;
    }
    const q = p - offset;
    const within = Math.floor(q / pitch);
    if (q < 0 || within >= count || q - within * pitch >= run) continue;
    // Positions of one map fall together again (index_mapping.py:35, list(set(...))).
    if (run > 1) {
      const key = `${within} ${root[k]}`;
      if (seen.has(key)) continue;
      seen.add(key);
    }
    next.at.push(within);
    next.root.push(root[k]!);
  }
  return next;
}
