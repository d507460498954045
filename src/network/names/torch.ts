import type { OnnxNode } from '../../onnx/index.ts';
import type { SourceName, SourceNames } from './source-name.ts';

/**
 * torch.onnx's TorchScript exporter names a node by the modules that were running (torch/csrc/jit/passes/onnx/naming.cpp):
 * `/layer1/layer1.0/conv1/Conv` is layer1.0.conv1, for a child of an nn.Sequential carries its parent's own name once more.
 */
export function isTorchName(name: string): boolean {
  return name.startsWith('/');
}

/**
 * Layers are the innermost modules, such as an nn.Linear of a MatMul and an Add, or an nn.SiLU of two operators. A module
 * that runs others, or takes channels apart or together, computes in its own forward(): each of its nodes is a layer by its
 * whole name.
 */
export function torchNames(nodes: readonly OnnxNode[]): SourceNames {
  const composed = new Set<string>();
  for (const { name, opType } of nodes) {
    const scopes = isTorchName(name) ? scopesOf(name) : [];
    const around = COMPOSING.has(opType) ? scopes.length : scopes.length - 1;
    for (let end = 1; end <= around; end++) composed.add(scopes.slice(0, end).join('/'));
  }
  const parse = (name: string): SourceName | null => {
    const scopes = isTorchName(name) ? scopesOf(name) : [];
    if (scopes.length === 0 || composed.has(scopes.join('/'))) return null;
    return { layer: moduleName(scopes), op: name.slice(name.lastIndexOf('/') + 1) };
  };
  return {
    of: ({ name }) => parse(name),
    parse,
    layoutOf: () => null,
    resolvesTargets: false,
    output: () => null,
  };
}

/** Operators that no module of torch.nn has inside it. */
const COMPOSING = new Set(['Concat', 'Split', 'Slice', 'Gather']);

/** The innermost module that a node was made in, by its name; null for any other name. */
export function moduleAround(name: string): string | null {
  const scopes = isTorchName(name) ? scopesOf(name) : [];
  return scopes.length === 0 ? null : moduleName(scopes);
}

/** The modules around a node, outermost first. */
function scopesOf(name: string): string[] {
  return name.split('/').slice(1, -1);
}

/** The module's name in state_dict(): scopes joined, but that of an nn.Sequential, which its child repeats, once. */
function moduleName(scopes: readonly string[]): string {
  return scopes.filter((scope, k) => !scopes[k + 1]?.startsWith(`${scope}.`)).join('.');
}
