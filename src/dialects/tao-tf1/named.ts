import type { Network } from '../../network/index.ts';
import { joined } from '../../prose/index.ts';
import { taoPruner } from '../tao/index.ts';
import { excludedNames } from '../tao/spec.ts';
import type { Expectation, Lint, Pruner } from '../types.ts';
import { readTf1Log } from './log.ts';
import { exclusionsOf, NETWORK_NAMES } from './networks.ts';
import { TF1_RULES } from './rules.ts';
import type { Tf1Spec } from './spec.ts';

/** The pruner as a network's prune command runs it. */
export function namedPruner(name: string, spec: Tf1Spec & { readonly network: string }): Pruner {
  const pruner = taoPruner(name, { rules: TF1_RULES, spec });
  return {
    ...pruner,
    readLog: readTf1Log,
    expect(dense, folding) {
      const expectation = pruner.expect(dense, folding);
      return {
        ...expectation,
        effective: { ...spec.effective, built_in_exclusions: [...spec.builtInExclusions(dense)] },
        lint: (prunedFile) => [...forgottenHeads(spec, dense, expectation), ...expectation.lint(prunedFile)],
      };
    },
  };
}

/** Layers that lose filters, or make the pruner raise, though another network's command would have excluded them. */
function forgottenHeads(
  spec: Tf1Spec & { readonly network: string },
  dense: Network,
  { layers, refusal }: Expectation,
): readonly Lint[] {
  const excluded = excludedNames(dense, spec);
  const byNetwork = NETWORK_NAMES.map((name) => ({ name, names: exclusionsOf(name, dense) }));
  const forgotten = [...dense.prunable.values()].flatMap(({ name, filters }) => {
    const isHead = !excluded.has(name) && byNetwork.some(({ names }) => names.has(name));
    return isHead && (refusal !== null || layers.get(name)?.expected?.length !== filters) ? [name] : [];
  });
  const [first] = forgotten;
  if (first === undefined) return [];
  const allKnow = byNetwork.filter(({ names }) => forgotten.every((name) => names.has(name)));
  const meant = (allKnow.length > 0 ? allKnow : byNetwork.filter(({ names }) => names.has(first))).map(
    ({ name }) => name,
  );
  const own = spec.network === 'none' ? 'network: none excludes nothing' : `that of network: ${spec.network} does not`;
  const whose = meant.length <= 3 ? meant.join(' or ') : `${meant.slice(0, 2).join(', ')} and others`;
  return [
    {
      rule: 'head-not-excluded',
      message: `the prune command of ${whose} excludes ${joined(forgotten)}, ${own}: is the network right?`,
      at: spec.at('network'),
      layers: forgotten,
    },
  ];
}
