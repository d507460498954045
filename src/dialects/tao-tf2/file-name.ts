import { fileName } from '../file-name.ts';
import type { NamedSettings } from '../tao/rules.ts';
import { CRITERIA } from '../tao/spec.ts';

/** Settings that TAO writes into the names of its files: `model_th=0.68_eq=union.tlt` (cv/classification/scripts/prune.py). */
export function settingsInName(path: string): NamedSettings {
  const name = fileName(path);
  const threshold = /(?:^|[^a-z])th=(\d+(?:\.\d+)?(?:e-?\d+)?)/i.exec(name)?.[1];
  const criterion = /(?:^|[^a-z])eq=([a-z_]+)/i.exec(name)?.[1]?.toLowerCase();
  return {
    threshold: threshold === undefined ? null : Number(threshold),
    criterion: CRITERIA.find((known) => known === criterion) ?? null,
  };
}
