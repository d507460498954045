import jpeg from 'jpeg-js';
import { PNG } from 'pngjs';
import { describe, expect, it } from 'vitest';
import { isPicture, pictureArrays } from '../../src/tensor-files/pictures.ts';
import { refusal } from '../onnx/support.ts';

const size = { width: 4, height: 4 };
const data = Buffer.from(Array.from({ length: 64 }, (_, k) => (k * 37) % 256));
const png = (): Buffer => Buffer.from(PNG.sync.write(Object.assign(new PNG(size), { data })));
const jpg = (): Buffer => Buffer.from(jpeg.encode({ ...size, data }, 90).data);
const arrays = (bytes: Uint8Array) => pictureArrays({ name: 'x.png', bytes });

/** Signature, then IHDR: length, type, width, height, five bytes, checksum. */
const HEADER_AT = 8;
const HEADER_BYTES = 25;

it('a picture comes in both layouts, from 0 to 1', () => {
  const both = arrays(png());
  expect(both.get('channels_first')).toMatchObject({ type: 'float32', dims: [1, 3, 4, 4] });
  // Pixel 1 is RGBA 148, 185, 222, 3.
  expect(both.get('channels_first')!.elements[16 + 1]).toBe(Math.fround(185 / 255));
  expect(both.get('channels_last')!.elements[3 + 1]).toBe(Math.fround(185 / 255));
  expect(arrays(jpg()).get('channels_last')).toMatchObject({ dims: [1, 4, 4, 3] });
  expect(isPicture(Buffer.from('GIF89a'))).toBe(false);
});

describe('a picture is refused', () => {
  it.each<[string, (bytes: Buffer) => Uint8Array, string]>([
    ['that is cut off', (bytes) => bytes.subarray(0, 40), 'x.png: is no picture that can be decoded'],
    [
      'that is interlaced, of which the decoder does not limit what it unpacks to',
      (bytes) => {
        bytes[HEADER_AT + 20] = 1;
        return bytes;
      },
      'it is interlaced',
    ],
    [
      'that claims more than 64 megapixels',
      (bytes) => {
        bytes.writeUInt32BE(65_000, HEADER_AT + 8);
        bytes.writeUInt32BE(65_000, HEADER_AT + 12);
        return bytes;
      },
      'more than 64 megapixels',
    ],
    [
      'with a second header, which the decoder would believe',
      (bytes) => {
        const header = bytes.subarray(HEADER_AT, HEADER_AT + HEADER_BYTES);
        return Buffer.concat([bytes.subarray(0, HEADER_AT), header, bytes.subarray(HEADER_AT)]);
      },
      'it has two headers',
    ],
  ])('%s', (_, change, problem) => {
    expect(refusal(() => arrays(change(png())))).toContain(problem);
  });

  /** A JPEG that says that it is larger. Start of frame (0xffc0): length, precision, height, width. */
  function enlarged(): Buffer {
    const bytes = jpg();
    const frame = bytes.indexOf(Buffer.of(0xff, 0xc0));
    bytes.writeUInt16BE(4000, frame + 5);
    bytes.writeUInt16BE(4000, frame + 7);
    return bytes;
  }

  it('that passes over its pixels too often', () => {
    const bytes = enlarged();
    const scan = bytes.subarray(bytes.indexOf(Buffer.of(0xff, 0xda)), -2);
    const many = Array.from({ length: 30 }, () => scan);
    // With bytes enough for so many pixels.
    const large = Buffer.concat([bytes.subarray(0, -2), ...many, Buffer.alloc(40_000)]);
    expect(refusal(() => arrays(large))).toContain('maxResolutionInMP limit exceeded');
  });

  it('that has more pixels than its bytes can say', () => {
    expect(refusal(() => arrays(enlarged()))).toContain('maxResolutionInMP limit exceeded');
    const blank = { width: 1000, height: 1000, data: Buffer.alloc(4_000_000, 0x80) };
    expect(arrays(jpeg.encode(blank, 1).data).get('channels_first')).toMatchObject({ dims: [1, 3, 1000, 1000] });
  });
});
