import { inDense, type Kind } from '../kind.ts';
import { ATTRIBUTE_KINDS, CONSTANT_KINDS, OPERATOR_KINDS, WIRING_KINDS } from './graph.ts';
import { FOLDING_KINDS, NAMING_KINDS, REWRITING_KINDS, STORAGE_KINDS } from './harmless.ts';
import { BOTH_KINDS, INTERFACE_KINDS, RETENTION_KINDS } from './pairs.ts';
import { COLUMN_KINDS, KERNEL_KINDS, VECTOR_KINDS } from './weights.ts';

/** Every way to change a right pair that is tried, wrong ones first. */
export const KINDS: readonly Kind[] = [
  ...KERNEL_KINDS,
  ...VECTOR_KINDS,
  ...COLUMN_KINDS,
  ...WIRING_KINDS,
  ...ATTRIBUTE_KINDS,
  ...OPERATOR_KINDS,
  ...CONSTANT_KINDS,
  ...INTERFACE_KINDS,
  ...RETENTION_KINDS,
  ...NAMING_KINDS,
  ...STORAGE_KINDS,
  ...REWRITING_KINDS,
  ...REWRITING_KINDS.map(inDense),
  ...FOLDING_KINDS,
  ...BOTH_KINDS,
];
