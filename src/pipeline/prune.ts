import { join } from 'node:path';
import type { ModelRequest } from '../config/index.ts';
import { type Expectation, readSpec, type Spec } from '../dialects/index.ts';
import { InputError, oneLine } from '../errors/input-error.ts';
import { writeModel } from '../files/index.ts';
import type { Network } from '../network/index.ts';
import { allFilters, without } from '../prose/index.ts';
import { type CutModel, writeCut, zeroEdits, zerosOf } from '../surgery/index.ts';
import type { Host } from './host.ts';
import { withModels } from './models.ts';
import { RETAINED_ENTRY, type Retained, requireOwn, retainedFile, writeRetained } from './retained-file.ts';

/** What the built-in pruner wrote. */
export interface PrunedModel {
  readonly path: string;
  /** `{layer: [retained indices]}` of every prunable layer, as --reported reads it. */
  readonly retained: string;
  /** What the user should know of the cut, a line each. */
  readonly notes: readonly string[];
  /** @throws InputError where another file has taken the model's place */
  requireInPlace(): void;
}

/**
 * The built-in pruner: cuts the dense model by what the spec's pruner would retain at last.
 * @param out path of the pruned model; `retained.json` is written beside it
 * @throws InputError where the indices cannot be known or the model cannot be cut; then nothing is written
 */
export function prune(request: ModelRequest, out: string, version: string): Promise<PrunedModel> {
  const pruner = readSpec(request.spec, request.at('spec'));
  return withModels({ isHashed: false }, ({ read }) => {
    const dense = read(request.dense);
    const expectation = pruner.expect(dense, request.folding);
    return pruneAs(expectation, { dense, spec: pruner.spec, dialect: pruner.name }, out, version);
  });
}

/**
 * Prunes for a check that was given no pruned model.
 * @param temporary a folder that goes with the check, for where none is named that stays
 * @throws InputError as `prune` does
 */
export function pruneFirst(
  expectation: Expectation,
  job: PruningJob,
  { name, reportDir }: ModelRequest,
  host: Host,
  temporary: () => string,
): PrunedModel {
  const kept = reportDir ?? host.folder ?? null;
  const out = join(kept ?? temporary(), name ?? 'model', 'pruned.onnx');
  const pruned = pruneAs(expectation, job, out, host.version);
  const fate = kept === null ? ', which goes with this check; report-dir keeps it' : '';
  host.log(`no pruned model is given: the built-in pruner wrote ${oneLine(pruned.path)}${fate}`);
  for (const note of pruned.notes) host.log(oneLine(note));
  return pruned;
}

/** What is pruned, and by which rules. */
interface PruningJob {
  readonly dense: Network;
  readonly spec: Spec;
  readonly dialect: string;
}

/** The same for an expectation that is known already. */
function pruneAs(
  expectation: Expectation,
  { dense, spec, dialect }: PruningJob,
  out: string,
  version: string,
): PrunedModel {
  const retained = knownIndices(expectation, dense);
  const metadata = new Map([
    ['prunegate.version', version],
    ['prunegate.dialect', dialect],
    ['prunegate.spec', JSON.stringify(expectation.effective ?? spec.effective)],
    [RETAINED_ENTRY, JSON.stringify(retained)],
  ]);
  const list = retainedFile(out);
  requireOwn(list, retained);
  if (isZeroed(expectation, dense)) {
    const written = writeModel(dense.model, { ...zeroEdits(dense.model, zerosBy(expectation, dense)), metadata }, out);
    writeRetained(list, retained);
    const notes = [...openChoices(expectation), ZEROED];
    return { path: out, retained: list, notes, requireInPlace: written.requireInPlace };
  }
  const cut = { retained: (layer: string) => retained[layer] ?? null, asPruner: null };
  const { mixing, dealt, scales, written } = writeCut(dense, cut, metadata, (edits, accept) =>
    writeModel(dense.model, edits, out, accept),
  );
  writeRetained(list, retained);
  const cutNotes = [...mixing.map(mixingNote), ...dealt.map(dealtNote), ...scales.map(scaleNote)];
  const notes = [...openChoices(expectation), ...cutNotes];
  return { path: out, retained: list, notes, requireInPlace: written.requireInPlace };
}

