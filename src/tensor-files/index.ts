export {
  bytesOfType,
  convertElements,
  type Elements,
  type ElementType,
  isElementType,
  zeroElements,
} from './elements.ts';
export { float16Of, float32Of, narrowToFloat16, widenFloat16 } from './float16.ts';
export { isNumpy, type NumpyArray, numpyArrays } from './numpy.ts';
export { isZip, unzip } from './zip.ts';
