import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadRequests, settingsFromFlags } from '../../src/config/index.ts';
import { readerOf } from '../../src/pipeline/answer.ts';
import { check } from '../../src/pipeline/check.ts';
import { renderPage } from '../../src/report/html/html.ts';
import { makeReportSet, REPORT_FORMATS, type Report } from '../../src/report/index.ts';
import { CHROMIUM, startChromium } from '../support/chromium.ts';
import { HOSTILE_NAMES, largeModel, pageOf, untried } from './made.ts';

const example = join(import.meta.dirname, '../../examples/mobilenet-v2');
const work = mkdtempSync(join(tmpdir(), 'prunegate-page-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

async function checked(model: string, pruned: string) {
  const files = { dense: 'dense.onnx', pruned, spec: 'prune.yaml' };
  const [request] = loadRequests(settingsFromFlags(files), example);
  const result = await check(request!, { version: '1.2.3', isHashed: true, isPictured: true, log() {} });
  return { ...result, report: { ...result.report, model } };
}

/** What one run of onnxruntime said; its times vary. */
const EXECUTION: NonNullable<Report['execution']> = {
  provider: 'cpu',
  requestedProvider: 'auto',
  providerDetail: 'nodes by the profile: 51 on CPU',
  fellBack: false,
  runtime: { version: '1.30.0', folder: '/ort' },
  verdict: 'different',
  reason: 'outputs differ by up to 40%',
  maxAbsDiff: 0.25,
  maxRelDiff: 0.4,
  tolerance: 2e-5,
  inputs: [{ name: 'input_1', type: 'float32', shape: ['N', 3, 64, 64], source: null }],
  cases: ['zeros, batch of 1'],
  outputs: [{ name: 'Identity:0', type: 'float32', maxAbsDiff: 0.25, maxRelDiff: 0.4, nan: 0, outcome: 'different' }],
  firstDifference: { layer: 'conv_1', tensor: 'conv_1/Relu6:0', detail: 'differs by up to 10%' },
  latencyMs: { dense: 0.1, pruned: 0.04 },
  latency: {
    batch: 1,
    runs: 200,
    dense: { low: 0.09, median: 0.1, high: 0.12 },
    pruned: { low: 0.035, median: 0.04, high: 0.05 },
    ratio: 0.4,
  },
  peakBytes: 1,
};

// Visibly skipped where no Chromium is installed; .ci/run installs one where it can.
describe.skipIf(CHROMIUM === null)('the page in Chromium', () => {
  let browser: Browser;
  const complaints: string[] = [];
  const paths = new Map<string, string>();

  beforeAll(async () => {
    const [right, wrong] = [await checked('right', 'pruned.onnx'), await checked('wrong', 'pruned-naive.onnx')];
    const reader = readerOf([right, wrong], true);
    const set = makeReportSet(
      '1.2.3',
      [right.report, { ...wrong.report, execution: EXECUTION }],
      [{ model: 'gone', message: 'gone.onnx: does not exist' }],
    );
    const pages = {
      set: REPORT_FORMATS.html.render(set, reader),
      hostile: renderPage(pageOf(HOSTILE_NAMES.map((name) => ({ name, filters: 24 }))), 'hostile'),
      large: renderPage(pageOf(largeModel()), 'large'),
      untried: renderPage(untried(), 'untried'),
    };
    for (const [name, html] of Object.entries(pages)) {
      const path = join(work, `${name}.html`);
      writeFileSync(path, html);
      paths.set(name, `file://${path}`);
    }
    browser = await startChromium();
  }, 60_000);
  afterAll(() => browser?.close());

  async function open(name: string, hash = '', options: BrowserContextOptions = {}): Promise<Page> {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, ...options });
    page.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`));
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('request', (request) => {
      if (request.url().split('#')[0] !== paths.get(name)) complaints.push(`asks for ${request.url()}`);
    });
    await page.goto(`${paths.get(name)}${hash}`);
    await page.waitForSelector('main');
    return page;
  }

  async function text(page: Page, selector: string): Promise<string> {
    return (await page.locator(selector).innerText()).replace(/\s+/g, ' ');
  }

  /** How many pixels of a canvas have the colour that the theme gives a name. */
  function painted(page: Page, canvas: string, name: string): Promise<number> {
    return page.evaluate(`(() => {
      const canvas = document.querySelector('${canvas}');
      const probe = document.createElement('canvas').getContext('2d');
      probe.fillStyle = getComputedStyle(canvas).getPropertyValue('--${name}');
      probe.fillRect(0, 0, 1, 1);
      const [r, g, b] = probe.getImageData(0, 0, 1, 1).data;
      const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', { willReadFrequently: true });
      copy.drawImage(canvas, 0, 0);
      const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
      let count = 0;
      for (let k = 0; k < data.length; k += 4) if (data[k] === r && data[k + 1] === g && data[k + 2] === b && data[k + 3] === 255) count++;
      return count;
    })()`);
  }

  it('shows the verdict, sizes and the likely cause of a model, what was not checked, and every finding with its place', async () => {
    const page = await open('set', '#model=wrong');
    expect(await text(page, 'h1')).toBe('wrong');
    expect(await text(page, '.headline .verdict')).toBe('✗ diverges');
    expect(await text(page, '.facts')).toContain('1,002 → 250 filters −75%');
    expect(await text(page, '.facts')).toContain('0.1 → 0.04 ms −60%');
    expect(await text(page, '.spec')).toMatch(/union dense [0-9a-f]{12} pruned [0-9a-f]{12}$/);
    expect(await text(page, '.errors')).toBe('gone was not checked: gone.onnx: does not exist');
    expect(await text(page, '.likely')).toContain('was the model cut before exploration ended?');
    expect(await text(page, '.findings h3')).toContain(
      'conv1 and expanded_conv_depthwise kept the wrong 3 of 16 filters',
    );
    expect(await text(page, '.findings .place')).toMatch(/prune\.yaml:6 prune\.threshold$/);
    expect(await text(page, '.counts')).toBe('✗ 2 of 14 layers keep something else ✓ 12 of 14 layers match');
    expect(await text(page, '.inputs')).toMatch(/dense .*dense\.onnx 149 kB · weights raw sha256 [0-9a-f]{64}/);
    await page.close();
  });

  it('changes the model by the picker, and the address says which', async () => {
    const page = await open('set', '#model=wrong&layer=conv1');
    await page.locator('.picker select').selectOption({ index: 0 });
    expect(await text(page, 'h1')).toBe('right');
    expect(await text(page, 'main article')).toContain('None: every layer keeps what the spec asks for.');
    expect(page.url()).toContain('#model=right');
    await page.goBack();
    expect(await text(page, 'article h2')).toContain('conv1 ✗ mismatch');
    await page.close();
  });

  it('opens the layer and the filter that the address names', async () => {
    const page = await open('set', '#model=wrong&layer=conv1&filter=3');
    expect(await text(page, '.readout')).toBe(
      'Filter 3 ranks 1 of 32 with 1 (union of conv1 0.55, expanded_conv_depthwise 1), +0.320 from the cut: stays only because of its partner, by equalization – would go on its own: 17th of 32, 16 stay; it is missing.',
    );
    expect(await page.locator('.layers a[aria-current="true"] .name').textContent()).toBe('conv1');
    await page.close();
  });

  it('finds layers by name, verdict, group and margin', async () => {
    const page = await open('set', '#model=wrong');
    const names = () => page.locator('.layers .name').allTextContents();
    await page.locator('#search').fill('DEPTH');
    expect(await names()).toEqual([
      'expanded_conv_depthwise',
      'block_1_depthwise',
      'block_2_depthwise',
      'block_3_depthwise',
    ]);
    await page.getByText('not matching (2)').click();
    expect(await names()).toEqual(['expanded_conv_depthwise']);
    expect(await text(page, '.count')).toBe('1 of 14 layers');
    await page.locator('#search').fill('');
    expect(await names()).toEqual(['conv1', 'expanded_conv_depthwise']);
    await page.getByText('not matching (2)').click();
    await page.locator('select[aria-label="group"]').selectOption({ label: 'group B' });
    expect(await names()).toEqual(['block_1_expand', 'block_1_depthwise']);
    await page.locator('select[aria-label="group"]').selectOption('');
    await page.locator('select[aria-label="order"]').selectOption('name');
    expect((await names())[0]).toBe('block_1_depthwise');
    await page.close();
  });

  it('draws filters that stay, go, stay for a partner and would have stayed, and marks what is wrong', async () => {
    const page = await open('set', '#model=wrong&layer=conv1');
    const bars = 'canvas[aria-label^="32 filters of conv1"]';
    for (const fate of ['kept', 'cut', 'partner', 'alone', 'wrong'])
      expect([fate, (await painted(page, bars, fate)) > 50]).toEqual([fate, true]);
    expect(await text(page, '.legend')).toContain('stays only because of its partner');
    // In the kernel's order: 16 expected, 16 found of which three are wrong.
    const strip = 'canvas[aria-label^="which of the 32 filters"]';
    expect(await painted(page, strip, 'wrong')).toBeGreaterThan(50);
    await page.goto(`${paths.get('set')}#model=right&layer=conv1`);
    expect(await painted(page, bars, 'wrong')).toBe(0);
    expect(await painted(page, strip, 'wrong')).toBe(0);
    await page.close();
  });

  it('says what is pointed at, zooms where it is dragged and goes filter by filter with the arrows', async () => {
    const page = await open('set', '#model=wrong&layer=conv1');
    const bars = page.locator('canvas[aria-label^="32 filters of conv1"]');
    const box = (await bars.boundingBox())!;
    const at = (share: number) => [box.x + share * box.width, box.y + 200] as const;
    const readout = () => expect.poll(() => text(page, '.readout'));
    await page.mouse.move(...at(0.005));
    await readout().toMatch(/^Filter 3 ranks 1 of 32/);
    await page.mouse.move(...at(0.5));
    await page.mouse.down();
    await page.mouse.move(...at(0.8));
    await page.mouse.up();
    await page.mouse.move(...at(0.005));
    await readout().toMatch(/^Filter \d+ ranks 1[67] of 32/);
    await page.mouse.dblclick(...at(0.3));
    await page.mouse.move(...at(0.005));
    await readout().toMatch(/^Filter 3 ranks 1 of 32/);
    await page.mouse.move(0, 0);
    await bars.focus();
    await page.keyboard.press('Home');
    expect(page.url()).toContain('filter=3');
    await page.keyboard.press('ArrowRight');
    await readout().toMatch(/^Filter 4 ranks 1 of 32/);
    await page.close();
  });

  it('tries another threshold, of the layer and of the whole model', async () => {
    const page = await open('set', '#model=wrong&layer=conv1');
    expect(await text(page, '.what-if .outcome')).toBe(
      '16 of 32 stay here, 250 filters of the model (as the spec says)',
    );
    await page.locator('.what-if input').fill('0.4');
    expect(await text(page, '.what-if .outcome')).toMatch(
      /^(2[4-9]|3[0-2]) of 32 stay here, [\d,]+ filters of the model \(\+\d+\)$/,
    );
    expect(await page.locator('.layers .tried').count()).toBeGreaterThan(5);
    await page.getByText('back to 0.68').click();
    expect(await text(page, '.what-if .outcome')).toContain('as the spec says');
    await page.close();
  });

  it('has every filter in a table that can be sorted, and indices that can be copied', async () => {
    const page = await open('set', '#model=wrong&layer=conv1', { permissions: ['clipboard-read', 'clipboard-write'] });
    const first = () => page.locator('.table tbody tr').first().locator('td').allInnerTexts();
    expect((await first()).slice(0, 5)).toEqual(['3', '0.55', '1', '1', '1']);
    await page.getByRole('button', { name: 'filter', exact: true }).click();
    expect((await first())[0]).toBe('0');
    await page.getByRole('button', { name: 'own', exact: true }).click();
    expect((await first())[1]).toBe('1');
    expect(await page.locator('th[aria-sort="descending"]').innerText()).toContain('own');
    await page.getByRole('button', { name: 'copy the missing filters' }).click();
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe('3, 19, 22');
    await page.close();
  });

  it('sets the members of a group side by side, with what each other criterion would keep', async () => {
    const page = await open('set', '#model=wrong&layer=conv1');
    expect(await page.locator('.members figcaption a').allInnerTexts()).toEqual(['conv1', 'expanded_conv_depthwise']);
    const rows = await page.locator('section[aria-label="other criteria"] tbody tr').allInnerTexts();
    expect(rows.map((row) => row.split('\t')[0])).toEqual([
      ...['union (the spec)', 'intersection', 'arithmetic_mean', 'geometric_mean'],
    ]);
    await page.locator('.members figcaption a').last().click();
    expect(await text(page, 'article h2')).toContain('expanded_conv_depthwise');
    await page.close();
  });

  it('says which criteria were too much work to be tried', async () => {
    const page = await open('untried', '#model=made&layer=a');
    const rows = await page.locator('section[aria-label="other criteria"] tbody tr').allInnerTexts();
    expect(rows).toEqual([
      'union (the spec)\t12\t12',
      'intersection\tnot tried: too many element-wise operators over too many layers',
    ]);
    await page.close();
  });

  it('draws the graph of layers, from which a layer opens', async () => {
    const page = await open('set', '#model=wrong&view=graph');
    expect(await page.locator('.graph .node').count()).toBe(14);
    expect(await page.locator('.graph .node.mismatch').count()).toBe(2);
    const widths = await page
      .locator('.graph .edge')
      .evaluateAll((edges) => edges.map((edge) => edge.getAttribute('stroke-width')));
    expect(new Set(widths).size).toBeGreaterThan(2);
    await page
      .locator('.graph a')
      .filter({ has: page.getByText('conv_1', { exact: true }) })
      .click();
    expect(await text(page, 'article h2')).toContain('conv_1');
    await page.close();
  });

  it('shows the first layer that computes something else, and latency by quartiles', async () => {
    const page = await open('set', '#model=wrong&view=execution');
    expect(await text(page, '.callout')).toBe(
      'The first layer that differs is conv_1 (tensor conv_1/Relu6:0): differs by up to 10%',
    );
    expect(await page.locator('svg.latency .box').count()).toBe(2);
    expect(await text(page, 'figcaption')).toContain("0.4 of the dense one's time");
    await page.goto(`${paths.get('set')}#model=right&view=execution`);
    expect(await text(page, 'article')).toContain('The models were not executed.');
    await page.close();
  });

  it('is used by keys alone', async () => {
    const page = await open('set', '#model=wrong');
    await page.keyboard.press('n');
    expect(await text(page, 'article h2')).toContain('conv1');
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    expect(await text(page, 'article h2')).toContain('expanded_conv_project');
    await page.keyboard.press('p');
    expect(await text(page, 'article h2')).toContain('expanded_conv_depthwise');
    await page.keyboard.press('/');
    await page.keyboard.type('jo');
    expect(await page.locator('#search').inputValue()).toBe('jo');
    await page.keyboard.press('Escape');
    await page.keyboard.press('?');
    await page.locator('dialog').waitFor({ state: 'visible' });
    await page.keyboard.press('Escape');
    await page.locator('dialog').waitFor({ state: 'hidden' });
    await page.keyboard.press('t');
    await page.locator('html[data-theme="light"]').waitFor();
    await page.close();
  });

  describe.each(['light', 'dark'] as const)('in the %s theme', (colorScheme) => {
    const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
    it('is open to readers who cannot see or point', async () => {
      const page = await open('set', '#model=wrong', { colorScheme });
      // Around the page's own policy, which runs no other script.
      await page.evaluate(axe);
      for (const view of ['overview', 'layer', 'graph', 'execution'] as const) {
        await page.goto(`${paths.get('set')}#model=wrong&${view === 'layer' ? 'layer=conv1' : `view=${view}`}`);
        await page.locator(`article[aria-label^="${view}"]`).waitFor();
        // What differs between the themes is their colours.
        const rules = colorScheme === 'light' ? '{}' : '{ runOnly: ["color-contrast"] }';
        const { violations } = (await page.evaluate(`axe.run(document, ${rules})`)) as {
          violations: readonly { id: string; nodes: readonly { html: string }[] }[];
        };
        expect([
          view,
          violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`),
        ]).toEqual([view, []]);
      }
      await page.close();
    });

    it('draws its pictures in its own colours', async () => {
      const page = await open('set', '#model=wrong&layer=conv1', { colorScheme });
      const bars = 'canvas[aria-label^="32 filters of conv1"]';
      expect(await painted(page, bars, 'kept')).toBeGreaterThan(1000);
      await page.keyboard.press('t');
      await page.keyboard.press('t');
      await page.locator('html[data-theme="dark"]').waitFor();
      expect(await painted(page, bars, 'kept')).toBeGreaterThan(1000);
      await page.close();
    });
  });

  it('shows hostile names as text, short and whole', async () => {
    const page = await open('hostile');
    expect(await page.locator('.layers .name').count()).toBe(HOSTILE_NAMES.length);
    expect(await page.locator('.layers .name').first().textContent()).toBe('</script><img src=x onerror=alert(1)>');
    for (const k of HOSTILE_NAMES.keys()) {
      await page.locator('.layers a').nth(k).click();
      const title = await text(page, 'article h2');
      expect(title.length).toBeLessThan(240);
      // The address leads back to the same layer, though names may be equal once they are cut.
      await page.reload();
      await page.waitForSelector('main');
      expect(await text(page, 'article h2')).toBe(title);
      expect(await page.locator('.layers a').nth(k).getAttribute('aria-current')).toBe('true');
    }
    expect(await page.evaluate('document.querySelectorAll("img, iframe, object").length')).toBe(0);
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    await page.close();
  });

  it('holds 200,000 filters, and draws no more rows than are seen', async () => {
    const page = await open('large', '#layer=wide');
    expect(await text(page, '.facts')).toContain('200,000');
    expect(await page.locator('.layers a').count()).toBeLessThan(80);
    expect(await page.locator('.table tbody tr').count()).toBeLessThan(80);
    expect(await painted(page, 'canvas[aria-label^="50,000 filters of wide"]', 'kept')).toBeGreaterThan(1000);
    await page.locator('.table').evaluate((table) => table.scrollTo(0, table.scrollHeight));
    await page.getByRole('cell', { name: '50000', exact: true }).waitFor();
    await page.locator('.layers').evaluate((list) => list.scrollTo(0, list.scrollHeight));
    await page.getByTitle('layer 149: half').waitFor();
    await page.close();
  });

  it('is printed with every layer and without what only a screen can do, on white', async () => {
    const page = await open('set', '#model=wrong&layer=conv1', { colorScheme: 'dark' });
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    await page.waitForSelector('.printed');
    expect(await page.locator('.printed tbody tr').count()).toBe(14);
    expect(await text(page, '.printed tbody tr:first-child')).toMatch(
      /conv1 mismatch 16 of 32 16 A threshold, after union/,
    );
    for (const hidden of ['aside', '.tools', '.what-if', '.table'])
      expect(await page.locator(hidden).first().isVisible()).toBe(false);
    expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(255, 255, 255)');
    await page.emulateMedia({ media: null, colorScheme: 'dark' });
    await page.waitForSelector('.printed', { state: 'detached' });
    // What is laid out when a reader prints, right after the page hears of it: the layers, and bars in the colours of paper.
    await page.evaluate(`matchMedia('print').addEventListener('change', ({ matches }) => matches && queueMicrotask(() => queueMicrotask(() => {
      const canvas = document.querySelector('article canvas');
      const [r, g, b] = canvas.getContext('2d').getImageData(Math.round(canvas.width * 0.02), canvas.height - 4, 1, 1).data;
      window.printed = { rows: document.querySelectorAll('.printed tbody tr').length, bar: [r, g, b] };
    })))`);
    await page.pdf();
    expect(await page.evaluate('window.printed')).toEqual({ rows: 14, bar: [0xe6, 0x9f, 0x00] });
    await page.close();
  });

  it('fits a narrow screen', async () => {
    const page = await open('set', '#model=wrong&layer=conv1', { viewport: { width: 400, height: 800 } });
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(400);
    await page.close();
  });

  // Last, of all pages above.
  it('has complained of nothing and asked for no address', () => {
    expect(complaints).toEqual([]);
  });
});
