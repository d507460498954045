import { type BareConstant, bareConstants, type Network } from '../../../network/index.ts';
import { once } from '../../once.ts';
import { numbersIn } from '../../shared/weights.ts';
import type { Module } from './module-graph.ts';

/**
 * A parameter that no module of torch.nn has. Torch-Pruning prunes its last axis of more than one position, whatever that is
 * (graph.py:369), and leaves a group alone that would take all of it.
 */
export interface Parameter {
  readonly name: string;
  readonly width: number;
  /** False for what may as well be a buffer, which Torch-Pruning does not see: an export has the same for both. */
  readonly isSure: boolean;
}

/** Parameters that operations around products of matrices read: tables of relative positions. Elsewhere they follow channels. */
export function parametersOf(network: Network, around: ReadonlySet<Module>): (module: Module) => readonly Parameter[] {
  const constants = around.size === 0 ? [] : bareConstants(network);
  return once((module: Module): readonly Parameter[] => {
    if (!around.has(module)) return [];
    const own = constants.filter(({ layer }) => layer === module.layer.id);
    return own.flatMap((constant) => {
      const width = constant.tensor.dims.findLast((size) => size > 1);
      if (width === undefined || !mayBeParameter(constant)) return [];
      return [{ name: constant.name, width, isSure: constant.read === 'looked-up' || PARAMETER.test(constant.name) }];
    });
  });
}

/** What modules call their parameters, and nobody a buffer. */
const PARAMETER = /\.(weight|bias|gamma|beta)$/;

/** Frequencies are not trained, and what has two values is a mask. */
function mayBeParameter({ read, tensor }: BareConstant): boolean {
  if (read !== 'plain') return read === 'looked-up';
  const values = numbersIn(tensor);
  const distinct = new Set<number>();
  for (let k = 0; k < values.length && distinct.size <= 2; k++) distinct.add(values[k]!);
  return distinct.size > 2;
}
