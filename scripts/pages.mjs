// Writes into docs/ what the commands shown there print today, and draws the figure: npm run pages
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const PAGES = ['docs/how-it-decides.md', 'docs/three-filters.md'];

for (const page of PAGES) {
  const text = readFileSync(`${root}${page}`, 'utf8');
  const shown = text.replace(/```text\n\$ prunegate ([^\n]+)\n[\s\S]*?```/g, (_, command) => {
    const { stdout } = spawnSync(process.execPath, [`${root}dist/cli.cjs`, ...command.split(' ')], {
      cwd: `${root}examples/mobilenet-v2`,
      encoding: 'utf8',
    });
    return `\`\`\`text\n$ prunegate ${command}\n${stdout}\`\`\``;
  });
  writeFileSync(`${root}${page}`, shown);
}
await import('./figures.mjs');
