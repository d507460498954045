import { dirname, join, resolve } from 'node:path';
import {
  type Bar,
  barOf,
  type Config,
  configOf,
  defaultBar,
  isByInputs,
  loadSources,
  type ModelRequest,
  onlyStricter,
  type PolicyChange,
  type PolicyComparison,
  parseYaml,
  policyChanges,
  requestsOf,
  type Settings,
  type Sources,
  weakenings,
} from '../config/index.ts';
import { InputError } from '../errors/input-error.ts';
import { placeText } from '../errors/place.ts';
import { readStart } from '../files/index.ts';
import type { BaseFile, EventContext } from '../github/index.ts';
import { seenFrom } from './places.ts';

/** What a policy needs of the program around it. */
export interface PolicyHost {
  readonly event: EventContext | null;
  /** Where the repository was checked out. */
  readonly root: string;
  /** A file's path in the repository, with slashes; null outside of it. */
  pathInRepository(file: string): string | null;
  /** A file as it is at the base commit, by its path in the repository. */
  readBase(path: string): Promise<BaseFile>;
  /** Says what could not be looked at. */
  warn(line: string): Promise<void>;
}

/** As many as are read of the base's. */
const MAX_COMPARED_BYTES = 4 * 1024 * 1024 + 1;

/** Events whose prunegate.yml is not merged yet. */
const ABOUT_CHANGES = ['pull_request', 'pull_request_target', 'merge_group'];

/** What prunegate.yml says at the base commit. */
type BasePolicy =
  | { readonly kind: 'read'; readonly config: Config }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unknown'; readonly reason: string };

/** How a run stands to its base: null where nobody looks. */
export interface Policy {
  readonly mode: 'base' | 'report';
  readonly base: BasePolicy;
  /** Whether prunegate.yml comes with the pull request. */
  readonly isNew: boolean;
  readonly changes: readonly PolicyChange[];
}

/** What is to be done. */
export interface JudgedRequests {
  readonly requests: readonly ModelRequest[];
  readonly policy: Policy | null;
}

/**
 * The models to check, none of which is asked for less than its base commit asks.
 * @throws InputError for the first mistake in settings, prunegate.yml or a spec
 */
export async function loadUnderPolicy(settings: Settings, cwd: string, host: PolicyHost): Promise<JudgedRequests> {
  const sources = loadSources(settings, cwd);
  const known = new Map<string, Promise<BaseFile>>();
  const once: PolicyHost = {
    ...host,
    readBase(path) {
      const reading = known.get(path) ?? host.readBase(path);
      known.set(path, reading);
      return reading;
    },
  };
  const policy = await policyOf(sources, once);
  const requests = requestsUnder(sources, policy);
  if (policy === null) return { requests, policy };
  const judged = requests.map(async (request) => ({
    ...request,
    policy: await compared(request, policy, once),
    lockAtBase: await lockAtBase(request, once),
  }));
  return { requests: await Promise.all(judged), policy };
}

/**
 * Reads the policy of the base commit, and compares.
 * @returns null where the user, or the event, wants none, and where prunegate.yml is no file of the repository
 */
export async function policyOf(sources: Sources, host: PolicyHost): Promise<Policy | null> {
  const { settings, config } = sources;
  const mode = settings.policy ?? (ABOUT_CHANGES.includes(host.event?.name ?? '') ? 'base' : 'none');
  const paths = candidates(sources).map(host.pathInRepository);
  if (mode === 'none' || paths.includes(null)) return null;
  const base = await readBasePolicy(paths as readonly string[], sources, host);
  if (base.kind === 'unknown') await host.warn(base.reason);
  const isNew = base.kind === 'absent' && config.file !== null;
  return { mode, base, isNew, changes: base.kind === 'read' ? policyChanges(base.config, config, settings) : [] };
}

/** Where prunegate.yml may be at the base: where it is named or found, else under either of its names. */
function candidates({ settings, config, base }: Sources): readonly string[] {
  const found = config.file === null ? [] : [resolve(config.file.path)];
  if (settings.config !== undefined) return found;
  return [...new Set([...found, ...['prunegate.yml', 'prunegate.yaml'].map((name) => join(base, name))])];
}

async function readBasePolicy(
  paths: readonly string[],
  { settings, base }: Sources,
  host: PolicyHost,
): Promise<BasePolicy> {
  for (const path of paths) {
    const file = await host.readBase(path);
    if (file.kind === 'unknown') return file;
    if (file.kind === 'file') return decoded(file.text, path, base, settings);
  }
  return { kind: 'absent' };
}

