import { isFloat, type Tensor, toFloat64 } from '../onnx/index.ts';
import type { LayerDraft } from './drafts.ts';
import type { Folding } from './types.ts';

export interface FoldingEvidence {
  readonly state: Folding;
  readonly evidence: string;
}

/** What the whole model tells about how it was exported. */
export interface ExportFacts {
  readonly producer: string;
  /** Layers whose output goes straight into a BatchNorm. */
  readonly normalized: ReadonlySet<LayerDraft>;
  /** Those that have, by their names within their modules. */
  readonly twins: ReadonlyMap<string, LayerDraft>;
}

export function exportFactsOf(producer: string, normalized: ReadonlySet<LayerDraft>): ExportFacts {
  const twins = new Map([...normalized].flatMap((layer) => (layer.weight === null ? [] : [[ownName(layer), layer]])));
  return { producer, normalized, twins };
}

/**
 * Whether BatchNorm was multiplied into a layer's weights, from what exporters leave behind: tf2onnx names fused tensors
 * `<node>_weights_fused_bn` (optimizer/back_to_back_optimizer.py), the dynamo exporter adds a `<weight>_bias`
 * (onnxscript rules/common/_fuse_batchnorm.py), TorchScript renames fused weights `onnx::Conv_<n>` (eval_peephole.cpp),
 * keras2onnx calls them `<node>_W_new` (onnxconverter_common optimizer, ConvBatchNormOptimizer), onnxruntime's optimizer
 * `ConvBnFusion_W_<weight>` (core/optimizer/conv_bn_fusion.cc).
 */
export function foldingOf(layer: LayerDraft, facts: ExportFacts): FoldingEvidence {
  const names = layer.weightNames;
  const fused = names.find((name) => /_(weights|bias)_fused_bn$/.test(name));
  if (fused !== undefined) return { state: 'folded', evidence: `tf2onnx named its tensor ${fused}` };
  const renewed = names.find((name) => /_[WB]_new$/.test(name));
  if (facts.producer === 'keras2onnx' && renewed !== undefined)
    return { state: 'folded', evidence: `keras2onnx named its tensor ${renewed}` };
  const shift = facts.producer === 'tf2onnx' ? foldedShift(names) : undefined;
  if (shift !== undefined) return { state: 'folded', evidence: `tf2onnx made its bias ${shift} of a BatchNorm` };
  const dynamo = names.find((name) => /\.weight_bias$/.test(name));
  if (dynamo !== undefined) return { state: 'folded', evidence: `the exporter added the bias ${dynamo}` };
  const optimized = names.find((name) => /^Conv(Bn|Mul|Add)Fusion_/.test(name));
  if (optimized !== undefined)
    return { state: 'folded', evidence: `onnxruntime's optimizer made its tensor ${optimized}` };
  const slim = names.find(isSlim);
  if (slim !== undefined) return { state: 'folded', evidence: `onnxslim made its tensor ${slim}` };
  const merged = names.find((name) => MERGED.test(name));
  if (merged !== undefined)
    return { state: 'folded', evidence: `tf2onnx multiplied a factor into its kernel ${merged}` };
  if (facts.normalized.has(layer)) return { state: 'raw', evidence: 'a BatchNorm follows it' };
  if (!layer.hasBias) return { state: 'raw', evidence: 'it has no bias, which folding would leave' };
  return ofBiased(layer, names, facts);
}

/** What tf2onnx calls a kernel into which it multiplied a scalar behind it (optimizer/back_to_back_optimizer.py `_fuse_...`). */
export const MERGED = /\/merged_input(?:__\d+)?(?::\d+)?$/;

/** What onnxslim makes of a BatchNorm's output, and calls what it folds (onnxslim core/pattern/fusion/convbn.py). */
function isSlim(name: string): boolean {
  const last = name.slice(name.lastIndexOf('/') + 1);
  const made = last.replace(/_(?:weight|bias)$/, '');
  return made !== last && (made.includes('BatchNorm') || /getitem(?:_\d+)?$/.test(made));
}

