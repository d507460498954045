import jpeg from 'jpeg-js';
import { PNG } from 'pngjs';
import { InputError } from '../errors/input-error.ts';
import type { NumpyArray } from './values.ts';

/** An image's pixels, 0 to 1, as a batch of one with the channels first, or last. Both models see the same, so no mean is taken off. */
export const LAYOUTS = ['channels_first', 'channels_last'] as const;

/** Decoded, a picture takes four bytes a pixel: a small file may claim a huge one (CWE-409). */
const MAX_MEGAPIXELS = 64;
const CHANNELS = 3;

interface Picture {
  readonly width: number;
  readonly height: number;
  /** RGBA, a byte each. */
  readonly data: Uint8Array;
}

/** Whether a file begins as PNG (RFC 2083) or JPEG (ITU-T T.81) does. */
export function isImage(bytes: Uint8Array): boolean {
  return isPng(bytes) || (bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff);
}

/**
 * The picture in either layout of a model's input, [1, 3, height, width] or [1, height, width, 3], float32.
 * @throws InputError for one that cannot be decoded
 */
export function imageArrays(path: string, bytes: Uint8Array): ReadonlyMap<string, NumpyArray> {
  const { width, height, data } = decode(path, bytes);
  const pixels = width * height;
  const first = new Float32Array(CHANNELS * pixels);
  const last = new Float32Array(CHANNELS * pixels);
  for (let pixel = 0; pixel < pixels; pixel++) {
    for (let channel = 0; channel < CHANNELS; channel++) {
      const value = data[4 * pixel + channel]! / 255;
      first[channel * pixels + pixel] = value;
      last[CHANNELS * pixel + channel] = value;
    }
  }
  const [channelsFirst, channelsLast] = LAYOUTS;
  return new Map([
    [channelsFirst, { type: 'float32', dims: [1, CHANNELS, height, width], elements: first }],
    [channelsLast, { type: 'float32', dims: [1, height, width, CHANNELS], elements: last }],
  ]);
}

function isPng(bytes: Uint8Array): boolean {
  return bytes[0] === 0x89 && bytes[1] === 0x50 && bytes[2] === 0x4e && bytes[3] === 0x47;
}

function decode(path: string, bytes: Uint8Array): Picture {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    if (!isPng(bytes)) return jpeg.decode(buffer, { useTArray: true, maxResolutionInMP: MAX_MEGAPIXELS });
    // IHDR comes first: width and height at bytes 16 and 20.
    if (buffer.length >= 24 && buffer.readUInt32BE(16) * buffer.readUInt32BE(20) > MAX_MEGAPIXELS * 1e6)
      throw new Error(`it has more than ${MAX_MEGAPIXELS} megapixels`);
    return PNG.sync.read(buffer);
  } catch (error) {
    throw new InputError(`is no picture that can be decoded: ${error instanceof Error ? error.message : error}`, {
      file: path,
    });
  }
}
