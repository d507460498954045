import type { OnnxNode } from '../../onnx/index.ts';
import type { LayerSort } from '../types.ts';
import { ACTIVATIONS } from './activations.ts';
import { ARITHMETIC } from './arithmetic.ts';
import { CONCAT } from './concat.ts';
import { CONVOLUTIONS } from './conv.ts';
import { DENSE } from './dense.ts';
import { SPACE } from './depth-to-space.ts';
import { EXPANDING } from './expand.ts';
import { GATHER } from './gather.ts';
import { GRID_SAMPLE } from './grid-sample.ts';
import { IDENTITIES } from './identity.ts';
import { NORMALIZATIONS } from './normalization.ts';
import type { Operator } from './operator.ts';
import { PADDING } from './pad.ts';
import { POOLING } from './pooling.ts';
import { QUANTIZED } from './quantized.ts';
import { RECURRENT } from './recurrent.ts';
import { REDUCTIONS } from './reductions.ts';
import { RESHAPING } from './reshape.ts';
import { RESIZING } from './resize.ts';
import { SLICE } from './slice.ts';
import { NORMALIZING } from './softmax.ts';
import { SOURCES } from './sources.ts';
import { SPLIT } from './split.ts';
import { SQUEEZING } from './squeeze.ts';
import { TILE } from './tile.ts';
import { OPERAND_DOMAIN, TRANSPOSE } from './transpose.ts';

/** Operators of ai.onnx by name. One that is not here is opaque: what depends on it cannot be verified. */
const STANDARD: ReadonlyMap<string, Operator> = new Map(
  [
    SOURCES,
    CONVOLUTIONS,
    DENSE,
    RECURRENT,
    QUANTIZED,
    NORMALIZATIONS,
    ACTIVATIONS,
    ARITHMETIC,
    NORMALIZING,
    REDUCTIONS,
    POOLING,
    RESIZING,
    PADDING,
    CONCAT,
    SLICE,
    SPLIT,
    GATHER,
    SPACE,
    GRID_SAMPLE,
    TILE,
    IDENTITIES,
    EXPANDING,
    TRANSPOSE,
    RESHAPING,
    SQUEEZING,
  ].flatMap((family) => Object.entries(family)),
);

/** Operations of source frameworks that exporters write as several nodes, by the name under which those are placed. */
const WRITTEN: ReadonlyMap<string, LayerSort> = new Map([['Unbind', 'unbind']]);

/** What a layer that an operator makes is in the source framework. */
export function sortOf(op: string): LayerSort | null {
  return WRITTEN.get(op) ?? STANDARD.get(op)?.sort ?? null;
}

/** What a node's operator does; undefined for one that is not known. */
export function operatorOf({ domain, opType }: OnnxNode): Operator | undefined {
  if (domain === OPERAND_DOMAIN) return TRANSPOSE[opType];
  return domain === '' || domain === 'ai.onnx' ? STANDARD.get(opType) : undefined;
}
