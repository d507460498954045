export { aligned, allocate, bufferBehind, bufferFor, type ReusableBuffer, reusableBuffer } from './buffer.ts';
export { type JsonLimits, measureJson } from './json.ts';
export { type ByteSource, memorySource, type NamedBytes, type ReadNamed, type Refuse } from './source.ts';
export { webAssembly } from './webassembly.ts';
