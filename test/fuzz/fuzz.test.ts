import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/errors/input-error.ts';
import { TARGETS, type Target } from './targets.ts';

/** `npm run fuzz` takes hundreds of thousands; every change takes some. */
const RUNS = Number(process.env['FUZZ_RUNS'] ?? 150);
const SEED = Number(process.env['FUZZ_SEED'] ?? 1);
/** Milliseconds of the processor that the smallest input may take. Only the long runs look: other work slows the short ones. */
const MOST_MS = process.env['FUZZ_RUNS'] === undefined ? Number.POSITIVE_INFINITY : 1500;
/** What is being read, should it take for ever or end the process. */
const LAST = process.env['FUZZ_LAST'];
/** What was found, by target. */
const CORPUS = join(import.meta.dirname, '../fixtures/fuzz');

/** A value, or an error that a user reads in one line: nothing else. */
function read(target: Target, input: Uint8Array): void {
  const before = process.cpuUsage();
  try {
    target.read(input);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    expect(error.message).not.toMatch(/[\n\r]/);
    expect(error.message.length).toBeLessThan(4096);
  }
  const { user } = process.cpuUsage(before);
  expect(user / 1000).toBeLessThan(MOST_MS);
}

describe.each(TARGETS.map((target) => [target.name, target] as const))('%s', (name, target) => {
  it('gives a value or an error of one line, whatever it reads', () => {
    const property = fc.property(target.inputs, (input) => {
      if (LAST !== undefined) writeFileSync(join(LAST, `last-${name}`), input);
      read(target, input);
    });
    fc.assert(property, { numRuns: RUNS, seed: SEED, endOnFailure: true });
  }, 3_600_000);

  const folder = join(CORPUS, name);
  it.each(existsSync(folder) ? readdirSync(folder) : [])('does so with what was found before: %s', (file) => {
    read(target, new Uint8Array(readFileSync(join(folder, file))));
  });
});
