import { InputError } from '../errors/input-error.ts';
import { constantTensor } from './constant.ts';
import { codeOf } from './dtype.ts';
import type { ModelEdits, NodeEdit } from './edits.ts';
import type { OnnxModel, OnnxNode } from './model.ts';
import { field, intField, type Piece, textField } from './pieces.ts';
import { dropped, rewriteFields, rewriteMessage } from './rewrite.ts';
import { mayHoldExternal, rewriteNode, rewriteSparse } from './rewrite-node.ts';
import { type ElementSink, type PlacedTensor, peekTensor, rewriteTensor, tensorContent } from './rewrite-tensor.ts';
import { rewriteValueInfo } from './rewrite-value-info.ts';
import { readEntry } from './tensor-header.ts';
import { readValueInfo } from './value-info.ts';
import { malformed, openWindow, peek, type Window } from './window.ts';

const NO_EDIT: NodeEdit = {};

/**
 * The pieces of a copy of a model with some things changed: one more pass over its header.
 * @throws InputError where the file cannot be read, or holds what cannot be carried over
 */
export function rewriteModel(model: OnnxModel, edits: ModelEdits, sink: ElementSink): Piece[] {
  const window = openWindow(model.source);
  const graph = graphRewriter(window, model, edits, sink);
  const metadata = new Map([...(edits.metadata ?? [])].sort(([a], [b]) => (a < b ? -1 : 1)));
  const content = rewriteFields(window, (tag) => {
    switch (tag) {
      case (7 << 3) | 2:
        return graph(7);
      case (14 << 3) | 2: {
        const [key] = peek(window, () => readEntry(window));
        return metadata.has(key) ? dropped(window, tag) : 'unseen';
      }
      case (20 << 3) | 2:
        // Its graphs name initializers whose shapes may change, and no reader of models for inference looks at them.
        throw new InputError('holds training information, which cannot be carried over: export it for inference', {
          file: model.name,
        });
      case (25 << 3) | 2:
        return rewriteFunction(window, sink);
      default:
        return 'unseen';
    }
  });
  const entries = [...metadata].flatMap(([key, value]) => field(14, [...textField(1, key), ...textField(2, value)]));
  return [...(content ?? [{ kind: 'copy', offset: 0, length: model.source.size } as const]), ...entries];
}

/** Rewrites the model's graph, which may lie in several fields: GraphProto's 1 node, 5 initializer, 11 input, 12 output, 13 value_info, 15 sparse_initializer. */
function graphRewriter(
  window: Window,
  { graph }: OnnxModel,
  edits: ModelEdits,
  sink: ElementSink,
): (number: number) => readonly Piece[] | null {
  const constants = constantsOf(graph.nodes, edits);
  let nodes = 0;
  let isFirst = true;
  return (number) =>
    rewriteMessage(
      window,
      number,
      (tag) => {
        switch (tag) {
          case (1 << 3) | 2: {
            const node = graph.nodes[nodes++];
            if (node === undefined) throw malformed(window, 'the file changed while it was read');
            if (edits.dropped?.nodes.has(node)) return dropped(window, tag);
            const edit = edits.nodes?.get(node);
            const constant = constants.get(node) ?? null;
            if (edit === undefined && constant === null && !mayHoldExternal(node.attributes.values())) return 'unseen';
            return rewriteNode(window, 1, contextOf(sink), edit ?? NO_EDIT, constant);
          }
          case (5 << 3) | 2:
            if (edits.dropped?.tensors.has(peekTensor(window).name)) return dropped(window, tag);
            return rewriteTensor(window, 5, sink, ({ name }) => edits.tensors?.get(name) ?? null);
          case (11 << 3) | 2:
          case (12 << 3) | 2:
            return edits.shapes === undefined ? 'unseen' : rewriteValueInfo(window, tag >>> 3, edits.shapes);
          case (13 << 3) | 2:
            if (edits.unstated?.has(peek(window, () => readValueInfo(window)).name)) return dropped(window, tag);
            return edits.shapes === undefined ? 'unseen' : rewriteValueInfo(window, 13, edits.shapes);
          case (15 << 3) | 2:
            return rewriteSparse(window, 15, sink);
          default:
            return 'unseen';
        }
      },
      () => {
        if (!isFirst) return [];
        isFirst = false;
        return additions(edits, sink);
      },
    );
}

function additions(edits: ModelEdits, sink: ElementSink): Piece[] {
  const pieces: Piece[] = [];
  for (const [name, content] of edits.added ?? []) {
    const tensor: PlacedTensor = { name, dtype: content.dtype, storage: { kind: 'none' } };
    const head = [...intField(2, codeOf(content.dtype)), ...textField(8, name)];
    for (const piece of field(5, [...head, ...tensorContent(tensor, content, sink)])) pieces.push(piece);
  }
  return pieces;
}

/** Constant nodes with new content, each with the tensor that it stands for. */
function constantsOf(nodes: readonly OnnxNode[], { tensors }: ModelEdits) {
  const constants = new Map<OnnxNode, NonNullable<Parameters<typeof rewriteNode>[4]>>();
  if (tensors === undefined) return constants;
  for (const node of nodes) {
    const content = tensors.get(node.outputs[0] ?? '');
    const tensor = content === undefined ? null : constantTensor(node);
    if (content !== undefined && tensor !== null) constants.set(node, { tensor, content });
  }
  return constants;
}

function contextOf(sink: ElementSink) {
  return { sink, subgraph: (window: Window, number: number) => rewriteSubgraph(window, number, sink) };
}

/** A graph inside a node, or the body of a function: nothing in it changes but where its tensors lie. */
function rewriteSubgraph(window: Window, number: number, sink: ElementSink): readonly Piece[] | null {
  return rewriteMessage(window, number, (tag) => {
    switch (tag) {
      case (1 << 3) | 2:
        return rewriteNode(window, 1, contextOf(sink), NO_EDIT, null);
      case (5 << 3) | 2:
        return rewriteTensor(window, 5, sink);
      case (15 << 3) | 2:
        return rewriteSparse(window, 15, sink);
      default:
        return 'unseen';
    }
  });
}

/** FunctionProto: 7 node. */
function rewriteFunction(window: Window, sink: ElementSink): readonly Piece[] | null {
  return rewriteMessage(window, 25, (tag) =>
    tag === ((7 << 3) | 2) ? rewriteNode(window, 7, contextOf(sink), NO_EDIT, null) : 'unseen',
  );
}
