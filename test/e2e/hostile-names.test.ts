import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { micromark } from 'micromark';
import { gfm, gfmHtml } from 'micromark-extension-gfm';
import { afterEach, describe, expect, it } from 'vitest';
import { payload } from '../support/events.ts';
import type { GitHubApi } from '../support/github-api.ts';
import { HEAD, onPullRequest, REPOSITORY, startApi } from '../support/pull-request.ts';
import { rewrite } from '../support/rewrite.ts';

const root = join(import.meta.dirname, '../..');
const open: GitHubApi[] = [];
afterEach(async () => {
  const all = open.splice(0);
  for (const each of all) await each.close();
  expect(all.flatMap(({ violations }) => violations)).toEqual([]);
});

/** What a layer of the example is called instead of conv1. No slash: exporters put one between names. */
const NAMES = {
  'workflow commands': 'x\n::error::pwned\r::set-output name=verdict::conforms\n ##[add-mask]x ##[error]pwned',
  HTML: '<img src=x onerror=y><script>z<b>&lt;<!-- prunegate:comment v1 key=0000000000000000 -->',
  'ends of ours': '|| a | b |\n\n<sub>**`~~~```$$x$$',
  references: '@octocat @org #1 GH-1 octo#2 :tada: :heart_eyes: www.evil.example deadbeefcafe',
  links: '[x](javascript:y) ![x](y) https:evil <https:evil> _www.evil.example_ a@evil.example [^1]: x',
  'writing directions': '\u202eevil\u2066a\u2069\u200e\u200f\u061c\u200b\u2060\ufeff\u{e0041}\u{e0042}',
  blocks: '    - x\n1. y\n===\n---\n# z\n> q',
  'a command': "'; touch pwned; $(touch pwned) `touch pwned` ",
  'many characters': 'conv'.repeat(2500),
};

/** Tags that the markdown of a report comes to. */
const TAGS = /^(h3|h4|p|strong|em|code|pre|table|thead|tbody|tr|th|td|details|summary|ul|li|blockquote|br|sub|a|hr)$/;

function rendered(markdown: string): string {
  return micromark(markdown, { extensions: [gfm()], htmlExtensions: [gfmHtml()], allowDangerousHtml: true });
}

/** Everything that acts in a text that GitHub renders: tags and where links lead. */
function actsOf(markdown: string): { readonly tags: string[]; readonly links: string[] } {
  const html = rendered(markdown.replace(/^<!-- .* -->\n/, ''));
  const tags = [...html.matchAll(/<\/?([^\s>/]+)/g)].map(([, tag]) => tag!.toLowerCase());
  return {
    tags: [...new Set(tags)].filter((tag) => !TAGS.test(tag)),
    links: [...html.matchAll(/(?:href|src)="([^"]*)"/g)].map(([, url]) => url!),
  };
}

/** What is read of a rendered text. */
function readOf(markdown: string): string {
  return rendered(markdown.replace(/^<!-- .* -->\n/, '')).replace(/<[^>]*>/g, '');
}