function decoded(text: string, path: string, folder: string, settings: Settings): BasePolicy {
  try {
    const config = configOf(parseYaml(text, path), resolve(folder, dirname(path)));
    return { kind: 'read', config: isByInputs(settings) ? onlyStricter(config, settings)[0] : config };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return { kind: 'unknown', reason: `At the base commit, ${error.message}` };
  }
}

/**
 * The models to check, none of which is asked for less than the base commit asks. What the base does not say or does not tell is not asked for less than
 * by default.
 * @throws InputError as requestsOf does
 */
function requestsUnder(sources: Sources, policy: Policy | null): readonly ModelRequest[] {
  const bar = barUnder(policy, sources);
  if (policy === null || bar === null) return requestsOf(sources, null);
  const { base } = policy;
  if (base.kind === 'read') return requestsOf(sources, bar);
  const why =
    base.kind === 'absent'
      ? 'the base commit has no prunegate.yml, so that the defaults hold'
      : 'what the base commit says is not known';
  const weaker = weakenings(sources.config, sources.settings);
  return requestsOf(sources, bar).map((request) => ({
    ...request,
    notes: [
      ...request.notes,
      ...weaker.filter((change) => isOf(change, request)).map(({ at }) => `${placeText(at)} is ignored: ${why}.`),
    ],
  }));
}

/** What prunegate.yml has to ask for at least; null where nobody demands anything. What is not known demands what holds by default. */
export function barUnder(policy: Policy | null, { config }: Sources): Bar | null {
  if (policy === null || policy.mode === 'report') return null;
  return policy.base.kind === 'read' ? barOf(policy.base.config, config) : defaultBar;
}

function isOf({ key, model }: PolicyChange, { name }: ModelRequest): boolean {
  return key === 'models' || model === null || model === name;
}

/** What a model's report says of its policy. */
async function compared(request: ModelRequest, policy: Policy, host: PolicyHost): Promise<PolicyComparison> {
  const { mode, base, isNew } = policy;
  const changes = policy.changes.filter((change) => isOf(change, request));
  const has = (keys: readonly string[]): boolean => changes.some(({ key }) => keys.includes(key));
  const isKnown = base.kind !== 'unknown';
  return {
    mode,
    base: base.kind,
    commit: host.event?.baseSha ?? null,
    changes: changes.map((change) => ({ ...change, at: seenFrom(host.root, change.at) })),
    changed: {
      spec: has(SPEC_KEYS) || (await isSpecChanged(request, isKnown, host)),
      lock: has(LOCK_KEYS) || (request.lockFile === null ? false : await isChanged(request.lockFile, host)),
      policy: isKnown ? isNew || changes.some(({ key }) => ![...SPEC_KEYS, ...LOCK_KEYS].includes(key)) : null,
    },
  };
}

/** What was agreed before. One that lies outside of the repository is no pull request's to change. */
async function lockAtBase({ lockFile }: ModelRequest, host: PolicyHost): Promise<BaseFile | null> {
  const path = lockFile === null ? null : host.pathInRepository(lockFile);
  return path === null ? null : host.readBase(path);
}

const SPEC_KEYS = ['spec', 'overrides'];
const LOCK_KEYS = ['lock'];

async function isSpecChanged({ spec }: ModelRequest, isKnown: boolean, host: PolicyHost): Promise<boolean | null> {
  if (spec === null) return false;
  // One that stands in prunegate.yml has been compared with it.
  const isInline = ['models', 'spec'].includes(String(spec.sectionPath[0]));
  if (isInline) return isKnown ? false : null;
  return isChanged(spec.file, host);
}

/** Whether a file is another than at the base commit; null where that is not known, and for one outside of the repository. */
async function isChanged(file: string, host: PolicyHost): Promise<boolean | null> {
  const path = host.pathInRepository(file);
  if (path === null) return null;
  const before = await host.readBase(path);
  if (before.kind === 'unknown') return null;
  if (before.kind === 'absent') return true;
  const { bytes } = readStart(file, MAX_COMPARED_BYTES, (problem) => new InputError(problem, { file }));
  return !withoutMark(Buffer.from(before.text)).equals(withoutMark(bytes));
}

/** The mark that some editors put before UTF-8. It says nothing, and is lost where a text is decoded on the way. */
function withoutMark(bytes: Uint8Array): Buffer {
  const isMarked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).subarray(isMarked ? 3 : 0);
}
