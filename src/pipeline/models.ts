import { rmSync } from 'node:fs';
import type { ModelRequest } from '../config/index.ts';
import { InputError } from '../errors/input-error.ts';
import { inputErrorAt } from '../errors/place.ts';
import { type ModelFile, makeTemporaryFolder, type OnRead, openModel, settle } from '../files/index.ts';
import { type Network, readNetwork, sizeOf } from '../network/index.ts';
import { storedBytes } from '../onnx/index.ts';
import { keepGarbageLow } from '../process/garbage.ts';
import { type FoldedReference, foldedReference } from '../recovery/index.ts';
import type { ModelSize } from '../verdict/index.ts';
import type { Host } from './host.ts';
import { layerPlaces } from './layer-places.ts';

/** Bytes from which on a model is large: what streams through then is more than the program. */
const LARGE = 24 * 1024 * 1024;

/** Between so many operators a graph leaves much garbage, however small its weights are; of a larger one most stays, and collecting only costs time. */
const [MANY, TOO_MANY] = [400, 4000];

/** Models that stay open, and a folder that stays, while something is done with them. */
export interface Workplace {
  /** @throws InputError for a model of whose weights none can be read */
  read(path: string): Network;
  /** The same for a model that a check judges: weights that nobody can read make it unverifiable, which says more. */
  readJudged(path: string): Network;
  /** A folder for what is made on the way; made when it is first asked for. */
  temporary(): string;
}

/** What reading models needs of the program around it. */
type ReadingHost = Pick<Host, 'isHashed' | 'reading'>;

/**
 * Does something with models; closes them and removes the temporary folder whatever happens.
 */
export async function withModels<T>(
  { isHashed, reading }: ReadingHost,
  work: (workplace: Workplace) => T | Promise<T>,
): Promise<T> {
  const opened: ModelFile[] = [];
  let folder: string | null = null;
  const readJudged = (path: string): Network => {
    // Before anything is read of it, since the space of young objects does not shrink again.
    if (settle(path) > LARGE) keepGarbageLow();
    let layerAt: ReturnType<typeof layerPlaces> = () => null;
    const onRead: OnRead = (location, position, length) => reading?.read(length, () => layerAt(location, position));
    const file = openModel(path, { onRead: reading === undefined ? null : onRead, isHashed });
    opened.push(file);
    const bytes = storedBytes(file.model);
    const operators = file.model.graph.nodes.length;
    // Known only now: weights may lie beside it, and its operators are counted.
    if (bytes > LARGE || (operators > MANY && operators < TOO_MANY)) keepGarbageLow();
    reading?.opened(path, bytes);
    const network = readNetwork(file.model);
    layerAt = layerPlaces(network);
    return network;
  };
  try {
    const result = await work({
      read: (path) => withLayers(readJudged(path)),
      readJudged,
      temporary() {
        folder ??= makeTemporaryFolder();
        return folder;
      },
    });
    // What was checked, executed and hashed is one and the same, or nothing was judged.
    for (const file of opened) file.requireUnchanged();
    return result;
  } finally {
    for (const file of opened) file.close();
    if (folder !== null) rmSync(folder, { recursive: true, force: true });
  }
}

function withLayers(network: Network): Network {
  if (network.prunable.size > 0) return network;
  const operators = [...new Set(network.unseen.map(({ op }) => op))].join(', ');
  const problem = `none of its weights can be read, which belong to ${operators}: give the model as it was exported, before an optimizer of a runtime rewrites it`;
  throw new InputError(problem, { file: network.model.name });
}

/** @throws InputError where no pruned model is named */
export function prunedPath(request: ModelRequest): string {
  if (request.pruned === null) throw inputErrorAt(request.at('pruned'), 'is required: name the pruned model');
  return request.pruned;
}

/**
 * The folded export of the dense model.
 * @throws InputError unless it is sure to be the same model
 */
export function foldedExport(dense: Network, folded: Network, request: ModelRequest): FoldedReference {
  const reference = foldedReference(dense, folded);
  if (!('difference' in reference)) return reference;
  throw inputErrorAt(
    request.at('denseFolded'),
    `is not the dense model with BatchNorm folded: ${reference.difference}`,
    request.denseFolded,
  );
}

export function modelSize(network: Network): ModelSize {
  return { ...sizeOf(network), bytes: storedBytes(network.model) };
}