describe.each(Object.entries(NAMES))('a layer whose name has %s', (_, name) => {
  it('is named in every text that is published, and does nothing in any', async () => {
    const api = await startApi();
    open.push(api);
    const run = await onPullRequest(api, {
      inputs: { 'check-run': 'true', execute: 'false' },
      prepare: (workspace) => {
        for (const file of ['dense', 'pruned-naive']) {
          const path = join(workspace, `m/${file}.onnx`);
          rewrite(path, path, (graph) => {
            const renamed = (text: string): string => text.replaceAll('/conv1/', () => `/${name}/`);
            for (const tensor of graph.initializer) tensor.name = renamed(tensor.name);
            for (const node of graph.node) {
              node.name = renamed(node.name);
              node.input = node.input.map(renamed);
              node.output = node.output.map(renamed);
            }
          });
        }
        const model = { name: 'a-model', dense: 'm/dense.onnx', pruned: 'm/pruned-naive.onnx', spec: 'm/prune.yaml' };
        writeFileSync(join(workspace, 'prunegate.yml'), JSON.stringify({ models: [model] }));
      },
    });
    expect(run.status).toBe(1);
    expect(run.outputs).toMatchObject({ verdict: 'diverges', conclusion: 'failure', mismatched: '2' });
    expect(JSON.parse(run.outputs['mismatched-layers']!)).toContain(name);

    // The log: only what the action says itself is obeyed.
    expect(run.stderr).toBe('');
    expect([...new Set(run.log.obeyed.map((command) => command.name))]).toEqual(['add-mask', 'error']);
    expect(run.log.masks).toHaveLength(1);
    expect(run.log.annotations.map(({ title }) => title)).toEqual(['prunegate: a-model diverges']);
    expect(run.log.shown.join('\n')).not.toMatch(/[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u{e0000}-\u{e007f}]/u);

    for (const line of run.log.shown) expect(line.length).toBeLessThan(1000);

    const [comment, check] = [api.comments[0]!.body, api.checkRuns[0]!];
    expect(api.comments).toHaveLength(1);
    for (const [text, isLinked] of [
      [comment, true],
      [run.summary, false],
      [check.summary, false],
    ] as const) {
      const { tags, links } = actsOf(text);
      expect(tags).toEqual([]);
      const page = `https://github.com/${REPOSITORY}/`;
      expect(
        links.filter((url) => !url.startsWith(`${page}actions/runs/`) && !url.startsWith(`${page}blob/${HEAD}/m/`)),
      ).toEqual([]);
      expect(links.some((url) => url.includes('/actions/runs/'))).toBe(isLinked);
      expect(text.match(/<!--/g) ?? []).toHaveLength(isLinked ? 1 : 0);
      const read = readOf(text);
      expect(read).not.toMatch(/@[\w-]|(?<!&)#\d|\bGH-\d|:\/\/|\bwww\.|:(tada|heart_eyes):|(?<!\w)deadbeefcafe/);
      expect(read.replaceAll('\u200b', '')).not.toMatch(
        /[\u200c-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u061c\u{e0000}-\u{e007f}]/u,
      );
      for (const line of text.split('\n')) expect(line.length).toBeLessThan(4000);
    }
    for (const { title, message, path } of check.annotations) {
      expect(path).toBe('m/prune.yaml');
      expect(`${title}`).toMatch(/^prunegate: /);
      expect(`${title}`).not.toMatch(/[\r\n\u202e\u200e\u{e0041}]/u);
      expect(`${message}`).not.toMatch(/[\r\u202e\u200e\u{e0041}]/u);
    }
  });
});

describe("the report of a fork's workflow", () => {
  it('makes a comment that leads nowhere else, and no check, which could be required', async () => {
    const api = await startApi({ head: 'mallory:better-pruning' });
    open.push(api);
    const example = join(root, 'examples/mobilenet-v2');
    const { stdout } = spawnSync(
      process.execPath,
      [
        'dist/cli.cjs',
        'check',
        '--dense',
        join(example, 'dense.onnx'),
        '--pruned',
        join(example, 'pruned-naive.onnx'),
        '--spec',
        join(example, 'prune.yaml'),
        '--format',
        'json',
      ],
      { cwd: root, encoding: 'utf8' },
    );
    const report = JSON.parse(stdout);
    report.findings[0].place.file = '../../../../../mallory/evil/blob/main/x';
    report.findings[0].title = NAMES.references;
    report.notes = Object.values(NAMES);
    const run = await onPullRequest(api, {
      inputs: { mode: 'merge', reports: 'report.json', 'check-run': 'true', 'warn-only': 'true' },
      event: payload('workflow_run', {
        'workflow_run.head_sha': HEAD,
        'workflow_run.head_branch': 'better-pruning',
        'workflow_run.head_repository.full_name': 'mallory/Hello-World',
        'workflow_run.pull_requests': [],
      }),
      env: { GITHUB_EVENT_NAME: 'workflow_run' },
      prepare: (workspace) => writeFileSync(join(workspace, 'report.json'), JSON.stringify(report)),
    });
    expect(run.status).toBe(0);
    expect(api.checkRuns).toEqual([]);
    expect(run.log.annotations.map(({ title }) => title)).toContain('prunegate: the check run is left out');
    expect(api.comments).toHaveLength(1);
    const { tags, links } = actsOf(api.comments[0]!.body);
    expect(tags).toEqual([]);
    expect(links).toEqual([`https://github.com/${REPOSITORY}/actions/runs/1234`]);
  });
});
