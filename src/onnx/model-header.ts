import { type ReusableBuffer, reusableBuffer } from '../bytes/index.ts';
import { bytesOf } from './dtype.ts';
import { addFunction, readOpset } from './function.ts';
import { finishGraph, type GraphDraft, readGraph } from './graph.ts';
import type { OnnxFunction, OnnxGraph, OnnxModel } from './model.ts';
import type { ModelSource } from './model-source.ts';
import { readEntry } from './tensor-header.ts';
import { malformed, more, openWindow } from './window.ts';
import { readInt64, readString, readTag, saturated, skipField } from './wire.ts';

/**
 * Reads a ModelProto without its tensors' elements: 1 ir_version, 2 producer_name, 3 producer_version, 7 graph,
 * 8 opset_import, 14 metadata_props, 25 functions (onnx.proto).
 *
 * @throws InputError for bytes that are not a ModelProto with a graph.
 */
export function readModelHeader(source: ModelSource): OnnxModel {
  const window = openWindow(source);
  let irVersion = 0;
  let producerName = '';
  let producerVersion = '';
  let graph: GraphDraft | null = null;
  const opsets = new Map<string, number>();
  const metadata = new Map<string, string>();
  const functions = new Map<string, OnnxFunction>();
  while (more(window)) {
    const tag = readTag(window);
    switch (tag) {
      case (1 << 3) | 0:
        irVersion = saturated(readInt64(window));
        break;
      case (2 << 3) | 2:
        producerName = readString(window);
        break;
      case (3 << 3) | 2:
        producerVersion = readString(window);
        break;
      case (7 << 3) | 2:
        graph = readGraph(window, graph);
        break;
      case (8 << 3) | 2:
        readOpset(window, opsets);
        break;
      case (14 << 3) | 2:
        metadata.set(...readEntry(window));
        break;
      case (25 << 3) | 2:
        addFunction(window, functions);
        break;
      default:
        skipField(window, tag);
    }
  }
  if (graph === null) throw malformed(window, 'there is no graph');
  const finished = finishGraph(graph);
  return {
    name: source.name,
    source,
    buffer: bufferForAll(finished, source),
    irVersion,
    producer: { name: producerName, version: producerVersion },
    opsets,
    graph: finished,
    metadata,
    functions,
  };
}

/**
 * As large as the largest tensor, so that it never grows, with room behind it for another model's and for lists of where elements lie: what
 * is computed of both is computed in one memory. No more than there is in files: a tensor may claim any size.
 */
function bufferForAll({ initializers }: OnnxGraph, { size, beside }: ModelSource): ReusableBuffer {
  let largest = 0;
  const sizes = new Map<string, number>();
  for (const { storage, dtype, elements } of initializers.values()) {
    if (storage.kind === 'raw') largest = Math.max(largest, Math.min(storage.length, size));
    if (storage.kind !== 'external') continue;
    const { location } = storage;
    const stored = sizes.get(location) ?? beside.size(location) ?? 0;
    sizes.set(location, stored);
    largest = Math.max(largest, Math.min(bytesOf(dtype, elements) ?? 0, stored));
  }
  return reusableBuffer(largest, largest + ROOM_BYTES);
}

/** Room for lists beside small tensors. */
const ROOM_BYTES = 64 * 1024;
