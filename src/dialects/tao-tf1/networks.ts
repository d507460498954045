import type { Layer, Network } from '../../network/index.ts';
import { inboundOf, takesChannels } from '../tao/graph.ts';

/** A prune command of TAO TF1: what it excludes besides -el and the model's outputs, and its own defaults. */
interface Script {
  readonly excluded: readonly string[];
  readonly excludesSplits: boolean;
  readonly excludesOutputs: boolean;
  /** Default of -nf. */
  readonly minNumFilters: number;
}

const numbered = (name: string, count: number): string[] => Array.from({ length: count }, (_, k) => `${name}_${k}`);

const YOLO_HEADS = ['conv_big_object', 'conv_mid_object', 'conv_sm_object'];

/** nvidia_tao_tf1/cv/common/magnet_prune.py:167-198 */
const MAGNET: Script = {
  excluded: [
    ...['rpn_out_class', 'rpn_out_regress', 'dense_class_td', 'dense_regress_td'],
    ...numbered('ssd_conf', 6),
    ...numbered('ssd_loc', 6),
    'ssd_predictions',
    ...YOLO_HEADS,
    ...['retinanet_predictions', 'retinanet_loc_regressor', 'retinanet_conf_regressor'],
  ],
  excludesSplits: true,
  excludesOutputs: true,
  minNumFilters: 16,
};
/** cv/yolo_v4/scripts/prune.py */
const YOLO_V4: Script = { ...MAGNET, excluded: YOLO_HEADS };
/** cv/yolo_v3/scripts/prune.py */
const YOLO_V3: Script = { ...YOLO_V4, excludesSplits: false };
/** cv/efficientdet/scripts/prune.py, cv/bpnet/scripts/prune.py */
const OUTPUTS: Script = { excluded: [], excludesSplits: false, excludesOutputs: true, minNumFilters: 16 };
/** cv/unet/scripts/prune.py: its help says 16. */
const UNET: Script = { ...OUTPUTS, minNumFilters: 8 };
/** cv/mask_rcnn/scripts/prune.py */
const MASK_RCNN: Script = {
  ...OUTPUTS,
  excluded: [
    'class-predict',
    'box-predict',
    'mask_fcn_logits',
    ...['d2', 'd3', 'd4', 'd5'].map((d) => `post_hoc_${d}`),
    'p6',
  ],
};
/** The pruner called by itself. */
const NONE: Script = { ...OUTPUTS, excludesOutputs: false };

const SCRIPTS: Readonly<Record<string, Script>> = {
  detectnet_v2: MAGNET,
  faster_rcnn: MAGNET,
  retinanet: MAGNET,
  ssd: MAGNET,
  dssd: MAGNET,
  yolo_v3: YOLO_V3,
  yolo_v4: YOLO_V4,
  yolo_v4_tiny: YOLO_V4,
  classification_tf1: MAGNET,
  multitask: MAGNET,
  unet: UNET,
  efficientdet_tf1: OUTPUTS,
  bpnet: OUTPUTS,
  mask_rcnn: MASK_RCNN,
  none: NONE,
};

/** Other words for the same commands. */
const ALIASES: Readonly<Record<string, string>> = {
  efficientdet: 'efficientdet_tf1',
  multitask_classification: 'multitask',
  classification: 'classification_tf1',
  makenet: 'classification_tf1',
};

export const NETWORK_NAMES: readonly string[] = Object.keys(SCRIPTS);

/** The name under which a network is known; null for none that is. */
export function networkNamed(name: string): string | null {
  if (Object.hasOwn(SCRIPTS, name)) return name;
  return Object.hasOwn(ALIASES, name) ? ALIASES[name]! : null;
}

export function isNetwork(name: string): boolean {
  return networkNamed(name) !== null;
}

/** Whether two networks are pruned by one script. */
export function isOneScript(a: string, b: string): boolean {
  return SCRIPTS[a] === SCRIPTS[b];
}

/** One network for each script: what holds under all of them holds whichever it was. */
export const DIFFERING_NETWORKS: readonly string[] = [
  ...new Map(Object.entries(SCRIPTS).map(([name, script]) => [script, name])).values(),
];

export function defaultMinimum(name: string): number {
  return SCRIPTS[name]!.minNumFilters;
}

/** Names that a network's command excludes whatever the model is, for the report. */
export function namesExcludedBy(name: string): readonly string[] {
  const { excluded, excludesSplits, excludesOutputs } = SCRIPTS[name]!;
  return [
    ...excluded,
    ...(excludesSplits ? ['*_conv_0 before a Split'] : []),
    ...(excludesOutputs ? ["the model's outputs"] : []),
  ];
}

/**
 * The convolutions before a Split: its name without `_split_0` and with `_conv_0`. keras2onnx loses its name, so that the
 * nearest one above that ends so is meant.
 */
function beforeSplit(network: Network, split: Layer): readonly string[] {
  const own = /^(.*)_split_\d$/.exec(split.name)?.[1];
  if (own !== undefined) return [`${own}_conv_0`];
  let at: Layer | undefined = split;
  while (at !== undefined && at.weight === null) at = inboundOf(network, at)[0];
  return at?.name.endsWith('_conv_0') === true ? [at.name] : [];
}

/** Names that a network's command excludes on a model. */
export function exclusionsOf(name: string, network: Network): ReadonlySet<string> {
  const { excluded, excludesSplits, excludesOutputs } = SCRIPTS[name]!;
  return new Set([
    ...excluded,
    ...(excludesSplits
      ? network.layers.filter((layer) => takesChannels(network, layer)).flatMap((layer) => beforeSplit(network, layer))
      : []),
    ...(excludesOutputs ? network.outputs.map((output) => output.name) : []),
  ]);
}
