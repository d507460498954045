import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Two cores are what the smallest runner has; more workers only wait for one another.
    maxWorkers: 2,
    // .ci/run asks for the numbers as a file.
    ...(process.env['VITEST_JSON']
      ? { reporters: ['default', 'json'], outputFile: { json: process.env['VITEST_JSON'] } }
      : {}),
    coverage: { provider: 'v8', include: ['src/**/*.ts'], exclude: ['**/*.generated.*'], reporter: ['text-summary'] },
  },
});
