import { execFileSync } from 'node:child_process';
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { openModel } from '../../src/files/index.ts';
import { locationProblem } from '../../src/onnx/external-location.ts';
import { toFloat32 } from '../../src/onnx/index.ts';
import { modelWith, readOnly, refusal, type TensorInit, temporaryDirectory, withModel } from './support.ts';

const root = realpathSync(temporaryDirectory());
const posix = process.platform !== 'win32';
let outer = '';
let directory = '';
let path = '';

const SECRET = 'secret bytes that no message may show';
const WEIGHTS = new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer);

beforeEach(() => {
  outer = mkdtempSync(join(root, 'case-'));
  directory = join(outer, 'model');
  path = join(directory, 'model.onnx');
  mkdirSync(directory);
  writeFileSync(join(directory, 'weights.bin'), WEIGHTS);
  writeFileSync(join(outer, 'secret.bin'), SECRET);
});

function external(entries: Readonly<Record<string, string>>, more: TensorInit = {}): Uint8Array {
  const externalData = Object.entries(entries).map(([key, value]) => ({ key, value }));
  return modelWith({ name: 'w', dims: [2n], dataType: 1, dataLocation: 1, externalData, ...more });
}

const read = (entries: Readonly<Record<string, string>>, more: TensorInit = {}): number[] => [
  ...toFloat32(readOnly(path, external(entries, more))),
];

/** The message for a location, which must name model and tensor and nothing of another file's content. */
function refused(location: string, more: Readonly<Record<string, string>> = {}): string {
  const message = refusal(() => read({ location, ...more }));
  expect(message).toContain(`${path}: tensor w: `);
  expect(message).not.toContain('secret bytes');
  expect(message).not.toMatch(/[\n\0]/);
  return message;
}

describe('external data is read', () => {
  it('from a file beside the model or below it', () => {
    mkdirSync(join(directory, 'data'));
    writeFileSync(join(directory, 'data', 'conv::1.weight'), WEIGHTS);
    expect(read({ location: 'weights.bin' })).toEqual([1, 2]);
    expect(read({ location: './weights.bin', offset: '8' })).toEqual([3, 4]);
    expect(
      read({ location: 'weights.bin', offset: '4', length: '8', checksum: 'x', basepath: '/etc', other: '1' }),
    ).toEqual([2, 3]);
    if (posix) expect(read({ location: 'data/conv::1.weight' })).toEqual([1, 2]);
  });

  it('from a percent-encoded or dotted name, taken as it is written', () => {
    writeFileSync(join(directory, '%2e%2e%2fsecret.bin'), WEIGHTS);
    writeFileSync(join(directory, '..weights'), WEIGHTS);
    expect(read({ location: '%2e%2e%2fsecret.bin' })).toEqual([1, 2]);
    expect(read({ location: '..weights' })).toEqual([1, 2]);
  });

  it('by several tensors from one file and from several', () => {
    writeFileSync(join(directory, 'other.bin'), Float32Array.of(9));
    const tensor = (name: string, location: string, offset: string): TensorInit => ({
      name,
      dims: [1n],
      dataType: 1,
      dataLocation: 1,
      externalData: [
        { key: 'location', value: location },
        { key: 'offset', value: offset },
      ],
    });
    const content = modelWith(
      tensor('a', 'weights.bin', '0'),
      tensor('b', 'other.bin', '0'),
      tensor('c', 'weights.bin', '12'),
    );
    withModel(path, content, (file) => {
      const values = [...file.model.graph.initializers.values()].map((t) => toFloat32(t.read())[0]);
      expect(values).toEqual([1, 9, 4]);
    });
  });

  it('through a link to the model or to its directory', () => {
    if (!posix) return;
    writeFileSync(path, external({ location: 'weights.bin' }));
    symlinkSync(directory, join(outer, 'link'));
    const file = openModel(join(outer, 'link', 'model.onnx'));
    expect(file.model.graph.initializers.get('w')!.read().bytes).toHaveLength(8);
    file.close();
  });

  it.runIf(process.platform === 'linux')('and its file closed with the model', () => {
    const open = (): number => readdirSync('/proc/self/fd').length;
    const before = open();
    expect(read({ location: 'weights.bin' })).toEqual([1, 2]);
    expect(refused('missing.bin')).toContain('does not exist');
    linkSync(join(directory, 'weights.bin'), join(directory, 'twice'));
    expect(refused('weights.bin')).toContain('hard link');
    expect(open()).toBe(before);
  });

  it('not at all for a tensor without elements', () => {
    expect(read({ location: 'missing.bin' }, { dims: [0n] })).toEqual([]);
  });
});

