// Makes pictures of docs/recordings/ as GitHub would show them, to look at before a change of what reviewers see is committed. What it needs is too
// large to install for it:
//   npm install --prefix FOLDER playwright-core markdown-it github-markdown-css
//   CHROMIUM=/usr/bin/chromium node scripts/render-recordings.mjs FOLDER      writes FOLDER/*.png
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const recordings = join(root, 'docs/recordings');
const [folder] = process.argv.slice(2);
if (folder === undefined) {
  console.error('usage: render-recordings.mjs FOLDER (see the head of this script)');
  process.exit(2);
}
const require = createRequire(join(resolve(folder), 'package.json'));
const MarkdownIt = require('markdown-it');
const { chromium } = require('playwright-core');
const markdown = new MarkdownIt({ html: true, linkify: true });
const css = readFileSync(require.resolve('github-markdown-css/github-markdown-light.css'), 'utf8');

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ['--no-sandbox'] });
const page = await browser.newPage({ viewport: { width: 960, height: 300 }, deviceScaleFactor: 2 });
for (const name of readdirSync(recordings, { recursive: true }).filter((each) => /\.(md|txt)$/.test(each))) {
  const text = readFileSync(join(recordings, name), 'utf8');
  const body = name.endsWith('.md') ? markdown.render(text) : onTheSpec(text);
  await page.setContent(`<meta charset="utf-8"><style>${css}
    body { padding: 16px } .annotation { border: 1px solid #d0d7de; border-left: 3px solid #cf222e; padding: 8px; margin: 4px 32px }
    pre.line { margin: 0; padding: 0 8px; border-radius: 0 }</style><article class="markdown-body">${body}</article>`);
  await page.evaluate(() => {
    for (const each of document.querySelectorAll('details')) each.open = true;
  });
  const picture = join(folder, `${name.replaceAll(/[/\\]/g, '-').replace(/\.\w+$/, '')}.png`);
  await page.screenshot({ path: picture, fullPage: true });
  console.log(picture);
}
await browser.close();

/** Annotations below the lines of the example's spec that they are about, the others on top. */
function onTheSpec(text) {
  const all = text.split('\n\n\n').map((each) => {
    const [where, , title, ...message] = each.trim().split('\n');
    return {
      line: Number(/line (\d+)$/.exec(where)?.[1] ?? 0),
      html: `<div class="annotation">${escaped(where)}<br><b>${escaped(title)}</b><br>${message.map(escaped).join('<br>')}</div>`,
    };
  });
  const at = (line) => all.filter((each) => each.line === line).map(({ html }) => html);
  const spec = readFileSync(join(root, 'examples/mobilenet-v2/prune.yaml'), 'utf8').split('\n');
  return [
    ...at(0),
    ...spec.flatMap((line, k) => [
      `<pre class="line">${String(k + 1).padStart(2)}  ${escaped(line)}</pre>`,
      ...at(k + 1),
    ]),
  ].join('');
}

function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