function knownIndices({ refusal, layers }: Expectation, dense: Network): Retained {
  const refuse = (problem: string, key?: string): InputError =>
    new InputError(`cannot be pruned by this spec: ${problem}`, {
      file: dense.model.name,
      ...(key === undefined ? {} : { key }),
    });
  if (refusal?.always === true) throw refuse(`the real pruner raises ${refusal.message}`, refusal.layer ?? undefined);
  return Object.fromEntries(
    [...layers.values()].map(({ name, expected, assumes, reason, remedy }) => {
      if (assumes?.of === 'weights') throw refuse(`${assumes.open}. ${assumes.remedy}`, name);
      if (expected === null) throw refuse(`${reason}${remedy === null ? '' : `. ${remedy}`}`, name);
      return [name, expected];
    }),
  );
}

const ZEROED = 'filters are zeroed, not removed, as the spec has it: the file does not shrink';

/**
 * Whether all filters that go are set to zero.
 * @throws InputError for what the built-in pruner does not do: layers of both forms, compensation, and another order of filters
 */
function isZeroed({ layers }: Expectation, dense: Network): boolean {
  const pruned = [...layers.values()].filter(
    ({ name, expected }) => (expected?.length ?? 0) < (dense.prunable.get(name)?.filters ?? 0),
  );
  const zeroed = pruned.filter(({ form }) => (form?.zeroes ?? null) !== null);
  const refuse = (problem: string): InputError =>
    new InputError(`cannot be pruned here: ${problem}`, { file: dense.model.name });
  if (zeroed.length > 0 && zeroed.length < pruned.length)
    throw refuse(
      `${zeroed[0]!.name} is to be zeroed and others are to be cut, which the built-in pruner does not do in one model`,
    );
  if (pruned.length > 0 && [...layers.values()].some(({ form }) => form?.isCompensated === true))
    throw refuse('the built-in pruner adds no compensation to biases (compensation)');
  if ([...layers.values()].some(({ form }) => form?.isInOrder != null))
    throw refuse('the built-in pruner leaves filters in their order (order)');
  return zeroed.length > 0;
}

function zerosBy({ layers }: Expectation, dense: Network): ReturnType<typeof zerosOf> {
  return zerosOf(dense, (name) => {
    const { expected = null, form } = layers.get(name) ?? {};
    const zeroes = form?.zeroes ?? null;
    if (expected === null || zeroes === null) return null;
    return { filters: without(allFilters(dense.prunable.get(name)!.filters), expected), parts: zeroes };
  });
}

/** Where the real pruner could have chosen otherwise, the nominal outcome is taken. */
function openChoices({ layers }: Expectation): readonly string[] {
  const open = [...layers.values()].filter(({ tie, alternatives }) => tie !== null || alternatives !== null);
  if (open.length === 0) return [];
  const names = open.map(({ name }) => name).join(', ');
  return [`of several correct outcomes one is taken for ${names}`];
}

function mixingNote(node: string): string {
  return `${node} mixes the channels that are left without weights: it computes another thing than with zeros in the place of those that went`;
}

function dealtNote(node: string): string {
  return `${node}: its heads lose different channels, so that what is left of one stands in another, as in the real pruner's model; with the layer in num_heads they lose the same`;
}

function scaleNote({ node, value, before, after }: CutModel<unknown>['scales'][number]): string {
  return `${node} scales an attention by ${Number(value.toPrecision(6))}, which fits heads of ${before} channels, and heads of ${after} are left: it stays, so that scores are what they were without the channels that went; a model that computes it anew has another`;
}
