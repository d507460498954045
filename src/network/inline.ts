import { InputError } from '../errors/input-error.ts';
import type { OnnxAttribute, OnnxFunction, OnnxModel, OnnxNode } from '../onnx/index.ts';
import { functionKey } from '../onnx/index.ts';
import { isFused, unfused } from './operators/fused.ts';

/** Nodes that all calls of functions may unfold to, and calls inside one another (CWE-409: functions that each call one twice). */
const MAX_UNFOLDED_NODES = 2 ** 16;
const MAX_DEPTH = 32;

/** Nodes of a model with the bodies of its functions in the place of their calls. */
export interface Inlined {
  readonly nodes: readonly OnnxNode[];
  /** Those that stand in a function: they are not nodes of the file's graph. */
  readonly inner: ReadonlySet<OnnxNode>;
}

/**
 * Unfolds calls of model-local functions, and operators of onnxruntime that stand for several. Tensors of a body get names of
 * their own, behind the call's first output; a body of one node takes the call's name. A function of another version of ai.onnx
 * than the model's, and one with graphs inside its nodes, stays a call, which is not understood.
 * @throws InputError for functions that unfold to too much, or call themselves
 */
export function inlineFunctions(model: OnnxModel): Inlined {
  const { graph, functions } = model;
  if (functions.size === 0 && !graph.nodes.some(isFused)) return { nodes: graph.nodes, inner: new Set() };
  const inner = new Set<OnnxNode>();
  const nodes: OnnxNode[] = [];
  let calls = 0;
  /** What is left to do, the next one last. */
  const open = graph.nodes.toReversed().map((node) => ({ node, depth: 0 }));
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { node, depth } = next;
    const body = bodyFor(model, node, `${node.outputs.find((name) => name !== '') ?? node.name}@${calls}`);
    if (body === null) {
      nodes.push(node);
      if (depth > 0) inner.add(node);
      continue;
    }
    calls++;
    const isTooMuch = inner.size + open.length + body.length > Math.max(MAX_UNFOLDED_NODES, 2 * graph.nodes.length);
    if (depth === MAX_DEPTH || isTooMuch)
      throw new InputError('its functions unfold to more nodes than are read, or call themselves', {
        file: model.name,
        key: functionKey(node).slice(0, 120),
      });
    for (const one of body.toReversed()) open.push({ node: one, depth: depth + 1 });
  }
  return { nodes, inner };
}

/** @param prefix of the names of its tensors; null for a node that is no call, or is not unfolded */
function bodyFor(model: OnnxModel, node: OnnxNode, prefix: string): readonly OnnxNode[] | null {
  const called = model.functions.get(functionKey(node));
  if (called === undefined) return unfused(node, prefix);
  return isInlined(model, called) ? bodyOf(node, called, prefix) : null;
}

/** Graphs inside a body's nodes read its tensors by names that are not theirs once it is unfolded. */
function isInlined({ opsets }: OnnxModel, called: OnnxFunction): boolean {
  const version = called.opsets.get('');
  const hasGraphs = called.nodes.some(({ attributes }) =>
    [...attributes.values()].some(({ kind }) => /^graphs?$/.test(kind)),
  );
  return !hasGraphs && (version === undefined || version === opsets.get(''));
}

function bodyOf(call: OnnxNode, { inputs, outputs, nodes, defaults }: OnnxFunction, prefix: string): OnnxNode[] {
  const names = new Map<string, string>();
  for (const [k, name] of inputs.entries()) names.set(name, call.inputs[k] ?? '');
  for (const [k, name] of outputs.entries()) {
    const outer = call.outputs[k] ?? '';
    if (outer !== '') names.set(name, outer);
  }
  const renamed = (name: string): string => (name === '' ? '' : (names.get(name) ?? `${prefix}/${name}`));
  const body = nodes.map(
    (node): OnnxNode => ({
      ...node,
      name: nodes.length === 1 || node.name === '' ? call.name : `${call.name}/${node.name}`,
      inputs: node.inputs.map(renamed),
      outputs: node.outputs.map(renamed),
      attributes: new Map([...node.attributes].flatMap(([name, value]) => valueIn(call, defaults, name, value))),
    }),
  );
  return [...passedThrough(call, inputs, outputs), ...body];
}

/** A reference takes the call's value, or the function's own default; without either the attribute is left out. */
function valueIn(
  call: OnnxNode,
  defaults: OnnxFunction['defaults'],
  name: string,
  value: OnnxAttribute,
): [string, OnnxAttribute][] {
  if (value.kind !== 'reference') return [[name, value]];
  const given = call.attributes.get(value.name) ?? defaults.get(value.name);
  return given === undefined ? [] : [[name, given]];
}

/** An output that is an input: renaming alone would leave nobody who makes it. */
function passedThrough(call: OnnxNode, inputs: readonly string[], outputs: readonly string[]): OnnxNode[] {
  return outputs.flatMap((name, k) => {
    const at = inputs.indexOf(name);
    const [from = '', to = ''] = [call.inputs[at], call.outputs[k]];
    if (at < 0 || from === '' || to === '') return [];
    return [
      { ...call, domain: '', opType: 'Identity', overload: '', inputs: [from], outputs: [to], attributes: new Map() },
    ];
  });
}
