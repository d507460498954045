import { OBJECT_BYTES } from './limits.ts';
import type { OnnxAttribute, OnnxGraph } from './model.ts';
import { draftTensor, finishTensor, readTensorHeader, type TensorDraft } from './tensor-header.ts';
import { charge, more, type Window } from './window.ts';
import {
  enter,
  entry,
  leave,
  readFloat,
  readInt32,
  readInt64,
  readPacked,
  readString,
  readTag,
  readText,
  saturated,
  skipField,
} from './wire.ts';

/** Reads the next field, a GraphProto, into a new draft or one begun earlier. Handed in, since graphs and attributes hold each other. */
export interface SubgraphReader<Draft> {
  readonly read: (window: Window, draft: Draft | null) => Draft;
  readonly finish: (draft: Draft) => OnnxGraph;
}

interface AttributeDraft<Draft> {
  name: string;
  type: number;
  f: number | null;
  i: number | null;
  /** undefined until it is seen, null where it is too long to keep. */
  s: string | null | undefined;
  t: TensorDraft | null;
  /** Name of an attribute of the function that the node stands in; empty for a value of its own. */
  reference: string;
  g: Draft | null;
  floats: number[] | null;
  ints: number[] | null;
  strings: string[] | null;
  /** False once a string of the list was too long to keep. */
  whole: boolean;
  graphs: OnnxGraph[] | null;
}

const OTHER: OnnxAttribute = { kind: 'other' };

const readInt = (window: Window): number => saturated(readInt64(window));

/** Reads the next field, an AttributeProto: its name and value. Values of a type that nobody here reads are 'other'. */
export function readAttribute<Draft>(
  window: Window,
  subgraph: SubgraphReader<Draft>,
): readonly [string, OnnxAttribute] {
  charge(window, OBJECT_BYTES);
  const draft: AttributeDraft<Draft> = {
    name: '',
    type: 0,
    f: null,
    i: null,
    s: undefined,
    t: null,
    reference: '',
    g: null,
    floats: null,
    ints: null,
    strings: null,
    whole: true,
    graphs: null,
  };
  const outer = enter(window);
  while (more(window)) readAttributeField(window, draft, subgraph);
  leave(window, outer);
  return [draft.name, finishAttribute(window, draft, subgraph)];
}

/** AttributeProto's fields (onnx.proto): 1 name, 2 f, 3 i, 4 s, 5 t, 6 g, 7 floats, 8 ints, 9 strings, 11 graphs, 20 type, 21 ref_attr_name. */
function readAttributeField<Draft>(
  window: Window,
  draft: AttributeDraft<Draft>,
  subgraph: SubgraphReader<Draft>,
): void {
  const tag = readTag(window);
  switch (tag) {
    case (1 << 3) | 2:
      draft.name = readString(window);
      break;
    case (2 << 3) | 5:
      draft.f = readFloat(window);
      break;
    case (3 << 3) | 0:
      draft.i = readInt(window);
      break;
    case (4 << 3) | 2:
      draft.s = readText(window);
      break;
    case (5 << 3) | 2:
      draft.t ??= draftTensor(window);
      readTensorHeader(window, draft.t);
      break;
    case (6 << 3) | 2:
      draft.g = subgraph.read(window, draft.g);
      break;
    case (7 << 3) | 5:
      draft.floats ??= [];
      draft.floats.push(entry(window, readFloat));
      break;
    case (7 << 3) | 2:
      draft.floats ??= [];
      readPacked(window, draft.floats, readFloat);
      break;
    case (8 << 3) | 0:
      draft.ints ??= [];
      draft.ints.push(entry(window, readInt));
      break;
    case (8 << 3) | 2:
      draft.ints ??= [];
      readPacked(window, draft.ints, readInt);
      break;
    case (9 << 3) | 2: {
      const text = readText(window);
      draft.strings ??= [];
      draft.whole &&= text !== null;
      if (text !== null) draft.strings.push(text);
      break;
    }
    case (11 << 3) | 2:
      draft.graphs ??= [];
      draft.graphs.push(subgraph.finish(subgraph.read(window, null)));
      break;
    case (20 << 3) | 0:
      draft.type = readInt32(window);
      break;
    case (21 << 3) | 2:
      draft.reference = readString(window);
      break;
    default:
      skipField(window, tag);
  }
}

/** AttributeProto.AttributeType. Scalars and lists that are absent have protobuf's default, which some writers leave out. */
function finishAttribute<Draft>(
  window: Window,
  draft: AttributeDraft<Draft>,
  subgraph: SubgraphReader<Draft>,
): OnnxAttribute {
  if (draft.reference !== '') return { kind: 'reference', name: draft.reference };
  switch (draft.type === 0 ? typeByContent(draft) : draft.type) {
    case 1:
      return { kind: 'float', value: draft.f ?? 0 };
    case 2:
      return { kind: 'int', value: draft.i ?? 0 };
    case 3:
      return draft.s === null ? OTHER : { kind: 'string', value: draft.s ?? '' };
    case 4:
      return draft.t === null ? OTHER : { kind: 'tensor', value: finishTensor(window, draft.t) };
    case 5:
      return draft.g === null ? OTHER : { kind: 'graph', value: subgraph.finish(draft.g) };
    case 6:
      return { kind: 'floats', value: draft.floats ?? [] };
    case 7:
      return { kind: 'ints', value: draft.ints ?? [] };
    case 8:
      return draft.whole ? { kind: 'strings', value: draft.strings ?? [] } : OTHER;
    case 10:
      return { kind: 'graphs', value: draft.graphs ?? [] };
    default:
      return OTHER;
  }
}

/** Files of IR version 1 (2017) leave `type` out; what is there tells. */
function typeByContent<Draft>(draft: AttributeDraft<Draft>): number {
  const { f, i, s, t, g, floats, ints, strings, graphs } = draft;
  const present = [f, i, s === undefined ? null : '', t, g, floats, ints, strings, null, graphs];
  return present.findIndex((value) => value !== null) + 1;
}
