/** What may differ in a pruned model because its pruner does more than to cut filters out. */
export interface Allowed {
  /** Whether BatchNorm's statistics behind a layer (by its dense name) were computed again. */
  isRecalibrated(layer: string): boolean;
  /** Whether what channels that are gone still gave out is added to the layer that reads them. */
  isCompensated(layer: string): boolean;
}

export const NOTHING_ELSE: Allowed = { isRecalibrated: () => false, isCompensated: () => false };
