import type { OnnxNode } from '../../onnx/index.ts';
import { lazily } from '../lazily.ts';
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

/** Operators of ai.onnx by name. One that is in neither is opaque: what depends on it cannot be verified. */
const USUAL = byName([
  CONVOLUTIONS,
  DENSE,
  NORMALIZATIONS,
  ACTIVATIONS,
  ARITHMETIC,
  NORMALIZING,
  POOLING,
  PADDING,
  CONCAT,
  IDENTITIES,
  TRANSPOSE,
  RESHAPING,
  SQUEEZING,
]);
/** Those that many a network does without: a build has them loaded when a node has none of the usual ones. */
const others = lazily(() =>
  byName([
    SOURCES,
    RECURRENT,
    QUANTIZED,
    REDUCTIONS,
    RESIZING,
    SLICE,
    SPLIT,
    GATHER,
    SPACE,
    GRID_SAMPLE,
    TILE,
    EXPANDING,
  ]),
);

function standard(name: string): Operator | undefined {
  return USUAL.get(name) ?? others().get(name);
}

function byName(families: readonly Readonly<Record<string, Operator>>[]): ReadonlyMap<string, Operator> {
  return new Map(families.flatMap((family) => Object.entries(family)));
}

/** What no node is: operations of source frameworks that exporters write as several, by the name under which those are placed, and inputs. */
const WRITTEN: ReadonlyMap<string, LayerSort | null> = new Map([
  ['Unbind', 'unbind'],
  ['Input', null],
]);

/** What a layer that an operator makes is in the source framework. */
export function sortOf(op: string): LayerSort | null {
  return WRITTEN.has(op) ? WRITTEN.get(op)! : (standard(op)?.sort ?? null);
}

/** What a node's operator does; undefined for one that is not known. */
export function operatorOf({ domain, opType }: OnnxNode): Operator | undefined {
  if (domain === OPERAND_DOMAIN) return TRANSPOSE[opType];
  return domain === '' || domain === 'ai.onnx' ? standard(opType) : undefined;
}
