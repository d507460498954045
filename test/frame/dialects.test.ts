import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const src = join(import.meta.dirname, '../../src');

/** How users of one pruner speak, and keys of its spec. `exploring` alone is a field of report.json. */
const OF_ONE_PRUNER =
  /\btao\b|torch-pruning|explorat|while exploring|equaliz|excluded_layers|min_num_filters|\bgranularity\b|'threshold'|prune\.threshold|pruning_ratio|round_to\b/i;

it('no folder but dialects/ speaks of one pruner: its words and keys come with the spec that is read', () => {
  const others = readdirSync(src, { recursive: true, encoding: 'utf8' })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => /\.ts$/.test(file) && !/^dialects\/|\.generated\.|^onnx\/foreign-format/.test(file));
  expect(others.length).toBeGreaterThan(300);
  const lines = others.flatMap((file) =>
    readFileSync(join(src, file), 'utf8')
      .split('\n')
      // Recipes are ways to export and prune, called after whom they help.
      .flatMap((line) => (OF_ONE_PRUNER.test(line.replaceAll('recipes/tao', '')) ? [`${file}: ${line.trim()}`] : [])),
  );
  expect(lines).toEqual([]);
});
