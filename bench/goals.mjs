/** What the benchmark holds a check to, and what it measured of that. */

/** Bytes of the largest kernel of each pair that bench/make_models.py writes. */
const LARGEST = { large: 1024 * 1024 * 9 * 4, huge: 2048 * 2048 * 9 * 4, shards: 2048 * 2048 * 9 * 4 };
const ABOVE_LARGEST = 120e6;

/** A report in JSON names the SHA-256 of both files. A core makes that of two gigabytes in a second, which is more than all else that a check does. */
const HASHING = 1.25;

/** Graphs that are met with are a hundredth as large. */
const GRAPH_MS = 3000;
/** Each finding has numbers, and a search for its cause. */
const DIVERGING_MS = 5000;

/** Bytes that are read of a pair. */
const BYTES = { large: 621e6, shards: 10.02e9 };

export function goalsOf(sections, nodes) {
  const bySection = new Map(
    sections.map(({ pair, id = pair, results }) => [id, new Map((results ?? []).map((r) => [r.id, r]))]),
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
      const [naive, own, json, hash] = ['naive', `check ${version}`, `json ${version}`, `hash ${version}`].map((id) =>
        time(pair, id),
      );
      if (own === null) continue;
      const [readBack, naiveReadBack] = [`check ${version}`, 'naive'].map((id) => time('read back', id));
      if (naive !== null)
        add(
          `${title} on Node ${version}: at least ${least} times as fast as onnx + numpy`,
          `${(naive / own).toFixed(1)} times`,
          naive >= least * own,
        );
      if (pair === 'large' && readBack !== null)
        add(
          `${title}, read back from the disk, on Node ${version}: at least ${least} times as fast as onnx + numpy`,
          `${(naiveReadBack / readBack).toFixed(1)} times`,
          naiveReadBack >= least * readBack,
        );
      add(
        `${title} on Node ${version}: with a JSON report at most ${HASHING} times what SHA-256 of the dense file alone takes`,
        `${(json / hash).toFixed(2)} times`,
        json <= HASHING * hash,
      );
    }
    for (const [pair, id, title, most = GRAPH_MS] of [
      ['deep', 'check', '20,000 layers'],
      ['deep', 'all', '20,000 layers, printed'],
      ['deep', 'red', '20,000 layers, of which three quarters diverge', DIVERGING_MS],
      ['wide', 'check', '100,000 filters'],
      ['wide', 'red', '100,000 filters, diverging'],
    ]) {
      const own = time(pair, `${id} ${version}`);
      if (own !== null)
        add(`${title}, on Node ${version}: under ${most / 1000} s`, `${(own / 1000).toFixed(2)} s`, own < most);
    }
    const [all, each] = ['check', 'each'].map((id) => time('many', `${id} ${version}`));
    if (all !== null)
      add(
        `several of 491 MB on Node ${version}: at most three quarters of the time that they take one after the other`,
        `${(100 * (all / each)).toFixed(0)}%`,
        all <= 0.75 * each,
      );
  }
  const [first] = nodes;
  const [few, more] = ['large', 'shards'].map((pair) => time(pair, `check ${first.version}`) / BYTES[pair]);
  if (more > 0)
    add('8 GB in 20 files: at most as long for a byte as 491 MB', `${(100 * (more / few)).toFixed(0)}%`, more <= few);
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
