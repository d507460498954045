import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

interface Job {
  readonly needs?: string | readonly string[];
  readonly permissions?: Readonly<Record<string, string>>;
  readonly 'timeout-minutes'?: number;
}

interface Workflow {
  readonly permissions?: unknown;
  readonly jobs: Readonly<Record<string, Job>>;
}

const folder = join(import.meta.dirname, '../../.github/workflows');
const workflows = readdirSync(folder).map((name) => {
  const text = readFileSync(join(folder, name), 'utf8');
  const workflow: Workflow = parse(text);
  return { name, text, workflow };
});

describe.each(workflows)('$name', ({ text, workflow }) => {
  it('pins every action to a commit and says which version that is', () => {
    const used = [...text.matchAll(/^\s*(?:- )?uses: (.+)$/gm)].map(([, what]) => what!);
    expect(used.length).toBeGreaterThan(0);
    const loose = used.filter(
      (what) => !/^\.\/(\s|$)/.test(what) && !/^[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(what),
    );
    expect(loose).toEqual([]);
  });

  it('gives a job the permissions that it asks for, and none beside', () => {
    expect(workflow.permissions).toEqual({});
    for (const [name, job] of Object.entries(workflow.jobs)) expect(job.permissions, name).toBeDefined();
  });

  it('ends every job in time', () => {
    for (const [name, job] of Object.entries(workflow.jobs)) expect(job['timeout-minutes'], name).toBeGreaterThan(0);
  });
});

describe('ci.yml', () => {
  it('has one job that needs all others, to be required for merging', () => {
    const jobs = workflows.find(({ name }) => name === 'ci.yml')!.workflow.jobs;
    const others = Object.keys(jobs).filter((name) => name !== 'all-passed');
    expect([...(jobs['all-passed']?.needs ?? [])].sort()).toEqual(others.sort());
  });
});
