import { defineConfig } from 'vitest/config';

/** The tests of the part that is changed, and no other. */
export default defineConfig({
  test: {
    include: process.env['MUTATION_TESTS']!.split(';'),
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 1,
  },
});
