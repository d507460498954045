export { constantTensor } from './constant.ts';
export { bytesPerElement, isFloat } from './dtype.ts';
export { contentOf, type ModelEdits, type NewTensor, type NodeEdit, type TensorContent } from './edits.ts';
export type { ReusableBuffer } from './file.ts';
export type {
  DType,
  FieldRange,
  OnnxAttribute,
  OnnxGraph,
  OnnxModel,
  OnnxNode,
  OnnxTensor,
  OnnxValueInfo,
  TensorStorage,
} from './model.ts';
export { type OnnxFile, openModel } from './open.ts';
export { storedBytes } from './stored-bytes.ts';
export { type TensorData, toFloat32, toFloat64, toIntegers } from './values.ts';
export { modelBytes, type WrittenModel, writeModel } from './write.ts';
