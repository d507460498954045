import { InputError } from '../errors/input-error.ts';
import { plainDomain, readDefault, readNode } from './graph.ts';
import { OBJECT_BYTES } from './limits.ts';
import type { OnnxAttribute, OnnxFunction, OnnxNode } from './model.ts';
import { charge, more, type Window } from './window.ts';
import { enter, leave, readInt64, readString, readTag, saturated, skipField } from './wire.ts';

/**
 * FunctionProto: 1 name, 4 input, 5 output, 7 node, 9 opset_import, 10 domain, 11 attribute_proto, 13 overload. Nothing is
 * unfolded here, so that functions calling each other cost what they take in the file (GHSA-7w46-vvrh-m8q5).
 */
export function addFunction(window: Window, functions: Map<string, OnnxFunction>): void {
  charge(window, 4 * OBJECT_BYTES);
  const [inputs, outputs, nodes]: [string[], string[], OnnxNode[]] = [[], [], []];
  const defaults = new Map<string, OnnxAttribute>();
  const opsets = new Map<string, number>();
  let [name, domain, overload] = ['', '', ''];
  const outer = enter(window);
  while (more(window)) {
    const tag = readTag(window);
    switch (tag) {
      case (1 << 3) | 2:
        name = readString(window);
        break;
      case (4 << 3) | 2:
        inputs.push(readString(window));
        break;
      case (5 << 3) | 2:
        outputs.push(readString(window));
        break;
      case (7 << 3) | 2:
        nodes.push(readNode(window));
        break;
      case (9 << 3) | 2:
        readOpset(window, opsets);
        break;
      case (10 << 3) | 2:
        domain = readString(window);
        break;
      case (11 << 3) | 2:
        defaults.set(...readDefault(window));
        break;
      case (13 << 3) | 2:
        overload = readString(window);
        break;
      default:
        skipField(window, tag);
    }
  }
  leave(window, outer);
  const key = functionKey({ domain: plainDomain(domain), opType: name, overload });
  if (functions.has(key))
    throw new InputError('is defined twice: readers would not agree which counts', {
      file: window.source.name,
      key: `function ${key.slice(0, 120)}`,
    });
  functions.set(key, { inputs, outputs, defaults, nodes, opsets });
}

/** By what a node that calls a function finds it. */
export function functionKey({ domain, opType, overload }: Pick<OnnxNode, 'domain' | 'opType' | 'overload'>): string {
  return overload === '' ? `${domain}:${opType}` : `${domain}:${opType}:${overload}`;
}

/** OperatorSetIdProto: 1 domain, 2 version. */
export function readOpset(window: Window, opsets: Map<string, number>): void {
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
