import type { SpecDocument } from '../../config/spec.ts';
import { validate } from '../../config/validate.ts';
import { inputErrorAt } from '../../errors/place.ts';
import type { Criterion, Normalizer, TaoSpec, Ties } from '../tao/spec.ts';
import type { StatedSizes } from '../types.ts';
import { FPN_CELL } from './rules.ts';
import { validateSpec } from './spec.validator.generated.js';

type Task = 'classification' | 'efficientdet';

/** TAO's own defaults for `threshold`: classification 0.1, EfficientDet 0.2. */
const TASK_THRESHOLD: Readonly<Record<Task, number>> = { classification: 0.1, efficientdet: 0.2 };

/** Excluded by name whatever the spec says: TAO's classification and EfficientDet pruners append them. */
const BUILT_IN_EXCLUSIONS: ReadonlySet<string> = new Set([
  ...['predictions', 'predictions_dense'],
  ...['box-0', 'box-1', 'box-2', 'class-0', 'class-1', 'class-2'],
]);

/** Their pruning.py differ in type checks only (blobs f4044e8e, 7cb0b132, 993e1809). */
const RELEASES = ['5.0.0', '5.3', '5.5.0', '6.0.0'];

interface Written {
  readonly threshold?: number;
  readonly normalizer: Normalizer | false;
  readonly equalization_criterion: Criterion;
  readonly granularity: number;
  readonly min_num_filters: number;
  readonly excluded_layers: readonly string[];
  readonly task?: Task;
  readonly ties: Ties;
}

/** @throws InputError naming file, line, key, value and what is allowed */
export function readTaoSpec(document: SpecDocument): TaoSpec {
  const { task, ties } = document.siblings;
  const keys = {
    ...document.section,
    ...(task === undefined ? {} : { task }),
    // A section of that name is somebody else's.
    ...(typeof ties === 'string' ? { ties } : {}),
  };
  const written = validate<Written>(validateSpec, keys, (path) => document.at(path));
  const threshold = written.threshold ?? (written.task === undefined ? undefined : TASK_THRESHOLD[written.task]);
  if (threshold === undefined) {
    throw inputErrorAt(
      document.at('threshold'),
      "threshold is required; without it TAO's default applies only where task: classification or efficientdet is given",
    );
  }
  if (!Number.isFinite(threshold)) throw inputErrorAt(document.at('threshold'), 'must be a finite number', threshold);
  const normalizer = written.normalizer === false ? 'off' : written.normalizer;
  const effective = {
    threshold,
    normalizer,
    granularity: written.granularity,
    min_num_filters: written.min_num_filters,
    equalization_criterion: written.equalization_criterion,
    excluded_layers: written.excluded_layers,
    built_in_exclusions: [...BUILT_IN_EXCLUSIONS, `*${FPN_CELL}*`],
    ...(written.ties === 'any' ? {} : { ties: written.ties }),
  };
  const of = normalizer === 'off' ? '' : ` of ${normalizer}`;
  return {
    effective,
    summary: `threshold ${threshold}${of}, granularity ${written.granularity}, at least ${written.min_num_filters}, ${written.equalization_criterion}`,
    file: document.file,
    inputSizes: inputSizesOf(document.siblings['model']),
    line: (key) => document.line(key),
    at: (path) => document.at(path),
    threshold,
    normalizer,
    criterion: written.equalization_criterion,
    granularity: written.granularity,
    ties: written.ties,
    releases: RELEASES,
    minNumFilters: written.min_num_filters,
    excludedList: written.excluded_layers,
    excludedLayers: new Set(written.excluded_layers),
    excluder: null,
    builtInExclusions: (network) =>
      written.task === 'efficientdet'
        ? new Set([...BUILT_IN_EXCLUSIONS, ...network.outputLayers.map(({ name }) => name)])
        : BUILT_IN_EXCLUSIONS,
  };
}

/** TAO's `model` section (classification_tf2): input_channels, input_height, input_width. */
function inputSizesOf(model: unknown): StatedSizes | null {
  if (typeof model !== 'object' || model === null) return null;
  const size = (key: string): number | null => {
    const value = (model as Readonly<Record<string, unknown>>)[key];
    return typeof value === 'number' && Number.isInteger(value) && value > 0 ? value : null;
  };
  return { channels: size('input_channels'), height: size('input_height'), width: size('input_width') };
}
