import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadRequests, settingsFromFlags } from '../../../src/config/index.ts';
import { check } from '../../../src/pipeline/check.ts';
import {
  DETAILS,
  escaped,
  makeReportSet,
  type Report,
  type ReportLayer,
  renderMarkdown,
} from '../../../src/report/index.ts';

const example = join(import.meta.dirname, '../../../examples/mobilenet-v2');

async function reportOf(pruned: string): Promise<Report> {
  const files = { dense: 'dense.onnx', pruned, spec: 'prune.yaml' };
  const flags = Object.fromEntries(Object.entries(files).map(([key, file]) => [key, join(example, file)]));
  const [request] = loadRequests(settingsFromFlags(flags), example);
  return (await check(request!, { version: '1.2.3', isHashed: true, log: () => {} })).report;
}

const right = await reportOf('pruned.onnx');
const wrong = await reportOf('pruned-naive.onnx');

/** A report of `count` layers that all diverge, each with a finding as long as findings get. */
function large(count: number, name = 'a'.repeat(200), model = 'model'): Report {
  const [layer] = wrong.layers as readonly [ReportLayer, ...ReportLayer[]];
  const many = Array.from({ length: 300 }, (_, k) => k);
  const details = Array.from({ length: 40 }, (_, k) => `filter ${k}: ${name} ${'😀'.repeat(400)}`);
  return {
    ...wrong,
    model,
    layers: Array.from({ length: count }, (_, k) => ({
      ...layer,
      name: `${name}${k}`,
      missing: many,
      unexpected: many,
    })),
    findings: Array.from({ length: count }, (_, k) => ({
      ...wrong.findings[0]!,
      title: `${name}${k}`,
      details,
      cause: `cause ${k}`,
    })),
    notes: details,
    totals: { ...wrong.totals, layers: count, mismatch: count },
  };
}

describe('markdown of one model', () => {
  it('leads with the verdict and tells what diverges, the likely cause and what it bought', () => {
    const markdown = renderMarkdown(wrong, 'whole');
    expect(markdown).toMatch(/^### ❌ prunegate: model diverges\n\n\*\*2 of 14 layers\*\*/);
    expect(markdown).toContain(
      '| ❌\u00a0conv1 | ████░░░░\u00a016\u00a0of\u00a032 | threshold, after union | missing 3, 19, 22<br>unexpected 0, 15, 27 |',
    );
    expect(markdown).toContain('**Likely cause:** The kept filters equal what conv1 would keep on its own');
    expect(markdown).toContain(
      'Filters 1,002 → 250 (-75%) · parameters 30,602 → 4,842 (-84%) · MACs 7.58 M → 1.62 M (-79%)',
    );
    expect(markdown).not.toContain('block\\_1\\_expand');
    expect(markdown.split('Likely cause').length).toBe(2);
  });

  it('tells a cause of all findings once, before them', () => {
    const { findings } = wrong;
    const markdown = renderMarkdown({ ...wrong, findings: [...findings, ...findings] }, 'whole');
    expect(markdown.match(/Likely cause/g)).toHaveLength(1);
    expect(markdown.indexOf('Likely cause')).toBeLessThan(markdown.indexOf('**conv1 and'));
    const others = renderMarkdown({ ...wrong, findings: [...findings, { ...findings[0]!, cause: 'b' }] }, 'whole');
    expect(others.match(/Likely cause/g)).toHaveLength(2);
  });

  it('leaves layers that could not be verified to the finding that tells why', () => {
    const layers = wrong.layers.map((layer) => ({ ...layer, verdict: 'unverifiable' as const, reason: 'folded' }));
    expect(renderMarkdown({ ...wrong, verdict: 'unverifiable', layers }, 'whole')).not.toContain('| layer |');
  });

  it('leads on to what failed where no layer did, and names it where nothing follows', () => {
    const totals = { ...right.totals };
    const findings = [{ ...wrong.findings[0]!, title: 'the pruned model is too slow', layers: [] }];
    const slow: Report = { ...right, verdict: 'diverges', conclusion: 'failure', totals, findings };
    expect(renderMarkdown(slow, 'whole')).toContain('No layer diverges, but something else does.');
    expect(renderMarkdown(slow, 'whole').match(/too slow/g)).toHaveLength(1);
    expect(renderMarkdown(slow, 'counts')).toContain('the pruned model is too slow.');
  });

  it('is three lines where nothing is wrong', () => {
    const lines = renderMarkdown(right, 'whole')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('> spec: '));
    expect(lines).toHaveLength(3);
    expect(lines.slice(0, 2)).toEqual([
      '### ✅ prunegate: model conforms',
      '14 layers keep the filters that the spec asks for.',
    ]);
  });

  it('has every layer and what was checked where there is room', () => {
    const markdown = renderMarkdown(right, 'layers');
    for (const { name } of right.layers) expect(markdown).toContain(escaped(name));
    expect(markdown).toContain(right.inputs.dense.sha256);
    expect(markdown).toContain('threshold 0.68 · normalizer max');
  });

  it('says where verdict and gate are of different colours', () => {
    expect(renderMarkdown({ ...wrong, conclusion: 'neutral' })).toContain('This does not fail the gate');
    expect(renderMarkdown({ ...right, conclusion: 'failure' })).toContain('It fails the gate all the same');
    expect(renderMarkdown(wrong)).not.toMatch(/the gate/);
  });

  it('never shows what could not be checked as fine', () => {
    const layers = right.layers.map((layer) => ({ ...layer, verdict: 'unverifiable' as const, reason: 'because' }));
    const totals = { ...right.totals, match: 0, unverifiable: 14 };
    for (const detail of DETAILS) {
      const markdown = renderMarkdown({ ...right, verdict: 'unverifiable', layers, totals }, detail);
      expect(markdown).toContain('❓ prunegate: model is unverifiable');
      expect(markdown).toContain('**14 of 14 layers** could not be verified');
      expect(markdown).not.toContain('✅');
    }
  });

  it.each(DETAILS)('keeps every table, fold and list whole: %s', (detail) => {
    const blocks = renderMarkdown(large(120), detail).split('\n\n');
    const markdown = blocks.join('\n\n');
    expect(markdown.match(/<details>/g)?.length).toBe(markdown.match(/<\/details>/g)?.length);
    for (const table of blocks.filter((block) => block.startsWith('|'))) {
      const columns = table.split('\n').map((row) => row.replaceAll('\\|', '').split('|').length);
      expect(new Set(columns).size).toBe(1);
    }
    expect(markdown).not.toMatch(/[\ud800-\udbff](?![\udc00-\udfff])/);
  });

  it('is shorter with each step, and at the last one bounded', () => {
    const lengths = DETAILS.map((detail) => renderMarkdown(large(2000), detail).length);
    expect([...lengths].sort((a, b) => b - a)).toEqual(lengths);
    expect(lengths.at(-1)).toBeLessThan(700);
    // Every character of these names takes two.
    expect(renderMarkdown(large(2000, '_'.repeat(200)), 'whole').length).toBeGreaterThan(65_536);
    expect(renderMarkdown(large(2000, '_'.repeat(200)), 'brief').length).toBeLessThan(65_536);
  });

  it('names how much it leaves out', () => {
    expect(renderMarkdown(large(120), 'brief')).toContain('... 110 more layers are in the JSON report.');
    expect(renderMarkdown(large(120), 'brief')).toContain('... 107 more findings are in the JSON report.');
  });
});

