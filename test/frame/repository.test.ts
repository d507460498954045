import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');

/** Every run of an action downloads its repository. What is larger than this is larger on purpose, and listed here. */
const MOST_BYTES = 1_000_000;
const LARGE_ON_PURPOSE: readonly string[] = [];
/** All files together. */
const MOST_BYTES_IN_ALL = 16_000_000;

/** Tracked files, and those that a commit would add; null outside a git checkout, as in an unpacked package. */
function filesOfRepository(): readonly string[] | null {
  try {
    const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return listed.split('\0').filter((file) => file !== '' && existsSync(join(root, file)));
  } catch {
    return null;
  }
}

const files = filesOfRepository();
const sizeOf = (file: string): number => lstatSync(join(root, file)).size;

describe.skipIf(files === null)('the repository', () => {
  it('holds no large file but those listed', () => {
    const large = files!.filter((file) => sizeOf(file) > MOST_BYTES);
    expect(large.filter((file) => !LARGE_ON_PURPOSE.includes(file))).toEqual([]);
  });

  it('stays small as a whole', () => {
    expect(files!.reduce((sum, file) => sum + sizeOf(file), 0)).toBeLessThan(MOST_BYTES_IN_ALL);
  });

  it('keeps no fixture twice', () => {
    const first = new Map<string, string>();
    const twice = files!
      .filter((file) => /^(examples|test\/fixtures)\/.*\.onnx$/.test(file))
      .flatMap((file) => {
        const hash = createHash('sha256')
          .update(readFileSync(join(root, file)))
          .digest('hex');
        const before = first.get(hash);
        first.set(hash, before ?? file);
        return before === undefined ? [] : [`${file} is ${before}`];
      });
    expect(twice).toEqual([]);
  });

  it('holds no native code', () => {
    expect(files!.filter((file) => /\.(node|so|dll|dylib|exe|wasm)(\.\d+)*$/.test(file))).toEqual([]);
  });
});

interface Locked {
  readonly resolved?: string;
  readonly integrity?: string;
  readonly hasInstallScript?: boolean;
}

describe.each(['package-lock.json', 'site/package-lock.json', 'mutation/package-lock.json'])('%s', (file) => {
  const lock: { readonly packages: Readonly<Record<string, Locked>> } = JSON.parse(
    readFileSync(join(root, file), 'utf8'),
  );
  const packages = Object.entries(lock.packages).filter(([path]) => path !== '');

  // npm leaves `resolved` out for packages of the default registry where omit-lockfile-registry-resolved is set; then whoever installs gets
  // them from their own registry, and any `resolved` left is a git repository, an archive or somebody's mirror.
  it('names no source but the default registry', () => {
    const elsewhere = packages.filter(([, { resolved }]) => resolved !== undefined);
    expect(elsewhere.map(([path, { resolved }]) => `${path}: ${resolved}`)).toEqual([]);
  });

  it('holds every package to its content', () => {
    expect(packages.filter(([, { integrity }]) => !/^sha512-/.test(integrity ?? '')).map(([path]) => path)).toEqual([]);
  });
});