describe('external data is refused as soon as the model is opened', () => {
  it.each([
    ['', 'is empty'],
    ['/etc/passwd', 'is an absolute path'],
    ['//server/share', 'is an absolute path'],
    ['../secret.bin', "holds a '..'"],
    ['a/../../secret.bin', "holds a '..'"],
    ['data/..', "holds a '..'"],
    ['..', "holds a '..'"],
    ['C:\\weights.bin', 'holds a backslash'],
    ['C:weights.bin', 'names a drive'],
    ['c:/weights.bin', 'names a drive'],
    ['\\\\?\\C:\\weights.bin', 'holds a backslash'],
    ['..\\secret.bin', 'holds a backslash'],
    ['weights.bin\0.txt', 'holds a NUL character'],
    ['data//weights.bin', 'holds an empty segment'],
    ['weights.bin/', 'holds an empty segment'],
    ['x'.repeat(5000), 'is too long'],
  ])('for location %j', (location, problem) => {
    writeFileSync(path, external({ location }));
    expect(refusal(() => openModel(path))).toContain(problem);
    refused(location);
  });

  it.each([
    ['offset', '-1'],
    ['offset', '1e9'],
    ['offset', '0x10'],
    ['offset', '1.0'],
    ['offset', ' 1'],
    ['offset', ''],
    ['offset', '9007199254740993'],
    ['offset', '99999999999999999999'],
    ['length', '-8'],
    ['length', '8.0'],
    ['length', '٨'],
    ['length', '0008x'],
  ])('for %s %j', (key, value) => {
    expect(refused('weights.bin', { [key]: value })).toContain(`impossible ${key}`);
  });

  it('for a length that is not the tensor’s', () => {
    expect(refused('weights.bin', { length: '12' })).toContain(
      'has 12 bytes of data, but float32 of shape [2] takes 8',
    );
  });

  it('for a key given twice, or no location', () => {
    const twice = ['weights.bin', 'other.bin'].map((value) => ({ key: 'location', value }));
    expect(refusal(() => read({}, { externalData: twice }))).toContain('two values for location');
    expect(refusal(() => read({}))).toContain('is empty');
  });

  it('for a drive, and not for a colon further in', () => {
    expect(locationProblem('C:weights.bin')).toContain('drive');
    expect(locationProblem('weights.bin:part')).toBeNull();
  });
});

describe('external data is refused when it is read', () => {
  it('for a missing file or directory', () => {
    expect(refused('missing.bin')).toContain('does not exist');
    expect(refused('missing/weights.bin')).toContain('does not exist');
    expect(refused('weights.bin/x')).toContain('does not exist');
  });

  it('for a directory', () => {
    mkdirSync(join(directory, 'data'));
    expect(refused('data')).toContain('is not a regular file');
    expect(refused('.')).toContain('is not a regular file');
  });

  it('beyond the end of the file, before anything is allocated', () => {
    expect(refused('weights.bin', { offset: '9' })).toContain('needs bytes 9 to 17 of "weights.bin", which has 16');
    expect(refused('weights.bin', { offset: '9007199254740991' })).toContain('which has 16');
    const huge = { dims: [2n ** 45n] };
    expect(refusal(() => read({ location: 'weights.bin' }, huge))).toContain('which has 16');
  });

  describe.runIf(posix)('where the file system can link', () => {
    it('for a symbolic link, inside the directory or out of it', () => {
      symlinkSync(join(outer, 'secret.bin'), join(directory, 'out.bin'));
      symlinkSync('weights.bin', join(directory, 'in.bin'));
      symlinkSync('nowhere', join(directory, 'broken.bin'));
      for (const location of ['out.bin', 'in.bin', 'broken.bin']) {
        expect(refused(location)).toContain('passes through a symbolic link: copy the file');
      }
    });

    it('for a Hugging Face cache, whose files are links into ../../blobs', () => {
      mkdirSync(join(outer, 'blobs'));
      writeFileSync(join(outer, 'blobs', 'sha'), WEIGHTS);
      symlinkSync('../blobs/sha', join(directory, 'model.onnx_data'));
      expect(refused('model.onnx_data')).toContain('copy the file (cp -L)');
    });

    it('for a directory that is a link, even to a sibling whose name begins alike', () => {
      mkdirSync(`${directory}-evil`);
      writeFileSync(join(`${directory}-evil`, 'weights.bin'), SECRET);
      symlinkSync(`${directory}-evil`, join(directory, 'data'));
      expect(refused('data/weights.bin')).toContain('symbolic link');
    });

    it('for a file with a second hard link', () => {
      linkSync(join(outer, 'secret.bin'), join(directory, 'linked.bin'));
      expect(refused('linked.bin')).toContain('has a second hard link');
    });

    it('for a FIFO, without waiting for a writer', () => {
      execFileSync('mkfifo', [join(directory, 'fifo')]);
      expect(refused('fifo')).toContain('is not a regular file');
    });
  });

  it('with the location escaped', () => {
    const message = refused('a\u001b[31m\u202e\r##[error]x.bin');
    expect(message).not.toMatch(/[\u0000-\u001f\u202e]/);
  });

  it('and leaves the model usable', () => {
    writeFileSync(path, external({ location: 'missing.bin' }));
    const file = openModel(path);
    const tensor = file.model.graph.initializers.get('w')!;
    expect(refusal(() => tensor.read())).toContain('does not exist');
    writeFileSync(join(directory, 'missing.bin'), WEIGHTS);
    expect([...toFloat32(tensor.read())]).toEqual([1, 2]);
    file.close();
    expect(existsSync(path)).toBe(true);
  });
});
