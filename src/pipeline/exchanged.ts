import type { ModelRequest } from '../config/index.ts';
import { inputErrorAt } from '../errors/place.ts';
import type { Network } from '../network/index.ts';
import { shellWord } from '../prose/index.ts';

/**
 * A pruner takes filters away and adds none: where layers of the same names only grew, both models stand in each other's place.
 * @throws InputError with the two the right way round
 */
export function refuseExchanged(dense: Network, pruned: Network, request: ModelRequest): void {
  if (request.pruned === null) return;
  const pairs = [...dense.prunable.values()].flatMap(({ name, filters }) => {
    const other = pruned.prunable.get(name);
    return other === undefined ? [] : [{ before: filters, after: other.filters }];
  });
  const grown = pairs.filter(({ before, after }) => after > before).length;
  if (grown === 0 || pairs.length * 2 < dense.prunable.size || pairs.some(({ before, after }) => after < before))
    return;
  const flags = `--dense ${shellWord(request.pruned)} --pruned ${shellWord(request.dense)}`;
  throw inputErrorAt(
    request.at('pruned'),
    `has more filters than the dense model in ${grown} of ${pairs.length} layers, and fewer in none: the two are exchanged; give ${flags}`,
    request.pruned,
  );
}
