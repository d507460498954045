/** The bytes of numpy.save. */
export function npy(descr: string, shape: string, elements: ArrayBufferView, order = 'False', version = 1): Buffer {
  const header = `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${shape}, }`;
  const length = version === 1 ? 2 : 4;
  const padded = `${header.padEnd(Math.ceil((header.length + 9 + length) / 64) * 64 - 9 - length)}\n`;
  const size = Buffer.alloc(length);
  size.writeUIntLE(padded.length, 0, length);
  const data = Buffer.from(elements.buffer, elements.byteOffset, elements.byteLength);
  return Buffer.concat([
    Buffer.from([0x93]),
    Buffer.from('NUMPY'),
    Buffer.from([version, 0]),
    size,
    Buffer.from(padded, 'latin1'),
    data,
  ]);
}