/**
 * A bias and no BatchNorm: it may have been one. What was folded in PyTorch before the export (YOLO's `model.fuse()`, torch.ao's
 * `fuse_modules`), or by the dynamo exporter where there was a bias, has the names that it always had.
 */
function ofBiased(layer: LayerDraft, names: readonly string[], facts: ExportFacts): FoldingEvidence {
  const isConv = isConvolution(layer);
  const foreign = facts.producer === 'tf2onnx' ? names.find(isForeign) : undefined;
  if (facts.producer === 'tf2onnx' && foreign === undefined)
    return { state: 'raw', evidence: 'tf2onnx names what it folds, and this is not named so' };
  const variable = names.find((name) => /\/(?:depthwise_)?kernel:0$/.test(name));
  if (facts.producer === 'keras2onnx' && variable !== undefined)
    return { state: 'raw', evidence: 'keras2onnx renames what it folds, and its kernel kept its name' };
  const renamed = isConv ? names.find((name) => /^onnx::|^\d+$/.test(name)) : undefined;
  if (renamed !== undefined) return { state: 'folded', evidence: `its weight lost its name (${renamed})` };
  if (layer.biases.size > 0 && [...layer.biases].every(isZero))
    return { state: 'raw', evidence: 'its bias is zero, and folding would leave another' };
  // What folds BatchNorm1d: onnxscript rules/common/_fuse_batchnorm.py, torch.nn.utils.fusion.fuse_linear_bn_eval.
  if (!isConv && !layer.parts.some(({ op }) => op === 'Gemm'))
    return { state: 'raw', evidence: 'exporters fold BatchNorm into convolutions and Gemm only' };
  if (foreign !== undefined)
    return { state: 'unknown', evidence: `tf2onnx does not call a tensor ${foreign}, so another program was at it` };
  return besideOthers(layer, facts);
}

/** Where BatchNorm is left behind other layers, nothing was folded, unless theirs is the very place from which it is gone here. */
function besideOthers(layer: LayerDraft, { twins }: ExportFacts): FoldingEvidence {
  if (twins.size === 0)
    return { state: 'unknown', evidence: 'it has a bias, and no BatchNorm is left behind a convolution' };
  const twin = twins.get(ownName(layer));
  return twin === undefined
    ? { state: 'raw', evidence: 'BatchNorm is left behind other layers, and mostly all of it is folded or none' }
    : { state: 'unknown', evidence: `it has a bias and no BatchNorm, which ${twin.name} has` };
}

/** A module's name within the one that holds it: modules of one class have the same. */
function ownName({ name }: LayerDraft): string {
  return name.slice(name.lastIndexOf('.') + 1);
}

function isConvolution({ parts }: LayerDraft): boolean {
  return parts.some(({ op }) => op === 'Conv' || op === 'ConvTranspose');
}

function isZero(tensor: Tensor): boolean {
  return isFloat(tensor.dtype) && toFloat64(tensor.read()).every((value) => value === 0);
}

/** Whether a tensor of a tf2onnx model has a name that tf2onnx does not give: another program was at it. */
function isForeign(name: string): boolean {
  return !/(?:__|:)\d+$/.test(name) && name !== '';
}

/**
 * The bias of a convolution that had none, made of the BatchNorm behind it: tf2onnx's TransposeOptimizer multiplies the factor
 * of a BatchNorm that is plain arithmetic into a channels_last kernel, which keeps its name (optimizer/transpose_optimizer.py
 * `_mul_handler`, `_add_handler`).
 */
function foldedShift([kernel = '', ...others]: readonly string[]): string | undefined {
  const layer = /^(.+)\/kernel:0$/.exec(kernel)?.[1];
  return layer === undefined ? undefined : others.find((name) => !name.startsWith(`${layer}/bias`));
}
