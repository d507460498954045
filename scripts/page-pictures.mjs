// Draws docs/pictures/: the page of the example that was cut wrongly, as it is today. Needs a Chromium (CHROMIUM=PATH, else /usr/bin/chromium):
//   npm run pictures
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { PNG } from 'pngjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const pictures = join(root, 'docs/pictures');

/** What each shows, and how it looks best. */
const PICTURES = [
  { name: 'layer', hash: '#layer=conv1&filter=22', size: { width: 1280, height: 980 } },
  { name: 'layer-dark', hash: '#layer=conv1&filter=22', size: { width: 1280, height: 980 }, colorScheme: 'dark' },
  { name: 'graph', hash: '#view=graph', size: { width: 1280, height: 860 } },
];

const work = mkdtempSync(join(tmpdir(), 'prunegate-pictures-'));
cpSync(join(root, 'examples/mobilenet-v2'), work, { recursive: true });
writeFileSync(
  join(work, 'prunegate.yml'),
  'models: [{ name: mobilenet-v2, spec: prune.yaml, dense: dense.onnx, pruned: pruned-naive.onnx }]\n',
);
const { stdout, status } = spawnSync(process.execPath, [join(root, 'dist/cli.cjs'), 'check', '--format', 'html'], {
  cwd: work,
  encoding: 'utf8',
});
if (status !== 1) throw new Error(`the example should diverge, and the check ended with ${status}`);
const page = join(work, 'report.html');
writeFileSync(page, stdout);
mkdirSync(pictures, { recursive: true });

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
});
for (const { name, hash, size, colorScheme = 'light' } of PICTURES) {
  const tab = await browser.newPage({ viewport: size, colorScheme });
  await tab.goto(`file://${page}${hash}`);
  await tab.locator('article').waitFor();
  await tab.evaluate('new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))');
  writeFileSync(join(pictures, `${name}.png`), smaller(await tab.screenshot()));
  await tab.close();
}
await browser.close();
rmSync(work, { recursive: true });

/** With 32 shades of each colour, which nobody sees in a page: every run of the action downloads this repository. */
function smaller(bytes) {
  const picture = PNG.sync.read(bytes);
  for (const [k, value] of picture.data.entries())
    picture.data[k] = Math.round((Math.round((value * 31) / 255) * 255) / 31);
  return PNG.sync.write(picture, { colorType: 2, deflateLevel: 9, deflateStrategy: 0, filterType: 0 });
}
