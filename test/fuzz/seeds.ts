import { readFileSync } from 'node:fs';
import { zipSync } from 'fflate';
import jpeg from 'jpeg-js';
import { PNG } from 'pngjs';
import { FAMILIES } from '../support/large-models.ts';
import { writeModel } from '../support/onnx-builder.ts';
import { npy } from '../tensor-files/npy.ts';

/** Small models of every kind that grows: most of their bytes are structure. */
export const MODELS: readonly Uint8Array[] = Object.values(FAMILIES).map(
  (graph) => new Uint8Array(readFileSync(writeModel(graph(3)))),
);

export const ZIP = new Uint8Array(
  zipSync({
    'conv1.npy': npy('<f4', '(3,)', Float32Array.of(1, 2, 3)),
    'x.npy': [npy('<f8', '(2,)', Float64Array.of(1, 2)), { level: 0 }],
  }),
);
export const NPY = new Uint8Array(npy('<f4', '(3,)', Float32Array.of(1, 2, 3)));

const size = { width: 8, height: 4 };
const pixels = Buffer.alloc(4 * size.width * size.height, 0x5a);
export const PICTURES: readonly Uint8Array[] = [
  new Uint8Array(PNG.sync.write(Object.assign(new PNG(size), { data: pixels }))),
  new Uint8Array(jpeg.encode({ ...size, data: pixels }, 50).data),
];
