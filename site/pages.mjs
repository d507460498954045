// Writes pages/, from which VitePress builds: README.md as the first page, and docs/ beside it. A link that leaves docs/ goes to the repository;
// one to a file that is not there ends the build. Links between pages are checked in what was built, by `npm run links`.
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, normalize } from 'node:path';
import { PAGES, REPOSITORY, ROOT } from './.vitepress/contents.mjs';

const out = join(import.meta.dirname, 'pages');

/** A relative link or picture of markdown or HTML, outside of code. */
const LINK = /(\]\(|(?:href|src|srcset)=")(?![a-z]+:|#|\/)([^)\s"#]+)/g;

const pages = new Map(PAGES.flatMap(({ items }) => items.map(({ file, link }) => [file, link])));

rmSync(out, { recursive: true, force: true });
mkdirSync(join(out, 'public'), { recursive: true });
for (const [file, link] of pages) writeFileSync(join(out, `${link === '/' ? 'index' : link.slice(1)}.md`), page(file));

function page(file) {
  const code = /(^```[\s\S]*?^```$|`[^`\n]+`)/gm;
  const text = readFileSync(join(ROOT, file), 'utf8');
  return text
    .split(code)
    .map((part, k) =>
      k % 2 === 1 ? part : part.replace(LINK, (_, before, target) => before + rewritten(file, target)),
    )
    .join('');
}

function rewritten(from, target) {
  const path = normalize(join(dirname(from), target))
    .replaceAll('\\', '/')
    .replace(/\/$/, '');
  const place = join(ROOT, path);
  if (!existsSync(place)) throw new Error(`${from}: there is no ${path}`);
  if (pages.has(path)) return pages.get(path);
  if (/\.(?:svg|png|webp)$/.test(path)) {
    cpSync(place, join(out, 'public', basename(path)));
    return `/${basename(path)}`;
  }
  return `${REPOSITORY}/${statSync(place).isDirectory() ? 'tree' : 'blob'}/main/${path}`;
}
