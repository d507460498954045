import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/architecture.md'), 'utf8');
const folders = readdirSync(join(root, 'src'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);
const rows = [...page.matchAll(/^\| `([a-z-]+)\/` +\|/gm)].map(([, name]) => name!);

interface Rule {
  readonly name: string;
  readonly to: { readonly path?: string | readonly string[] };
}

describe('docs/architecture.md', () => {
  it('lists the folders of src/, no more and no less', () => {
    expect([...rows].sort()).toEqual([...folders].sort());
  });

  it('lists them in the order in which they may import each other', () => {
    const { forbidden } = createRequire(import.meta.url)(join(root, '.dependency-cruiser.cjs')) as {
      forbidden: readonly Rule[];
    };
    const order = forbidden.flatMap(({ name }) => /^(.+)-imports-only-from-above$/.exec(name)?.[1] ?? []);
    expect(rows).toEqual(order.filter((folder) => folders.includes(folder)));
  });
});

describe.each(['docs/architecture.md', 'docs/adding-a-dialect.md', 'CONTRIBUTING.md'])('%s', (file) => {
  const text = readFileSync(join(root, file), 'utf8');
  const all = ['src', 'test', 'scripts', 'docs', 'schemas', 'bench'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((path) =>
      `/${folder}/${path}`.replaceAll('\\', '/'),
    ),
  );

  it('names no file that is not there', () => {
    const named = [...text.matchAll(/`([\w./-]+\.(?:ts|mjs|md|json))`/g)].map(([, path]) => path!);
    expect(named.length).toBeGreaterThan(0);
    const users = ['prunegate.yml', 'report.json', 'package.json', 'CHANGELOG.md', 'README.md', 'CONTRIBUTING.md'];
    expect(named.filter((path) => !users.includes(path) && !all.some((known) => known.endsWith(`/${path}`)))).toEqual(
      [],
    );
  });
});
