import { nearest } from '../../../config/values.ts';
import type { Place } from '../../../errors/place.ts';
import { layerNames, type Network, weightTypes } from '../../../network/index.ts';
import { isHalf } from '../../../onnx/index.ts';
import { filterWords, joined } from '../../../prose/index.ts';
import type { Lint } from '../../types.ts';
import { widthOf } from '../cut/cutting.ts';
import type { Decision } from '../cut/decisions.ts';
import type { TorchExpected } from '../expect.ts';
import type { TorchSpec } from '../spec.ts';
import { givenNames, namesOf } from '../trace/spec-names.ts';

type Cut = Extract<Decision, { kind: 'cut' }>;

/** Remarks on a spec, each once over all layers that it concerns, likeliest mistakes first. */
export function lintTorch(network: Network, spec: TorchSpec, expectation: TorchExpected): readonly Lint[] {
  const cuts = [...expectation.decisions.byGroup.values()].filter(
    (decision): decision is Cut => decision.kind === 'cut',
  );
  return [
    ...unknownModules(expectation, spec),
    ...isomorphicAlone(spec),
    ...skipped(cuts, spec),
    ...roundedInGroups(cuts, spec),
    ...prunedOutputs(network, expectation, spec),
    ...idleMaximum(spec),
    ...nearCut(network, expectation, spec),
    ...nothingPruned(network, expectation, spec),
  ];
}

function lint(rule: string, message: string, at: Place, layers: readonly string[] = []): Lint {
  return { rule, message, at, layers };
}

/** Names that are remarked on one by one. */
const MAX_UNKNOWN = 50;

/** Names that fit no module of the graph, and so do nothing; or that fit under one prefix, and are taken so. */
function unknownModules({ dependencies, names: { scheme } }: TorchExpected, spec: TorchSpec): Lint[] {
  const names = namesOf(dependencies.modules);
  const given = givenNames(spec);
  if (scheme !== null) {
    const [first] = given;
    const how = scheme.isOfModel ? `under ${scheme.prefix} in` : `without ${scheme.prefix} in`;
    const message = `the spec's names are ${how} the dense model, and are taken so: ${first!.name} is ${scheme.resolve(first!.name)}`;
    return [lint('names-under-prefix', message, spec.at(first!.path))];
  }
  const known = layerNames(names);
  const bare = new Set(dependencies.modules.flatMap(dependencies.parameters).map(({ name }) => name));
  const unknown = given.filter(({ name, key }) => !known.has(name) && !(key === 'ignored_layers' && bare.has(name)));
  const [next, ...others] = unknown.slice(MAX_UNKNOWN);
  return [
    ...unknown.slice(0, MAX_UNKNOWN).map(({ name, path }) => {
      const meant = known.meantBy(name)[0] ?? nearest(name, names);
      const hint = meant === null ? '' : `: did you mean ${meant}?`;
      return lint('unknown-module', `${name} is no layer of the dense model${hint}`, spec.at(path), [name]);
    }),
    ...(next === undefined
      ? []
      : [
          lint(
            'unknown-module',
            `${1 + others.length} more names are of no layer of the dense model`,
            spec.at(next.path),
          ),
        ]),
  ];
}

function isomorphicAlone(spec: TorchSpec): Lint[] {
  if (!spec.isIsomorphic || spec.isGlobal) return [];
  const message =
    'isomorphic without global_pruning ranks groups of one structure together, but takes positions in that ranking for channels of each group: set global_pruning: true';
  return [lint('isomorphic-without-global', message, spec.at('isomorphic'))];
}

/** Groups that Torch-Pruning leaves alone without a word, because a layer would lose everything. */
function skipped(cuts: readonly Cut[], spec: TorchSpec): Lint[] {
  const of = (cut: Cut): string => cut.record.group.layers[0]!.layer.name;
  const all = cuts.filter(({ pruning }) => pruning.kind === 'skipped');
  const byRounding = all.filter(({ cut, record }) => spec.roundTo !== null && cut.asked < record.size);
  const byRatio = all.filter((cut) => !byRounding.includes(cut));
  const found: Lint[] = [];
  const [first] = byRatio;
  if (first !== undefined) {
    const { channels, staying } = first.count;
    const formula =
      first.scope.records.length === 1 ? ` (int(${channels} * (1 - ${first.scope.ratio})) = ${staying} stay)` : '';
    const message = `the ratio would leave nothing of ${joined(byRatio.map(of), 'others')}${formula}, so Torch-Pruning skips ${byRatio.length > 1 ? 'these groups' : 'the group'} without a word: every channel stays`;
    found.push(lint('group-skipped', message, spec.at(first.scope.specKey), byRatio.map(of)));
  }
  if (byRounding.length > 0) {
    const message = `round_to ${spec.roundTo} rounds down to nothing in ${joined(byRounding.map(of), 'others')}, so Torch-Pruning skips ${byRounding.length > 1 ? 'these groups' : 'the group'} without a word: every channel stays`;
    found.push(lint('group-skipped', message, spec.at('round_to'), byRounding.map(of)));
  }
  return found;
}

