import jpeg from 'jpeg-js';
import { PNG } from 'pngjs';
import type { NamedBytes } from '../bytes/index.ts';
import { InputError } from '../errors/input-error.ts';
import type { NumpyArray } from './numpy.ts';

/** An image's pixels, 0 to 1, as a batch of one with the channels first, or last. Both models see the same, so no mean is taken off. */
export const LAYOUTS = ['channels_first', 'channels_last'] as const;

/** Decoded, a picture takes four bytes a pixel: a small file may claim a huge one (CWE-409). */
const MAX_MEGAPIXELS = 64;
/** Megapixels times scans of a progressive JPEG; encoders make some ten scans. */
const MAX_SCANNED_MEGAPIXELS = 256;
/** A scan has a bit at least for the mean of each block; with chroma halved, six of them make up 256 pixels (ITU-T T.81). */
const MAX_PIXELS_PER_BYTE = 512;
/** ITU-T T.81, table B.1: start of scan. In scans 0xff is followed by a zero. */
const JPEG_SCAN = Buffer.of(0xff, 0xda);
const CHANNELS = 3;

interface Picture {
  readonly width: number;
  readonly height: number;
  /** RGBA, a byte each. */
  readonly data: Uint8Array;
}

/** Whether a file begins as PNG (RFC 2083) or JPEG (ITU-T T.81) does. */
export function isPicture(bytes: Uint8Array): boolean {
  return isPng(bytes) || (bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff);
}

/**
 * The picture in either layout of a model's input, [1, 3, height, width] or [1, height, width, 3], float32.
 * @throws InputError for one that cannot be decoded
 */
export function pictureArrays(file: NamedBytes): ReadonlyMap<string, NumpyArray> {
  const { width, height, data } = decode(file);
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

function decode({ name, bytes }: NamedBytes): Picture {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    if (!isPng(bytes)) return decodeJpeg(buffer);
    requirePlainPng(buffer);
    return PNG.sync.read(buffer);
  } catch (error) {
    throw new InputError(`is no picture that can be decoded: ${error instanceof Error ? error.message : error}`, {
      file: name,
    });
  }
}

/** Each scan of a progressive JPEG passes over all pixels again, however short it is: what can be large has few. */
function decodeJpeg(buffer: Buffer): Picture {
  let scans = 0;
  for (let at = buffer.indexOf(JPEG_SCAN); at >= 0; at = buffer.indexOf(JPEG_SCAN, at + JPEG_SCAN.length)) scans += 1;
  const maxResolutionInMP = Math.min(
    MAX_MEGAPIXELS,
    MAX_SCANNED_MEGAPIXELS / Math.max(scans, 1),
    (buffer.length * MAX_PIXELS_PER_BYTE) / 1e6,
  );
  return jpeg.decode(buffer, { useTArray: true, maxResolutionInMP });
}

/**
 * PNG's chunks: length, type, data, checksum. A second header would overrule the size that was looked at, and what an interlaced
 * picture unpacks to is not limited by the decoder.
 */
function requirePlainPng(buffer: Buffer): void {
  let headers = 0;
  for (let at = 8; at + 12 <= buffer.length; at += 12 + buffer.readUInt32BE(at)) {
    if (buffer.toString('latin1', at + 4, at + 8) !== 'IHDR' || at + 21 > buffer.length) continue;
    headers += 1;
    if (headers > 1) throw new Error('it has two headers');
    if (buffer.readUInt32BE(at + 8) * buffer.readUInt32BE(at + 12) > MAX_MEGAPIXELS * 1e6)
      throw new Error(`it has more than ${MAX_MEGAPIXELS} megapixels`);
    if (buffer[at + 20] !== 0) throw new Error('it is interlaced: save it without');
  }
}
