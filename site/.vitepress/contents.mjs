// The pages of the site, in reading order: those named here, and under 'More' whatever else lies in docs/. A page's title is its first heading.
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

export const ROOT = join(import.meta.dirname, '../..');
export const REPOSITORY = 'https://github.com/prunegate/prunegate';

const ORDER = {
  Start: [
    'README.md',
    'docs/which-dialect.md',
    'docs/pytorch.md',
    'docs/exporting.md',
    'docs/workflows.md',
    'docs/other-ci.md',
    'docs/action.md',
    'docs/command-line.md',
    'docs/execution.md',
    'docs/report.md',
    'docs/limits.md',
    'docs/coverage.md',
  ],
  Understand: ['docs/three-filters.md', 'docs/how-it-decides.md', 'docs/tao-tf1.md', 'docs/what-may-turn-red.md'],
  Trust: ['SECURITY.md', 'docs/threat-model.md', 'CHANGELOG.md'],
  Contribute: [
    'CONTRIBUTING.md',
    'docs/architecture.md',
    'docs/adding-a-dialect.md',
    'docs/dependencies.md',
    'docs/variants.md',
    'docs/mutation.md',
    'docs/gpu.md',
  ],
};

const named = new Set(Object.values(ORDER).flat());
const others = readdirSync(join(ROOT, 'docs'))
  .map((name) => `docs/${name}`)
  .filter((file) => file.endsWith('.md') && !named.has(file));

export const PAGES = Object.entries({ ...ORDER, More: others })
  .filter(([, files]) => files.length > 0)
  .map(([text, files]) => ({ text, items: files.map(page) }));

function page(file) {
  const heading = /^# (.+)$/m.exec(readFileSync(join(ROOT, file), 'utf8'));
  if (heading === null) throw new Error(`${file}: a page begins with its title, as '# ...'`);
  const name = basename(file, '.md').toLowerCase();
  return { file, text: heading[1], link: name === 'readme' ? '/' : `/${name}` };
}