describe('markdown of several models', () => {
  const set = makeReportSet('1', [
    { ...right, model: 'a' },
    { ...wrong, model: 'b' },
    { ...right, model: 'c' },
  ]);

  it('leads with one verdict and a table, worst first, and tells only of models that do not conform', () => {
    const markdown = renderMarkdown(set, 'whole');
    expect(markdown).toMatch(/^### ❌ prunegate: 1 of 3 models diverges\n\n\| model /);
    const rows = markdown.split('\n').filter((line) => /^\| [✅❌]/.test(line));
    expect(rows.slice(0, 3).map((row) => row.slice(2, 5))).toEqual(['❌ b', '✅ a', '✅ c']);
    expect(markdown.match(/^#### /gm)).toEqual(['#### ']);
  });

  it('is one line where all conform', () => {
    const all = makeReportSet('1', [
      { ...right, model: 'a' },
      { ...right, model: 'b' },
    ]);
    expect(renderMarkdown(all, 'whole')).toMatch(/^### ✅ prunegate: all 2 models conform\n/);
  });

  it('fits anywhere at the last step, however many models there are', () => {
    const many = makeReportSet(
      '1',
      Array.from({ length: 3000 }, (_, k) => large(2, 'x', `m${k}`)),
    );
    expect(renderMarkdown(many, 'counts').length).toBeLessThan(300);
    expect(renderMarkdown(many, 'counts')).toContain('3000 of 3000 models diverge');
  });
});

describe('escaped', () => {
  it.each([
    ['<img src=x onerror=y>', /<img/],
    ['<!-- prunegate:comment -->', /<!--/],
    ['</details>', /<\/details/],
    ['a|b', /(?<!\\)\|/],
    ['`code`', /(?<!\\)`/],
    ['[x](https://evil.example)', /(?<!\\)\[|:\/\//],
    ['![x](y)', /(?<!\\)\[/],
    ['@someone', /@someone/],
    ['fixes #12', /#1/],
    ['GH-12', /GH-1/],
    ['www.evil.example', /www\./],
    [':tada:', /:tada:/],
    ['$x$', /(?<!\\)\$/],
    ['a\nb\r\u2028\u202ec\u0000', /[\n\r\u2028\u202e\u0000]/],
    ['&lt;b&gt;', /&lt;b/],
  ])('leaves nothing in %j that GitHub would act on', (text, active) => {
    expect(text).toMatch(active);
    expect(escaped(text)).not.toMatch(active);
  });

  it('keeps ordinary names readable', () => {
    expect(escaped('conv1')).toBe('conv1');
    expect(escaped('block_1/expand:0')).toBe('block\\_1/expand:0');
  });

  it('holds whatever a model is called, wherever its name is shown', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        const hostile: Report = {
          ...wrong,
          model: name,
          layers: wrong.layers.map((layer) => ({ ...layer, name: `<b>${name}`, rule: name, reason: name })),
          findings: [{ ...wrong.findings[0]!, title: `<b>${name}`, details: [`<b>${name}`], cause: `@x${name}` }],
          notes: [`<!--${name}`],
        };
        const markdown = renderMarkdown(hostile);
        expect(markdown.replace(/<\/?(details|summary)>|<br>/g, '')).not.toMatch(/<[a-z!/]|@x/i);
        expect(markdown.split('\n').filter((line) => line.startsWith('#'))).toHaveLength(1);
      }),
      { numRuns: 100 },
    );
  });
});
