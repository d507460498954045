import { parentPort, workerData } from 'node:worker_threads';
import { requestOfData, type YamlFile } from '../config/index.ts';
import { InputError } from '../errors/input-error.ts';
import type { Reading } from '../process/progress.ts';
import { within } from './confine.ts';
import { type LaneMessage, type LaneOrder, type LaneTask, laneCommand } from './lane-work.ts';

/** The program of a thread that checks one model after another. What it finds is what the main thread would. */
const { command, confines, ...shared } = workerData as LaneOrder;

/** Spec files, of which models share some. */
const files = new Map<string, YamlFile>();

/** Milliseconds between two messages of how far it has come. */
const NEWS_MS = 100;

function send(message: LaneMessage): void {
  parentPort?.postMessage(message);
}

async function work({ request, host }: LaneTask): Promise<LaneMessage> {
  const log = (line: string): void => send({ kind: 'line', line });
  try {
    const checked = await within(confines, requestOfData(request, files), (one) =>
      laneCommand(command)(one, { ...host, ...shared, log, reading: reading() }),
    );
    return { kind: 'checked', checked };
  } catch (error) {
    if (!(error instanceof InputError)) return { kind: 'failed', error };
    return { kind: 'refused', message: error.message, details: error.details };
  }
}

function reading(): Reading {
  let unsaid = 0;
  let last = 0;
  return {
    opened: (path, bytes) => send({ kind: 'opened', path, bytes }),
    read(bytes, layer) {
      unsaid += bytes;
      if (performance.now() - last < NEWS_MS) return;
      send({ kind: 'read', bytes: unsaid, layer: layer() });
      unsaid = 0;
      last = performance.now();
    },
  };
}

parentPort?.on('message', (task: LaneTask) => void work(task).then(send));
