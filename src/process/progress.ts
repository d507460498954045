import { statSync } from 'node:fs';
import { oneLine } from '../errors/input-error.ts';
import { duration, size } from '../prose/index.ts';

/** Hears how far the reading of one model's files has come. */
export interface Reading {
  /** A file is open, which has so many bytes with what lies beside it. */
  opened(path: string, bytes: number): void;
  /** So many bytes more were read. @param layer whose; asked only where it is shown */
  read(bytes: number, layer: () => string | null): void;
}

/** A model of which progress is shown, and the files that are read of it. */
export interface ReadModel {
  readonly name: string;
  readonly files: readonly string[];
}

/** Where progress is shown. */
export interface ProgressOut {
  line(text: string): void;
  /** Puts a text in the place of the one before, '' for none, as a terminal can; null in a log, to which lines are added now and then. */
  readonly redraw: ((text: string) => void) | null;
}

export interface Progress {
  /** Of the k-th model. */
  of(k: number): Reading;
  /** Nothing more is read of the k-th model. */
  done(k: number): void;
  /** Writes a line of its own. */
  log(line: string): void;
}

/** What is done sooner is not worth a line. Milliseconds. */
const TERMINAL = { first: 1000, next: 150 } as const;
const LOG = { first: 10_000, next: 10_000 } as const;

/**
 * Shows how far the reading of models is: which model and layer, how many bytes of all, and how long it will take yet.
 * @param now milliseconds
 */
export function showProgress(
  models: readonly ReadModel[],
  out: ProgressOut,
  // performance is loaded where it is first asked for, which takes 3 ms of Node 20.
  now: () => number = () => process.uptime() * 1000,
): Progress {
  const sizes = models.map(() => new Map<string, number>());
  const read = models.map(() => 0);
  const isDone = models.map(() => false);
  const { first, next } = out.redraw === null ? LOG : TERMINAL;
  let began: number | null = null;
  let due = Number.NEGATIVE_INFINITY;
  let isShown = false;
  const erase = (): void => {
    if (isShown) out.redraw?.('');
    isShown = false;
  };
  const show = (text: string): void => {
    if (out.redraw === null) return out.line(text);
    out.redraw(text);
    isShown = true;
  };
  const draw = (k: number, layer: string | null, time: number): void => {
    due = time + (began === null ? first : next);
    if (began === null) {
      began = time;
      return;
    }
    const totals = models.map(
      ({ files }, one) => totalOf(files, sizes[one]!) ?? (isDone[one] === true ? read[one]! : null),
    );
    const done = read.map((bytes, one) =>
      isDone[one] === true ? totals[one]! : Math.min(bytes, totals[one] ?? bytes),
    );
    const amount = amountOf(totals, done, time - began);
    const model = models.length === 1 ? '' : `model ${k + 1} of ${models.length} (${oneLine(models[k]!.name)})`;
    const where = [model, layer === null ? '' : `layer ${oneLine(layer)}`].filter((part) => part !== '').join(', ');
    show(where === '' ? amount : `${where}: ${amount}`);
  };
  return {
    of: (k) => ({
      opened: (path, bytes) => void sizes[k]!.set(path, bytes),
      read(bytes, layer) {
        read[k]! += bytes;
        const time = now();
        if (time >= due) draw(k, layer(), time);
      },
    }),
    done(k) {
      isDone[k] = true;
      erase();
    },
    log(line) {
      erase();
      out.line(line);
    },
  };
}

/** Bytes that are read of one model; null where a file is not there yet. */
function totalOf(files: readonly string[], known: Map<string, number>): number | null {
  let total = 0;
  for (const path of files) {
    const bytes = known.get(path) ?? statSync(path, { throwIfNoEntry: false })?.size;
    if (bytes === undefined) return null;
    known.set(path, bytes);
    total += bytes;
  }
  return total;
}

function amountOf(totals: readonly (number | null)[], done: readonly number[], elapsedMs: number): string {
  const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);
  const bytes = sum(done);
  const known = totals.filter((total) => total !== null);
  if (known.length < totals.length || bytes === 0) return `${bytesText(bytes)} read`;
  const all = sum(known);
  const left = (elapsedMs * (all - bytes)) / bytes;
  return `${bytesText(bytes)} of ${bytesText(all)} read, about ${duration(left)} left`;
}

function bytesText(bytes: number): string {
  return `${size(bytes)}${bytes < 1e6 ? ' bytes' : 'B'}`;
}
