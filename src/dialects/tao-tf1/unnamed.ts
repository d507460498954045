import type { Network, RetainedIndices } from '../../network/index.ts';
import { joined, sameFilters } from '../../prose/index.ts';
import { taoPruner } from '../tao/index.ts';
import type { TaoSpec } from '../tao/spec.ts';
import type { Contradiction, Expectation, LayerExpectation, Pruner } from '../types.ts';
import { readTf1Log } from './log.ts';
import { DIFFERING_NETWORKS, NETWORK_NAMES } from './networks.ts';
import { TF1_RULES } from './rules.ts';
import type { Tf1Spec } from './spec.ts';

const REMEDY = `Name the network whose prune command was run, beside the keys: network: ${NETWORK_NAMES.slice(0, 3).join(', ')}, ...`;

/** A spec that names no network: what all prune commands would retain is decided, the rest is open until it is named. */
export function unnamedPruner(name: string, spec: Tf1Spec): Pruner {
  const bound = (one: TaoSpec): Pruner => taoPruner(name, { rules: TF1_RULES, spec: one });
  return {
    ...bound(spec),
    readLog: readTf1Log,
    expect(dense, folding) {
      const specs = differingSpecs(spec, dense);
      const all = specs.map((one) => bound(one).expect(dense, folding));
      // A command that raises on the dense model did not make the pruned one.
      const running = all.filter(({ refusal }) => refusal?.always !== true);
      const [first, ...others] = running.length > 0 ? running : all.slice(0, 1);
      return { ...inCommon(first!, others, whyOpen(specs)), effective: spec.effective };
    },
  };
}

/** One spec for each way in which the commands differ on a model. */
function differingSpecs(spec: Tf1Spec, dense: Network): readonly TaoSpec[] {
  const keyOf = (one: TaoSpec): string => {
    const excluded = one.builtInExclusions(dense);
    return JSON.stringify([
      one.minNumFilters,
      dense.layers.flatMap(({ id, name }) => (excluded.has(name) ? [id] : [])),
    ]);
  };
  const specs = DIFFERING_NETWORKS.map((network) => spec.as(network));
  return [...new Map(specs.map((one) => [keyOf(one), one])).values()];
}

/** On what it depends, as a clause. */
function whyOpen(specs: readonly TaoSpec[]): string {
  const isMinimum = new Set(specs.map(({ minNumFilters }) => minNumFilters)).size > 1;
  const onDefault = isMinimum ? ' and on its default of min_num_filters' : '';
  return `depends on what the prune command excludes by itself${onDefault}: network is not named`;
}

function inCommon(first: Expectation, others: readonly Expectation[], why: string): Expectation {
  const all = [first, ...others];
  const open = new Map(
    [...first.layers].flatMap(([name, layer]): [string, LayerExpectation][] =>
      others.every((other) => isSame(layer, other.layers.get(name))) ? [] : [[name, openLayer(layer, why)]],
    ),
  );
  if (open.size === 0) return first;
  const reasonOf = (name: string): string | undefined => open.get(name)?.reason;
  return {
    ...first,
    layers: new Map([...first.layers].map(([name, layer]) => [name, open.get(name) ?? layer])),
    explainLayer(name) {
      const known = first.explainLayer(name);
      const reason = reasonOf(name);
      return known === null || reason === undefined ? known : { ...known, reason, retained: null };
    },
    explain(name, filter) {
      const reason = reasonOf(name);
      return reason === undefined
        ? first.explain(name, filter)
        : `filter ${filter}: what becomes of it is not known: ${reason}`;
    },
    keptUnder: () =>
      first.keptUnder().map(({ criterion, kept }) => ({
        criterion,
        kept: kept === null ? null : new Map([...kept].map(([name, count]) => [name, open.has(name) ? null : count])),
      })),
    certain: {
      summary: (names) => first.certain.summary(names),
      contradiction: (name, actual) =>
        open.has(name) ? byNone(name, actual(name), all) : first.certain.contradiction(name, actual),
    },
  };
}

function isSame(one: LayerExpectation, other: LayerExpectation | undefined): boolean {
  const decided = (layer: LayerExpectation | undefined): string =>
    JSON.stringify([layer?.expected, layer?.tie, layer?.alternatives]);
  return decided(one) === decided(other);
}

function openLayer(layer: LayerExpectation, why: string): LayerExpectation {
  return {
    ...layer,
    ...{ expected: null, tie: null, alternatives: null, assumes: null, rule: 'unknown', specKey: 'network' },
    reason: `what ${layer.name} keeps ${why}`,
    remedy: REMEDY,
  };
}

/** Filters that no command whatever leaves are wrong, whichever it was. */
function byNone(name: string, kept: RetainedIndices | null, all: readonly Expectation[]): Contradiction | null {
  const layers = all.flatMap(({ layers: known }) => known.get(name) ?? []);
  const isOpen = layers.some(({ expected, tie, alternatives }) => !expected || tie !== null || alternatives !== null);
  if (kept === null || isOpen || layers.some(({ expected }) => sameFilters(expected, kept))) return null;
  const counts = [...new Set(layers.map(({ expected }) => String(expected!.length)))];
  return {
    problem: "keeps filters that no network's prune command leaves",
    reason: `${name} keeps ${kept.length} filters, and no prune command of TAO TF1 leaves these (they leave ${joined(counts)})`,
    specKey: 'network',
  };
}