/** base_pruner.py:635 counts all channels of the layer though it ranks those of one channel group. */
function roundedInGroups(cuts: readonly Cut[], spec: TorchSpec): Lint[] {
  const { roundTo } = spec;
  const over = cuts.filter(({ record, cut }) => {
    const asked = widthOf(record) - cut.asked * record.channelGroups;
    const left = widthOf(record) - cut.pruned.length * record.channelGroups;
    return roundTo !== null && record.channelGroups > 1 && left < asked - (asked % roundTo);
  });
  const [first] = over;
  if (first === undefined) return [];
  const names = over.map(({ record: { group } }) => group.layers[0]!.layer.name);
  const { channelGroups } = first.record;
  const message = [
    `round_to ${spec.roundTo} with channel groups prunes more than the ratio: ${names[0]} ${roundedExample(first)}`,
    `(Torch-Pruning rounds all channels, then takes as many from each of ${channelGroups} groups)`,
  ].join(' ');
  return [lint('round-to-in-groups', message, spec.at('round_to'), names)];
}

function roundedExample({ record, cut, pruning }: Cut): string {
  const width = widthOf(record);
  const asked = width - cut.asked * record.channelGroups;
  const kept = width - cut.pruned.length * record.channelGroups;
  const keeps = pruning.kind === 'skipped' ? `all ${width}, because it would lose them` : `${kept} of ${width}`;
  return `keeps ${keeps} where the ratio asks for ${asked}`;
}

/** A classifier that loses classes is hardly meant. */
function prunedOutputs(network: Network, { layers }: TorchExpected, spec: TorchSpec): Lint[] {
  const names = network.outputLayers.flatMap(({ name, filters }) => {
    const kept = layers.get(name)?.expected;
    return kept != null && kept.length < filters ? [name] : [];
  });
  if (names.length === 0) return [];
  const message = `${joined(names, 'others')} makes an output of the model and is not in ignored_layers, so the output loses channels`;
  return [lint('output-pruned', message, spec.at('ignored_layers'), names)];
}

/** base_pruner.py:351 and 335: in one step it limits the ratios of pruning_ratio_dict and nothing else. */
function idleMaximum(spec: TorchSpec): Lint[] {
  if (spec.maxPruningRatio >= 1 || spec.ratios.length > 0) return [];
  const message = `max_pruning_ratio ${spec.maxPruningRatio} does nothing here: in one step it limits pruning_ratio_dict only`;
  return [lint('max-pruning-ratio-idle', message, spec.at('max_pruning_ratio'))];
}

function nearCut(network: Network, { layers, joint }: TorchExpected, spec: TorchSpec): Lint[] {
  const names = [...layers.values()].filter(({ tie, alternatives }) => tie !== null || alternatives !== null);
  if (names.length === 0) return [];
  const [first] = names;
  const which = first!.tie === null ? '' : ` (channels ${filterWords(first!.tie.candidates, 8)} of ${first!.name})`;
  const message = nearCutMessage(network, which);
  const all = [...new Set([...names.map(({ name }) => name), ...joint.flatMap((set) => set.layers)])];
  return [lint('near-cut', message, spec.at('pruning_ratio'), all)];
}

/** @param which channels, as words to put in */
function nearCutMessage(network: Network, which: string): string {
  const [than, open] = [...weightTypes(network)].some(isHalf)
    ? ['weights in half precision tell', 'hangs on digits that the dense model does not have']
    : ['float32 sums are exact', 'depends on the machine'];
  return `scores at the cut are equal, or nearer to one another than ${than}${which}: which of them stay ${open}`;
}

function nothingPruned(network: Network, { layers, refusal }: TorchExpected, spec: TorchSpec): Lint[] {
  const isWhole =
    refusal === null &&
    layers.size > 0 &&
    [...layers.values()].every(({ name, expected }) => expected?.length === network.prunable.get(name)?.filters);
  return isWhole ? [lint('nothing-pruned', 'no layer loses a channel under this spec', spec.at('pruning_ratio'))] : [];
}
