import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LICENCES, unlisted } from '../../scripts/audit.mjs';

const root = join(import.meta.dirname, '../..');
const json = (path: string) => JSON.parse(readFileSync(join(root, path), 'utf8'));

/** What each table of docs/dependencies.md says of its packages: name and licence. */
const rows = readFileSync(join(root, 'docs/dependencies.md'), 'utf8')
  .split('\n## ')
  .slice(1)
  .map((section) => ({
    title: section.split('\n')[0]!,
    packages: [...section.matchAll(/^\| ([@\w/-]+) \|.*\| ([^|]+) \|[^|]*\|$/gm)]
      .map(([, name, licence]) => ({ name: name!, licence: licence! }))
      .filter(({ name }) => name !== 'Package' && name !== '---'),
  }));

describe('docs/dependencies.md', () => {
  it('lists every dependency of package.json, and none beside', () => {
    const { devDependencies } = json('package.json');
    const listed = rows.flatMap(({ packages }) => packages.map(({ name }) => name));
    expect(listed.toSorted()).toEqual(Object.keys(devDependencies).toSorted());
  });

  it('says the licence that each has', () => {
    for (const { name, licence } of rows.flatMap(({ packages }) => packages))
      expect(json(`node_modules/${name}/package.json`).license.replace(/[()]/g, ''), name).toBe(licence);
  });

  it('lets in what has one of these licences, down to the last package', () => {
    const scanning = readFileSync(join(root, '.github/workflows/code-scanning.yml'), 'utf8');
    const reviewed = /allow-licenses: (.+)$/m.exec(scanning)![1]!.split(', ');
    expect(reviewed.toSorted()).toEqual(LICENCES.toSorted());
    for (const folder of ['.', 'site', 'mutation']) expect(unlisted(folder), folder).toEqual([]);
  });

  it('says truly which are in dist/, whose licences lie beside them', () => {
    const shipped = readFileSync(join(root, 'dist/licenses.txt'), 'utf8');
    for (const { title, packages } of rows)
      for (const { name } of packages)
        expect(shipped.includes(`\n${name} `), `${name} stands under '${title}'`).toBe(title === 'In `dist/`');
  });
});
