export { constantTensor, inlineTensor } from './constant.ts';
export { chunksOf, copyOf, modelBytes } from './copy.ts';
export { bytesOf, bytesPerElement, isFloat, isHalf } from './dtype.ts';
export { contentOf, type ModelEdits, type NewTensor, type NodeEdit, type TensorContent } from './edits.ts';
export { externalLocations } from './element-sinks.ts';
export { functionKey } from './function.ts';
export type {
  DType,
  OnnxAttribute,
  OnnxFunction,
  OnnxGraph,
  OnnxModel,
  OnnxNode,
  OnnxTensor,
  OnnxValueInfo,
  Tensor,
  TensorData,
} from './model.ts';
export { type Beside, type ModelSource, memoryModel } from './model-source.ts';
export { moreOutputs } from './more-outputs.ts';
export { holdsOnly, leastOf, narrowed, narrowerOf, roundedTensor, roundingTo, unitOf, waysTo } from './narrow.ts';
export type { Piece } from './pieces.ts';
export { readModel } from './read-model.ts';
export { largestTensor, storedBytes } from './stored-bytes.ts';
export { toFloat32, toFloat64, toIntegers } from './values.ts';
