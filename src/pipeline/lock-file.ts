import type { ModelRequest } from '../config/index.ts';
import type { Pruner } from '../dialects/index.ts';
import { InputError } from '../errors/input-error.ts';
import { inputErrorAt } from '../errors/place.ts';
import { readWhole, sha256 } from '../files/index.ts';
import {
  compareLock,
  type Lock,
  type LockableModel,
  type LockComparison,
  lockChanges,
  MAX_LOCK_BYTES,
  parseLock,
  specDigest,
  weightsDigest,
} from '../lock/index.ts';
import type { Network } from '../network/index.ts';
import type { ReportLock } from '../report/index.ts';
import type { Evidence, LayerResult } from '../verdict/index.ts';
import type { Host } from './host.ts';
import { seenFrom } from './places.ts';

/** The lock of a check. */
interface Locking {
  /** What was agreed of the model, as a cause may name it. */
  readonly agreed: Evidence['locked'];
  standingOf(pruner: Pruner, dense: Network, layers: readonly LayerResult[]): Standing;
}

/** What a lock would say of a model now, and how that stands to the lock there is. */
interface Standing {
  readonly now: LockableModel;
  readonly held: LockComparison | null;
  readonly reported: ReportLock | null;
}

/** @throws InputError where the lock file that a request names is not there or is none */
export function lockingOf(request: ModelRequest, { root }: Host): Locking {
  const lock = readLock(request);
  return {
    agreed: lock === null ? null : agreedIn(lock, lockName(request)),
    standingOf(pruner, dense, layers) {
      const now = lockableModel(pruner, dense, layers);
      if (lock === null) return { now, held: null, reported: null };
      const held = heldAgainst(lock, now, request, root);
      return { now, held, reported: reportedLock(held, lock, request) };
    },
  };
}

function agreedIn({ file, models }: Lock, model: string): Evidence['locked'] {
  const layers = [...(models.get(model)?.layers ?? [])];
  return { file, layers: new Map(layers.map(([layer, { retained }]) => [layer, retained])) };
}

/** Models are named in a lock as in reports. */
export function lockName({ name }: Pick<ModelRequest, 'name'>): string {
  return name ?? 'model';
}

/**
 * The lock file that a request names; null for none.
 * @throws InputError where it is not there or is no lock file
 */
function readLock(request: ModelRequest): Lock | null {
  if (request.lockFile === null) return null;
  const at = request.at('lockFile');
  const { bytes } = readWhole(request.lockFile, MAX_LOCK_BYTES, (problem) => {
    const hint = problem === 'does not exist' ? ': write it with prunegate lock' : '';
    return inputErrorAt(at, `${problem}${hint}`, request.lockFile);
  });
  return parsed(new TextDecoder().decode(bytes), request.lockFile);
}

/** The locks that were parsed last, by their names: models of one prunegate.yml share one, which may have megabytes. */
const known = new Map<string, { readonly text: string; readonly lock: Lock }>();

function parsed(text: string, file: string): Lock {
  const last = known.get(file);
  if (last?.text === text) return last.lock;
  const lock = parseLock(text, file);
  known.set(file, { text, lock });
  return lock;
}

function lockableModel({ name, spec }: Pruner, dense: Network, layers: readonly LayerResult[]): LockableModel {
  return {
    dialect: name,
    spec: specDigest(name, spec.effective, sha256),
    weights: weightsDigest(dense, sha256),
    layers: layers.map(({ name: layer, filters, actual }) => ({ name: layer, filters, actual })),
  };
}

/** How a model stands to its lock, with places as reviewers see them. */
function heldAgainst(lock: Lock, now: LockableModel, request: ModelRequest, root?: string): LockComparison {
  const { siblings } = request;
  const [first] = siblings;
  const name = lockName(request);
  // Said once: by the first of the models.
  const strangers = name === first ? [...lock.models.keys()].filter((model) => !siblings.includes(model)) : [];
  const { at, ...comparison } = compareLock(lock, name, now, strangers);
  const place: LockComparison['at'] = (layer, model) => seenFrom(root ?? process.cwd(), at(layer, model));
  return { ...comparison, file: place(null).file ?? lock.file, at: place };
}

/** What a report says of a lock: how the model stands to it, and what it asks to agree to beyond the base commit's. */
function reportedLock(comparison: LockComparison, lock: Lock, request: ModelRequest): ReportLock {
  const { at: _, ...rest } = comparison;
  return { ...rest, base: baseOf(lock, request) };
}

function baseOf(lock: Lock, request: ModelRequest): ReportLock['base'] {
  const { lockAtBase: base } = request;
  if (base === null) return null;
  const asked = lock.models.get(lockName(request)) ?? null;
  if (base.kind === 'unknown') return { state: 'unknown', changes: [] };
  const before = base.kind === 'absent' ? null : modelIn(base.text, lockName(request));
  if (before === 'unreadable') return { state: 'unknown', changes: [] };
  return { state: before === null ? 'absent' : 'read', changes: lockChanges(before, asked) };
}

function modelIn(text: string, name: string) {
  try {
    return parsed(text, 'the lock at the base commit').models.get(name) ?? null;
  } catch (error) {
    if (error instanceof InputError) return 'unreadable';
    throw error;
  }
}
