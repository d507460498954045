import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { settle } from '../../src/files/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'prunegate-settle-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('says how large a file is before it is opened, and nothing of one that cannot be', () => {
  writeFileSync(join(folder, 'model.onnx'), new Uint8Array(1234));
  expect(settle(join(folder, 'model.onnx'))).toBe(1234);
  expect(settle(join(folder, 'no-such.onnx'))).toBe(0);
  expect(settle(join(folder, 'model.onnx', 'below.onnx'))).toBe(0);
});
