import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type ReadModel, showProgress } from '../../src/process/progress.ts';

const folder = mkdtempSync(join(tmpdir(), 'prunegate-progress-'));
const small = join(folder, 'small.onnx');
writeFileSync(small, new Uint8Array(1000));

/** What is shown, with a clock of its own: `~` is what a terminal's line is written over with. */
function shown(models: readonly ReadModel[], isTerminal: boolean) {
  const lines: string[] = [];
  let time = 0;
  const out = {
    line: (text: string) => void lines.push(text),
    redraw: isTerminal ? (text: string) => void lines.push(`~${text}`) : null,
  };
  const progress = showProgress(models, out, () => time);
  return {
    lines,
    progress,
    /** After so many milliseconds. */
    read(k: number, after: number, bytes: number, layer: string | null = null) {
      time += after;
      progress.of(k).read(bytes, () => layer);
    },
  };
}

const one = (files: readonly string[], name = 'model'): ReadModel => ({ name, files });

describe('progress on a terminal', () => {
  it('shows layer, bytes and the time that is left in a line that is written over, once it takes a second', () => {
    const { lines, read, progress } = shown([one(['dense'])], true);
    progress.of(0).opened('dense', 8e9);
    read(0, 0, 1e9);
    read(0, 999, 1e9);
    expect(lines).toEqual([]);
    read(0, 1, 1e9, 'conv3');
    expect(lines).toEqual(['~layer conv3: 3.00 GB of 8.00 GB read, about 1.7 s left']);
    read(0, 149, 1e6, 'conv3');
    expect(lines).toHaveLength(1);
    read(0, 851, 999e6, 'conv4');
    expect(lines.at(-1)).toBe('~layer conv4: 4.00 GB of 8.00 GB read, about 2.0 s left');
    progress.done(0);
    expect(lines.at(-1)).toBe('~');
  });

  it('makes room for lines', () => {
    const { lines, read, progress } = shown([one([small])], true);
    progress.log('first');
    read(0, 0, 100);
    read(0, 2000, 100);
    progress.log('second');
    progress.log('third');
    expect(lines).toEqual(['first', '~200 bytes of 1,000 bytes read, about 8.0 s left', '~', 'second', 'third']);
  });

  it('names the model among several, and counts what is done and what is to come', () => {
    const models = [one([small], 'a'), one([small], 'b\u202e'), one([small], 'c')];
    const { lines, read, progress } = shown(models, true);
    read(0, 0, 100);
    progress.done(0);
    read(1, 1000, 500, 'x');
    expect(lines).toEqual(['~model 2 of 3 (b\\u202e), layer x: 1,500 bytes of 3,000 bytes read, about 1.0 s left']);
  });

  it('never has more read than there is, nor a time of what is not there yet', () => {
    const over = shown([one([small])], true);
    over.read(0, 0, 5000);
    over.read(0, 1000, 5000);
    expect(over.lines).toEqual(['~1,000 bytes of 1,000 bytes read, about 0.0 s left']);
    const unknown = shown([one([small]), one([join(folder, 'made-later.onnx')])], true);
    unknown.read(0, 0, 500);
    unknown.read(0, 1000, 100);
    expect(unknown.lines).toEqual(['~model 1 of 2 (model): 600 bytes read']);
    unknown.progress.done(1);
    unknown.read(0, 1000, 100);
    expect(unknown.lines.at(-1)).toBe('~model 1 of 2 (model): 700 bytes of 1,000 bytes read, about 0.9 s left');
  });
});

describe('progress in a log', () => {
  it('is a line every ten seconds, and none where it is done before', () => {
    const { lines, read, progress } = shown([one([small])], false);
    read(0, 0, 100);
    read(0, 9999, 100);
    progress.done(0);
    expect(lines).toEqual([]);
    read(0, 1, 300, 'conv1');
    read(0, 9999, 100, 'conv2');
    read(0, 1, 100, 'conv2');
    expect(lines).toHaveLength(2);
    expect(lines[1]).toMatch(/^layer conv2: /);
  });
});
