import type { Layer } from '../../../network/index.ts';

/** Decides where the real pruner's choice is not determined by the model. */
export interface Choices {
  /** @returns the option to take, 0 being the nominal one */
  choose(key: string, options: number, layers: readonly Layer[]): number;
  /** Whether the layers that read this one are explored in the reverse of the nominal order. */
  isReversed(branch: Layer): boolean;
}
