import { type ReusableBuffer, reusableBuffer } from '../bytes/index.ts';
import { finishGraph, type GraphDraft, plainDomain, readGraph } from './graph.ts';
import { OBJECT_BYTES } from './limits.ts';
import type { OnnxGraph, OnnxModel } from './model.ts';
import type { ModelSource } from './model-source.ts';
import { readEntry } from './tensor-header.ts';
import { charge, malformed, more, openWindow, type Window } from './window.ts';
import { enter, leave, readInt64, readString, readTag, saturated, skipField } from './wire.ts';

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
  const functions: string[] = [];
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
        functions.push(readFunctionName(window));
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
    buffer: bufferForAll(finished, source.size),
    irVersion,
    producer: { name: producerName, version: producerVersion },
    opsets,
    graph: finished,
    metadata,
    functions,
  };
}

/** As large as the largest tensor in the file, so that it never grows. */
function bufferForAll({ initializers }: OnnxGraph, fileSize: number): ReusableBuffer {
  let largest = 0;
  for (const { storage } of initializers.values())
    if (storage.kind === 'raw') largest = Math.max(largest, storage.length);
  return reusableBuffer(Math.min(largest, fileSize));
}

/** OperatorSetIdProto: 1 domain, 2 version. */
function readOpset(window: Window, opsets: Map<string, number>): void {
  charge(window, OBJECT_BYTES);
  let domain = '';
  let version = 0;
  const outer = enter(window);
  while (more(window)) {
    const tag = readTag(window);
    if (tag === ((1 << 3) | 2)) domain = readString(window);
    else if (tag === ((2 << 3) | 0)) version = saturated(readInt64(window));
    else skipField(window, tag);
  }
  leave(window, outer);
  opsets.set(plainDomain(domain), version);
}

/** FunctionProto: 1 name, 10 domain. Its nodes are passed over, so that functions calling each other cost nothing (GHSA-7w46-vvrh-m8q5). */
function readFunctionName(window: Window): string {
  charge(window, OBJECT_BYTES);
  let domain = '';
  let name = '';
  const outer = enter(window);
  while (more(window)) {
    const tag = readTag(window);
    if (tag === ((1 << 3) | 2)) name = readString(window);
    else if (tag === ((10 << 3) | 2)) domain = readString(window);
    else skipField(window, tag);
  }
  leave(window, outer);
  return `${plainDomain(domain)}:${name}`;
}
