import type { Word } from '../../config/command-line.ts';
import { nearest } from '../../config/values.ts';
import { inputErrorAt, type Place } from '../../errors/place.ts';
import { commandIn } from './commands.ts';

/** What a flag of the prune commands sets. */
interface Flag {
  readonly names: readonly string[];
  /** The key of a spec; null for one that has no say in what is retained. */
  readonly key: string | null;
  readonly takes: 'text' | 'number' | 'integer' | 'texts' | 'nothing';
}

/**
 * Flags of TAO TF1's prune commands (nvidia_tao_tf1/cv/common/magnet_prune.py:49, and unet's, efficientdet's, bpnet's and
 * mask_rcnn's own scripts/prune.py).
 */
const FLAGS: readonly Flag[] = [
  { names: ['-pth', '--pruning_threshold'], key: 'threshold', takes: 'number' },
  { names: ['-n', '--normalizer'], key: 'normalizer', takes: 'text' },
  { names: ['-eq', '--equalization_criterion'], key: 'equalization_criterion', takes: 'text' },
  { names: ['-pg', '--pruning_granularity'], key: 'granularity', takes: 'integer' },
  { names: ['-nf', '--min_num_filters'], key: 'min_num_filters', takes: 'integer' },
  { names: ['-el', '--excluded_layers'], key: 'excluded_layers', takes: 'texts' },
  { names: ['-m', '--model'], key: null, takes: 'text' },
  { names: ['-o', '--output_file', '--output_dir'], key: null, takes: 'text' },
  { names: ['-e', '--experiment_spec_path', '--experiment_spec'], key: null, takes: 'text' },
  { names: ['-k', '--key'], key: null, takes: 'text' },
  { names: ['-r', '--results_dir'], key: null, takes: 'text' },
  { names: ['-v', '--verbose'], key: null, takes: 'nothing' },
  // Of the entry point that calls them (nvidia_tao_tf1/cv/common/entrypoint).
  { names: ['--gpus', '--num_gpus', '--gpu_index', '--log_file'], key: null, takes: 'texts' },
  { names: ['-np', '--num_processes', '--mpirun-arg'], key: null, takes: 'text' },
  { names: ['--use_amp', '--use_xla', '--multi-node'], key: null, takes: 'nothing' },
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
 * Reads the flags as argparse does: the last one counts, `--flag=value`, `-nL2` and unambiguous beginnings are taken.
 * @throws InputError for an unknown flag, a missing value, or a word that belongs to no flag
 */
export function readFlags(all: readonly Word[]): CommandLine {
  const { network, words } = commandIn(all);
  const given = new Map<string, Given>();
  for (let k = 0; k < words.length; ) {
    const word = words[k]!;
    const { flag, name, attached } = flagOf(word);
    k++;
    if (flag.takes === 'nothing' && attached !== null) {
      // -vk KEY is -v -k KEY.
      words[--k] = { ...word, text: `-${attached}` };
      continue;
    }
    const values: Word[] = attached === null ? [] : [{ ...word, text: attached }];
    const most = flag.takes === 'texts' ? Number.POSITIVE_INFINITY : flag.takes === 'nothing' ? 0 : 1;
    if (attached === null)
      for (; k < words.length && values.length < most && !isFlag(words[k]!.text); k++) values.push(words[k]!);
    const at = { ...word.place, key: name };
    if (most === 1 && values.length === 0) throw inputErrorAt(at, 'needs a value');
    const stray = words[k];
    if (stray !== undefined && !isFlag(stray.text))
      throw inputErrorAt(stray.place, `belongs to no flag (after ${name})`, stray.text);
    if (flag.key !== null) given.set(flag.key, givenBy(flag, values, at));
  }
  return { given, network };
}

/** Negative numbers are values, and so is what holds a blank. */
function isFlag(text: string): boolean {
  return text.startsWith('-') && text.length > 1 && !/^-\.?\d|\s/.test(text);
}

/** A flag, the name that is written for it, and a value in the same word. */
interface Written {
  readonly flag: Flag;
  readonly name: string;
  readonly attached: string | null;
}

function flagOf({ text, place }: Word): Written {
  const [, name = text, value = null] = /^(--?[^=]+)=([\s\S]*)$/.exec(text) ?? [];
  const exact = FLAGS.filter(({ names }) => names.includes(name));
  const meant = exact.length > 0 ? exact.map((flag) => ({ flag, name, attached: value })) : abbreviated(name, value);
  const [first, other] = meant;
  if (first !== undefined && other === undefined) return first;
  const near = nearest(
    name,
    FLAGS.flatMap(({ names }) => names),
  );
  const hint =
    meant.length > 0
      ? `: did you mean ${meant.map((one) => one.name).join(' or ')}?`
      : near !== null
        ? `: did you mean ${near}?`
        : `; known are ${FLAGS.flatMap(({ names, key }) => (key === null ? [] : names)).join(', ')}`;
  throw inputErrorAt({ ...place, key: name }, `is no flag of TAO TF1's prune commands${hint}`);
}

/** What argparse takes a flag for that is none as it stands: the beginning of one, or one letter with its value behind it. */
function abbreviated(name: string, value: string | null): readonly Written[] {
  const begun = FLAGS.flatMap((flag) =>
    flag.names.filter((long) => long.startsWith(name)).map((long) => ({ flag, name: long, attached: value })),
  );
  if (name.startsWith('--') || name.length < 3) return begun;
  const letter = name.slice(0, 2);
  const rest = `${name.slice(2)}${value === null ? '' : `=${value}`}`;
  const single = FLAGS.filter(({ names }) => names.includes(letter));
  return [...begun, ...single.map((flag) => ({ flag, name: letter, attached: rest }))];
}

function givenBy({ takes }: Flag, values: readonly Word[], at: Place): Given {
  const items = values.map(({ place }) => ({ ...place, key: at.key }));
  const texts = values.map(({ text }) => text);
  if (takes === 'texts') return { value: texts, at, items };
  const [text = ''] = texts;
  const isText = takes === 'text';
  return { value: isText ? text : numberOf(text, takes), at: items[0] ?? at, items };
}

/** As Python's float() and int() read it, of which int() takes no point; anything else stays text, which the schema refuses. */
function numberOf(text: string, takes: Flag['takes']): number | string {
  const plain = text.trim().replace(/(?<=\d)_(?=\d)/g, '');
  const isNumber = /^[-+]?(\d+(\.\d*)?|\.\d+)(e[-+]?\d+)?$/i.test(plain);
  const isPointed = takes === 'integer' && Number.isInteger(Number(plain)) && !/^[-+]?\d+$/.test(plain);
  return isNumber && !isPointed && Number.isFinite(Number(plain)) ? Number(plain) : text;
}
