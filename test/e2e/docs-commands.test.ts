import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const PAGES = ['README.md', ...readdirSync(join(root, 'docs')).map((file) => `docs/${file}`)].filter((file) =>
  file.endsWith('.md'),
);

/** Commands that no test runs as they are written, and why. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  'npm ci && npm start': '.ci/run does, as it stands in README.md',
  'npm ci && npm test': '.ci/run does, as it stands in README.md: this test is a part of it',
  'npm ci': 'docs/gpu.md: .ci/run does, in README.md',
  'ONNXRUNTIME_NODE_INSTALL=cuda12 node node_modules/onnxruntime-node/script/install.js':
    'downloads CUDA libraries for a GPU',
  'EXECUTION_PROVIDER=cuda npx vitest run test/execution': 'needs a GPU',
  'pip install -r recipes/torch/requirements.txt': '.ci/recipes torch does',
  'pip install -r recipes/declared/requirements.txt': '.ci/recipes declared does',
  'python recipes/torch/prune.py --model mypackage.models:trained --spec prune.yaml --out out':
    'test/recipes/torch.test.ts does, with models of its own',
  'python recipes/declared/prune_declared.py --model mypackage.models:trained --spec prune.yaml --out out':
    'test/recipes/declared.test.ts does, with models of its own',
  'python recipes/declared/prune_declared.py --model mypackage.models:yolo --before yolo:before --spec slim.yaml --out slim --input 1x3x640x640':
    'test/recipes/declared.test.ts does, on smaller pictures',
  'prunegate check slim/dense.onnx slim/pruned.onnx --spec slim.yaml --reported slim/retained.json':
    'test/recipes/declared.test.ts does, on what the recipe made',
};

/** Where another status than 0 is right. A machine may lack what `doctor` names, and without which `run` verifies nothing. */
const STATUS: Readonly<Record<string, readonly number[]>> = {
  'prunegate doctor': [0, 1],
  'prunegate run --dense dense.onnx --pruned pruned.onnx': [0, 3],
  'prunegate check --dense dense.onnx --pruned pruned-naive.onnx --spec prune.yaml': [1],
};

/** Commands of a page: of its fenced blocks all lines of sh, those behind a $ and those of a table; and what names a model between words. */
function commandsOf(page: string): readonly string[] {
  const text = readFileSync(join(root, page), 'utf8');
  const inline = [...text.matchAll(/`(prunegate [a-z]+ [^`\n]*\.onnx[^`\n]*)`/g)].map(([, command]) => command!);
  const blocks = [...text.matchAll(/^```(\w+)[^\n]*\n([\s\S]*?)^```/gm)];
  const fenced = blocks.flatMap(([, language, body]) => {
    const lines = body!.split('\n').filter((line) => line.trim() !== '');
    if (language === 'sh' || language === 'bash' || language === 'shell') return lines;
    const typed = lines.filter((line) => line.startsWith('$ ')).map((line) => line.slice(2).replace(/\s+#.*$/, ''));
    // A table has the command, six blanks or more, and what it does.
    const listed = lines
      .filter((line) => /^prunegate \w+ /.test(line))
      .map((line) => line.replace(/ {6,}.*$/, '').replace(/ +/g, ' '));
    return language === 'console' || language === 'text' ? [...typed, ...listed] : [];
  });
  return [...fenced, ...inline];
}

const byPage = PAGES.map((page) => [page, commandsOf(page)] as const).filter(([, commands]) => commands.length > 0);

/** What a page's reader has: the example, and models of PyTorch in out/ where the page is about these. */
function folderFor(page: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'prunegate-docs-'));
  spawnSync('git', ['init', '-q'], { cwd: folder });
  const own = ['dense.onnx', 'pruned.onnx', 'prune.yaml'];
  const files = page === 'docs/three-filters.md' ? [...own, 'pruned-naive.onnx'] : own;
  for (const file of files) cpSync(join(root, 'examples/mobilenet-v2', file), join(folder, file));
  const torch = { 'docs/pytorch.md': 'torch/grouped_1', 'docs/which-dialect.md': 'declared/nni_l2_mobile_dep' }[page];
  if (torch !== undefined) {
    const fixture = join(root, 'test/fixtures', torch);
    mkdirSync(join(folder, 'out'));
    for (const file of ['dense.onnx', 'pruned.onnx']) cpSync(join(fixture, file), join(folder, 'out', file));
    const { spec, history, layers } = JSON.parse(readFileSync(join(fixture, 'golden.json'), 'utf8'));
    writeFileSync(join(folder, 'prune.yaml'), JSON.stringify(spec));
    const retained = Object.entries(layers).map(([name, layer]) => [name, (layer as { retained: number[] }).retained]);
    writeFileSync(join(folder, 'out/history.json'), JSON.stringify(history ?? []));
    writeFileSync(join(folder, 'out/retained.json'), JSON.stringify(Object.fromEntries(retained)));
  }
  return folder;
}

describe('commands of README.md and docs/', () => {
  it('that are run elsewhere are still there', () => {
    const all = byPage.flatMap(([, commands]) => commands);
    expect(all.length).toBeGreaterThan(20);
    expect(Object.keys(ELSEWHERE).filter((command) => !all.includes(command))).toEqual([]);
    expect(Object.keys(STATUS).filter((command) => !all.includes(command))).toEqual([]);
  });

  it.each(byPage)('of %s are run as they are written, one after the other', { timeout: 120_000 }, (page, commands) => {
    const folder = folderFor(page);
    for (const command of commands) {
      if (Object.hasOwn(ELSEWHERE, command)) continue;
      const [program, ...args] = command.split(' ');
      expect(program, `${page}: \`${command}\` is a new command: run it here, or say in ELSEWHERE who does`).toBe(
        'prunegate',
      );
      const run = (...given: readonly string[]) =>
        spawnSync(process.execPath, [join(root, 'dist/cli.cjs'), ...given], { cwd: folder, encoding: 'utf8' });
      if (command.startsWith('prunegate merge')) run('check', '--report-dir', 'reports');
      const { status, stderr } = run(...args);
      expect(STATUS[command] ?? [0], `${page}: ${command}: ${stderr}`).toContain(status);
    }
  });
});
