/** Stretches whose ends lie no farther apart are sorted by insertion: equal values stay in their order. */
const SMALL = 15;

type Numbers = Float32Array | Float64Array;

/**
 * The order in which `np.argsort(-values)` of numpy before 1.25 has them: a scalar introsort, the same on every processor,
 * which tells the order of equal values too (numpy/core/src/npysort/quicksort.cpp `aquicksort_`, heapsort.cpp `aheapsort_`).
 * Later ones sort by vector instructions where the processor has them.
 * @returns indices, largest value first; NaN last
 */
export function argsortDescending(values: Numbers): Int32Array {
  const negated = values.map((value) => -value);
  const order = Int32Array.from(values, (_, k) => k);
  /** Stretches still to be sorted: first and last place, and how many more partitions may be tried. */
  const waiting = [{ low: 0, high: order.length - 1, depth: 2 * Math.floor(Math.log2(Math.max(1, order.length))) }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    let { low, high, depth } = next;
    if (depth < 0) {
      heapsort(negated, order.subarray(low, high + 1));
      continue;
    }
    while (high - low > SMALL) {
      const pivot = partition(negated, order, low, high);
      depth--;
      // The larger part waits; the smaller one is not counted against the depth.
      if (pivot - low < high - pivot) {
        waiting.push({ low: pivot + 1, high, depth });
        high = pivot - 1;
      } else {
        waiting.push({ low, high: pivot - 1, depth });
        low = pivot + 1;
      }
    }
    insertionSort(negated, order, low, high);
  }
  return order;
}

/** numpy's order of floats: NaN is larger than any. */
function isLess(a: number, b: number): boolean {
  return a < b || (Number.isNaN(b) && !Number.isNaN(a));
}

function swap(order: Int32Array, a: number, b: number): void {
  const kept = order[a]!;
  order[a] = order[b]!;
  order[b] = kept;
}

/** Median of three, and Hoare's scan from both ends, in which equal values are exchanged too. */
function partition(values: Numbers, order: Int32Array, low: number, high: number): number {
  const at = (place: number): number => values[order[place]!]!;
  const middle = low + ((high - low) >> 1);
  if (isLess(at(middle), at(low))) swap(order, middle, low);
  if (isLess(at(high), at(middle))) swap(order, high, middle);
  if (isLess(at(middle), at(low))) swap(order, middle, low);
  const pivot = at(middle);
  let [up, down] = [low, high - 1];
  swap(order, middle, down);
  for (;;) {
    do up++;
    while (isLess(at(up), pivot));
    do down--;
    while (isLess(pivot, at(down)));
    if (up >= down) break;
    swap(order, up, down);
  }
  swap(order, up, high - 1);
  return up;
}

function insertionSort(values: Numbers, order: Int32Array, low: number, high: number): void {
  for (let place = low + 1; place <= high; place++) {
    const moving = order[place]!;
    let to = place;
    for (; to > low && isLess(values[moving]!, values[order[to - 1]!]!); to--) order[to] = order[to - 1]!;
    order[to] = moving;
  }
}

function heapsort(values: Numbers, order: Int32Array): void {
  for (let start = order.length >> 1; start > 0; start--) sift(values, order, start, order.length);
  for (let size = order.length; size > 1; ) {
    swap(order, 0, --size);
    sift(values, order, 1, size);
  }
}

/** Lets an element sink in a heap of `size`, whose places count from 1. */
function sift(values: Numbers, order: Int32Array, from: number, size: number): void {
  const at = (place: number): number => values[order[place - 1]!]!;
  const sinking = order[from - 1]!;
  let place = from;
  for (let child = 2 * place; child <= size; child = 2 * place) {
    if (child < size && isLess(at(child), at(child + 1))) child++;
    if (!isLess(values[sinking]!, at(child))) break;
    order[place - 1] = order[child - 1]!;
    place = child;
  }
  order[place - 1] = sinking;
}
