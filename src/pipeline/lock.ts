import { existsSync } from 'node:fs';
import type { ModelRequest } from '../config/index.ts';
import { InputError, oneLine } from '../errors/input-error.ts';
import { readWhole, writeWhole } from '../files/index.ts';
import { type LockedModel, lockChanges, lockedModel, lockText, MAX_LOCK_BYTES, parseLock } from '../lock/index.ts';
import { ANYBODY, REPORT_FORMATS } from '../report/index.ts';
import { differenceLine } from '../verdict/index.ts';
import type { Answer } from './answer.ts';
import { check } from './check.ts';
import type { Checked } from './checked.ts';
import { type Confines, within } from './confine.ts';
import type { Host } from './host.ts';
import { lockName } from './lock-file.ts';

/** Where a lock lies that nobody names. */
const USUAL = 'prunegate.lock.json';
/** Changed layers that are printed one by one. */
const MAX_CHANGES = 20;

export interface LockOrder {
  /** Write nothing; say whether the lock is what would be written. */
  readonly check: boolean;
  /** Lock what models keep though they do not conform. */
  readonly accept: boolean;
}

/**
 * Locks what models keep: each is checked, and what it retains is written for reviewers to agree to. Nothing is written where one does not conform.
 * @throws InputError for whatever the user can mend
 */
export async function lock(
  requests: readonly ModelRequest[],
  order: LockOrder,
  host: Host,
  confines: Confines | null,
): Promise<Answer> {
  const file = fileOf(requests);
  const { text: old, models: before } = written(file, requests, order);
  const checked: Checked[] = [];
  for (const request of requests)
    checked.push(
      await within(confines, request, (one) => check({ ...one, lockFile: null }, { ...host, isLocking: true })),
    );
  const refused = order.accept ? [] : checked.filter(({ report }) => report.verdict !== 'conforms');
  if (refused.length > 0) return refusal(refused);
  const after = new Map([...before].filter(([name]) => requests[0]?.siblings.includes(name) === true));
  for (const [k, request] of requests.entries()) {
    const { lockable } = checked[k]!;
    if (lockable !== null) after.set(lockName(request), lockedModel(lockable));
  }
  const text = lockText(after);
  const isSame = old === text;
  const said = [...summary(before, after, file, isSame, order), ...unknown(checked)];
  if (!isSame && !order.check) writeWhole(file, text);
  return { text: `${said.join('\n')}\n`, exitCode: isSame || !order.check ? 0 : 1 };
}

function fileOf(requests: readonly ModelRequest[]): string {
  const files = [...new Set(requests.map(({ lockFile }) => lockFile ?? USUAL))];
  const [file = USUAL, another] = files;
  if (another !== undefined)
    throw new InputError(`goes to several files (${files.join(', ')}): choose a model`, { key: '--model' });
  return file;
}

interface Written {
  /** null where there is no file. */
  readonly text: string | null;
  readonly models: ReadonlyMap<string, LockedModel>;
}

/** What the lock says already. One that cannot be read is written anew where nothing of it has to be kept. */
function written(file: string, requests: readonly ModelRequest[], order: LockOrder): Written {
  if (!existsSync(file)) {
    if (order.check) throw new InputError('does not exist: write it with prunegate lock', { file });
    return { text: null, models: new Map() };
  }
  const { bytes } = readWhole(file, MAX_LOCK_BYTES, (problem) => new InputError(problem, { file }));
  const text = new TextDecoder().decode(bytes);
  try {
    return { text, models: parseLock(text, file).models };
  } catch (error) {
    const isWhole = requests[0]?.siblings.length === requests.length;
    if (error instanceof InputError && isWhole && !order.check && text.includes('"lockVersion"'))
      return { text, models: new Map() };
    throw error;
  }
}

/** What is wrong with the models, as a check prints it, and how to lock them all the same. */
function refusal(refused: readonly Checked[]): Answer {
  const reports = refused.map(({ report }) => REPORT_FORMATS.text.render(report, ANYBODY).trimEnd());
  const names = refused.map(({ report }) => oneLine(report.model)).join(', ');
  const isOpen = refused.every(({ report }) => report.verdict === 'unverifiable');
  return {
    text: `${[...reports, `not locked: ${names} ${refused.length === 1 ? 'does' : 'do'} not conform (--accept locks what is kept all the same)`].join('\n\n')}\n`,
    exitCode: isOpen ? 3 : 1,
  };
}

function summary(
  before: ReadonlyMap<string, LockedModel>,
  after: ReadonlyMap<string, LockedModel>,
  file: string,
  isSame: boolean,
  { check: isChecking }: LockOrder,
): readonly string[] {
  const shownFile = oneLine(file);
  const layers = [...after.values()].reduce((n, model) => n + model.layers.size, 0);
  const size = `${after.size} ${after.size === 1 ? 'model' : 'models'}, ${layers} layers`;
  if (isSame) return [`${shownFile} is up to date: ${size}`];
  const names = [...new Set([...before.keys(), ...after.keys()])];
  return [
    `${shownFile} ${isChecking ? 'is not what would be written' : 'is written'}: ${size}`,
    ...names.flatMap((name) => changesOf(name, before.get(name) ?? null, after.get(name) ?? null)),
  ];
}

function changesOf(name: string, before: LockedModel | null, after: LockedModel | null): readonly string[] {
  if (after === null) return [`  ${oneLine(name)} is none of the models, and left out`];
  if (before === null) return [`  ${oneLine(name)} is new`];
  const changes = lockChanges(before, after);
  const facts = [
    ...(before.dialect !== after.dialect || before.spec !== after.spec ? ['the spec has changed'] : []),
    ...(before.weights !== after.weights ? ['the dense weights have changed'] : []),
  ];
  if (changes.length + facts.length === 0) return [];
  const shown = changes.slice(0, MAX_CHANGES).map((change) => `    ${oneLine(differenceLine(change))}`);
  const more = changes.length > MAX_CHANGES ? [`    ... and ${changes.length - MAX_CHANGES} more`] : [];
  return [
    `  ${oneLine(name)}: ${[...facts, changes.length === 0 ? 'no retained filter did' : `${changes.length} ${changes.length === 1 ? 'layer keeps' : 'layers keep'} other filters`].join(', ')}`,
    ...shown,
    ...more,
  ];
}

/** Layers that cannot be agreed to, for nobody knows what they keep. */
function unknown(checked: readonly Checked[]): readonly string[] {
  return checked.flatMap(({ report, lockable }) => {
    const open = (lockable?.layers ?? []).filter(({ actual }) => actual === null);
    const some = open
      .slice(0, 3)
      .map(({ name }) => name)
      .join(', ');
    return open.length === 0
      ? []
      : [
          `  ${oneLine(`${report.model}: what ${some}${open.length > 3 ? ` and ${open.length - 3} more` : ''} keep is not known, and not locked`)}`,
        ];
  });
}
