import { describe, expect, it } from 'vitest';
import { readEvent } from '../../src/github/events.ts';
import { linkTo, runPage } from '../../src/github/links.ts';

const event = readEvent({
  GITHUB_ACTIONS: 'true',
  GITHUB_EVENT_NAME: 'push',
  GITHUB_REPOSITORY: 'octo/pruned',
  GITHUB_SHA: 'a'.repeat(40),
  GITHUB_RUN_ID: '100',
  GITHUB_RUN_ATTEMPT: '1',
  GITHUB_SERVER_URL: 'https://ghes.example',
})!;
const blob = `https://ghes.example/octo/pruned/blob/${'a'.repeat(40)}`;

describe('a link', () => {
  it.each([
    ['specs/prune.yaml', 6, `${blob}/specs/prune.yaml#L6`, 'specs/prune.yaml, line 6'],
    ['specs/prune.yaml', null, `${blob}/specs/prune.yaml`, 'specs/prune.yaml'],
    ['a (b)/c d#e?.yaml', 1, `${blob}/a%20%28b%29/c%20d%23e%3F.yaml#L1`, 'a (b)/c d#e?.yaml, line 1'],
    ['ü%/[x].yaml', 1, `${blob}/%C3%BC%25/%5Bx%5D.yaml#L1`, 'ü%/[x].yaml, line 1'],
  ])('to %s, line %j, is a page of the judged commit and no markdown', (file, line, url, text) => {
    expect(linkTo({ file, line }, event)).toEqual({ text, url });
  });

  it('is none where there is no file or no server', () => {
    expect(linkTo({ file: null, line: 1 }, event)).toBeNull();
    expect(linkTo({ file: 'x', line: 1 }, null)).toBeNull();
    expect(linkTo({ file: 'x', line: 1 }, { ...event, serverUrl: null })).toBeNull();
  });

  it('to the run names the attempt where it was started again', () => {
    expect(runPage(event)).toBe('https://ghes.example/octo/pruned/actions/runs/100');
    expect(runPage({ ...event, runAttempt: 3 })).toBe('https://ghes.example/octo/pruned/actions/runs/100/attempts/3');
    expect(runPage({ ...event, runId: null })).toBeNull();
  });
});
