import type { LayerDraft } from './drafts.ts';
import { layerKind } from './layer-kind.ts';

/**
 * The halves of separable convolutions by the name of the source's layer: a depthwise convolution that only a pointwise one of
 * the same layer reads. keras2onnx numbers them (`sep0`, `sep1`) and names one kernel after the layer.
 */
export function separableHalves(drafts: readonly LayerDraft[]): ReadonlyMap<LayerDraft, string> {
  const halves = new Map<LayerDraft, string>();
  for (const pointwise of drafts) {
    if (pointwise.weight === null) continue;
    const depthwise = onlyInput(pointwise);
    if (depthwise === null || layerKind(depthwise).kind !== 'depthwise' || layerKind(pointwise).kind !== 'conv')
      continue;
    const name = numberedName(depthwise, pointwise) ?? sharedName(depthwise, pointwise);
    if (name === null) continue;
    halves.set(depthwise, name);
    halves.set(pointwise, name);
  }
  return halves;
}

function onlyInput({ calls }: LayerDraft): LayerDraft | null {
  let only: LayerDraft | null = null;
  for (const { externals } of calls) {
    for (const layer of externals.values()) {
      if (only !== null && layer !== only) return null;
      only = layer;
    }
  }
  return only;
}

function sharedName(depthwise: LayerDraft, pointwise: LayerDraft): string | null {
  return depthwise.sourceName === pointwise.sourceName ? depthwise.sourceName : null;
}

function numberedName(depthwise: LayerDraft, pointwise: LayerDraft): string | null {
  const scope = /^(.+)\/depthwise_kernel:0$/.exec(depthwise.weightNames[0] ?? '')?.[1];
  if (scope === undefined || /\/kernel:0$/.test(pointwise.weightNames[0] ?? '')) return null;
  // A scope may be numbered by itself, where two models were made in one process.
  const isNumbered = (layer: string): boolean =>
    [depthwise, pointwise].every(({ name }) => name.startsWith(layer) && /^\d+$/.test(name.slice(layer.length)));
  return [scope, scope.replace(/_\d+$/, '')].find(isNumbered) ?? null;
}
