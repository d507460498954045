import type { Word } from '../../config/command-line.ts';
import { nearest } from '../../config/values.ts';
import { inputErrorAt, type Place } from '../../errors/place.ts';

/** What a flag of the prune commands sets. */
interface Flag {
  readonly names: readonly string[];
  /** The key of a spec; null for one that has no say in what is retained. */
  readonly key: string | null;
  readonly takes: 'text' | 'number' | 'texts' | 'nothing';
}

/**
 * Flags of TAO TF1's prune commands (nvidia_tao_tf1/cv/common/magnet_prune.py:49, and unet's, efficientdet's, bpnet's and
 * mask_rcnn's own scripts/prune.py).
 */
const FLAGS: readonly Flag[] = [
  { names: ['-pth', '--pruning_threshold'], key: 'threshold', takes: 'number' },
  { names: ['-n', '--normalizer'], key: 'normalizer', takes: 'text' },
  { names: ['-eq', '--equalization_criterion'], key: 'equalization_criterion', takes: 'text' },
  { names: ['-pg', '--pruning_granularity'], key: 'granularity', takes: 'number' },
  { names: ['-nf', '--min_num_filters'], key: 'min_num_filters', takes: 'number' },
  { names: ['-el', '--excluded_layers'], key: 'excluded_layers', takes: 'texts' },
  { names: ['-m', '--model'], key: null, takes: 'text' },
  { names: ['-o', '--output_file', '--output_dir'], key: null, takes: 'text' },
  { names: ['-e', '--experiment_spec_path', '--experiment_spec'], key: null, takes: 'text' },
  { names: ['-k', '--key'], key: null, takes: 'text' },
  { names: ['-r', '--results_dir'], key: null, takes: 'text' },
  { names: ['-v', '--verbose'], key: null, takes: 'nothing' },
  { names: ['--gpus', '--num_gpus', '--gpu_index', '--log_file'], key: null, takes: 'texts' },
  { names: ['--use_amp', '--use_xla'], key: null, takes: 'nothing' },
];

/** A value that a command line gives, and the flag that gives it. */
export interface Given {
  readonly value: unknown;
  readonly at: Place;
  /** For a list: where each item stands. */
  readonly items: readonly Place[];
}

export interface CommandLine {
  /** By the spec's key. */
  readonly given: ReadonlyMap<string, Given>;
  /** The network whose command it is: `yolo_v4` of `tao model yolo_v4 prune`; null where it is not named. */
  readonly network: Word | null;
}

/**
 * Reads the flags as argparse does: the last one counts, `--flag=value` and unambiguous beginnings of long names are taken.
 * @throws InputError for an unknown flag, a missing value, or a word that belongs to no flag
 */
export function readFlags(words: readonly Word[]): CommandLine {
  const start = words.findIndex(({ text }) => isFlag(text));
  const before = start < 0 ? words : words.slice(0, start);
  const given = new Map<string, Given>();
  for (let k = before.length; k < words.length; ) {
    const word = words[k]!;
    const { flag, name, attached } = flagOf(word);
    const values: Word[] = attached === null ? [] : [{ text: attached, place: word.place }];
    k++;
    const most = flag.takes === 'texts' ? Number.POSITIVE_INFINITY : flag.takes === 'nothing' ? 0 : 1;
    if (attached === null)
      for (; k < words.length && values.length < most && !isFlag(words[k]!.text); k++) values.push(words[k]!);
    const at = { ...word.place, key: name };
    if (flag.takes !== 'nothing' && flag.takes !== 'texts' && values.length === 0)
      throw inputErrorAt(at, 'needs a value');
    const stray = words[k];
    if (stray !== undefined && !isFlag(stray.text))
      throw inputErrorAt(stray.place, `belongs to no flag (after ${name})`, stray.text);
    if (flag.key !== null) given.set(flag.key, givenBy(flag, values, at));
  }
  return { given, network: networkOf(before) };
}

/** Negative numbers are values. */
function isFlag(text: string): boolean {
  return text.startsWith('-') && text.length > 1 && !/^-\.?\d/.test(text);
}

function flagOf({ text, place }: Word): {
  readonly flag: Flag;
  readonly name: string;
  readonly attached: string | null;
} {
  const [, name = text, attached = null] = /^(--?[^=]+)=([\s\S]*)$/.exec(text) ?? [];
  const exact = FLAGS.filter(({ names }) => names.includes(name));
  const begun = name.startsWith('--') ? FLAGS.filter(({ names }) => names.some((long) => long.startsWith(name))) : [];
  const [flag, other] = exact.length > 0 ? exact : begun;
  if (flag !== undefined && other === undefined) return { flag, name, attached };
  const known = FLAGS.flatMap(({ names }) => names);
  const meant =
    flag === undefined
      ? nearest(name, known)
      : begun.flatMap(({ names }) => names.filter((long) => long.startsWith(name))).join(' or ');
  const hint =
    meant === null
      ? `; known are ${FLAGS.flatMap(({ names, key }) => (key === null ? [] : names)).join(', ')}`
      : `: did you mean ${meant}?`;
  throw inputErrorAt({ ...place, key: name }, `is no flag of TAO TF1's prune commands${hint}`);
}

function givenBy({ takes }: Flag, values: readonly Word[], at: Place): Given {
  const items = values.map(({ place }) => ({ ...place, key: at.key }));
  const texts = values.map(({ text }) => text);
  if (takes === 'texts') return { value: texts, at, items };
  const [text = ''] = texts;
  return { value: takes === 'number' ? numberOf(text) : text, at: items[0] ?? at, items };
}

/** Python's float() and int() take no hexadecimal; what is no number stays text, which the schema refuses. */
function numberOf(text: string): number | string {
  const number = Number(text);
  return /^\s*[-+]?[\d._]+(e[-+]?\d+)?\s*$/i.test(text) && Number.isFinite(number) ? number : text;
}

/** `tao model yolo_v4 prune`, `yolo_v4 prune`, `tao yolo_v4 prune`, `prune`. */
function networkOf(words: readonly Word[]): Word | null {
  const command = words.findLastIndex(({ text }) => text === 'prune');
  const stray = words.find((_, k) => k > command);
  if (stray !== undefined)
    throw inputErrorAt(
      stray.place,
      'is no flag: begin with one, or with the command, as in yolo_v4 prune -pth 0.1',
      stray.text,
    );
  const named = words[command - 1];
  return named === undefined || ['tao', 'tlt', 'model'].includes(named.text) ? null : named;
}
