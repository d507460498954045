/** What the benchmark holds a check to, and what it measured of that. */

/** Bytes of the largest kernel of each pair that bench/make_models.py writes. */
const LARGEST = { large: 1024 * 1024 * 9 * 4, huge: 2048 * 2048 * 9 * 4, shards: 2048 * 2048 * 9 * 4 };
const ABOVE_LARGEST = 120e6;

export function goalsOf(sections, nodes) {
  const bySection = new Map(
    sections.map(({ pair, results }) => [pair, new Map((results ?? []).map((r) => [r.id, r]))]),
  );
  const time = (pair, id) => {
    const found = bySection.get(pair)?.get(id);
    return found === undefined ? null : median(found.times);
  };
  const goals = [];
  const add = (goal, measured, isMet) => goals.push({ goal, measured, isMet });
  for (const { version } of nodes) {
    const [bare, small] = [time('mobilenet', `bare ${version}`), time('mobilenet', `check ${version}`)];
    if (version.startsWith('20.'))
      add(
        `9 MB on Node ${version}: at most 3 times bare Node`,
        `${(small / bare).toFixed(2)} times`,
        small <= 3 * bare,
      );
    else
      add(
        `9 MB on Node ${version}: at most 100 ms above bare Node`,
        `${(small - bare).toFixed(0)} ms`,
        small <= bare + 100,
      );
    for (const [pair, title, least] of [
      ['large', '491 MB', 6],
      ['huge', '1.9 GB', 10],
    ]) {
      const [naive, own, json] = ['naive', `check ${version}`, `json ${version}`].map((id) => time(pair, id));
      if (own === null) continue;
      if (naive !== null)
        add(
          `${title} on Node ${version}: at least ${least} times as fast as onnx + numpy`,
          `${(naive / own).toFixed(1)} times`,
          naive >= least * own,
        );
      add(
        `${title} on Node ${version}: a JSON report at most twice the time`,
        `${(json / own).toFixed(2)} times`,
        json <= 2 * own,
      );
    }
  }
  const most = { large: 160e6, huge: LARGEST.huge + ABOVE_LARGEST, shards: LARGEST.shards + ABOVE_LARGEST };
  for (const [pair, bytes] of Object.entries(most)) {
    const checks = [...(bySection.get(pair)?.values() ?? [])].filter(
      ({ id, peak }) => id.startsWith('check') && peak !== null,
    );
    if (checks.length === 0) continue;
    const peak = Math.max(...checks.map((result) => result.peak));
    add(`${pair}: at most ${(bytes / 1e6).toFixed(0)} MB`, `${(peak / 1e6).toFixed(0)} MB`, peak <= bytes);
  }
  return goals;
}

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}
