/** Arguments as releases before 1.3 called them (metapruner.py). */
export const FORMER_KEYS: Readonly<Record<string, string>> = {
  ch_sparsity: 'pruning_ratio',
  ch_sparsity_dict: 'pruning_ratio_dict',
  max_ch_sparsity: 'max_pruning_ratio',
};
