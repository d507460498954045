/** Stryker's settings for one part of the code; run.mjs says which, by MUTATE and MUTATION_TESTS. */
export default {
  testRunner: 'vitest',
  plugins: ['@stryker-mutator/vitest-runner'],
  vitest: { configFile: 'mutation/vitest.config.ts', related: false },
  coverageAnalysis: 'perTest',
  // What runs when a module is loaded needs every test anew; it is counted as ignored.
  ignoreStatic: true,
  mutate: process.env.MUTATE.split(','),
  // A text that a user reads is held by the tests of texts.
  mutator: { excludedMutations: ['StringLiteral'] },
  concurrency: Number(process.env.MUTATION_CONCURRENCY ?? 1),
  // A machine that does other things as well is slow, and a change that is slow is no killed one.
  timeoutMS: 90_000,
  reporters: ['json', 'clear-text'],
  clearTextReporter: { allowColor: false, reportTests: false, reportScoreTable: false },
  jsonReporter: { fileName: process.env.MUTATION_REPORT },
  tempDirName: '.stryker-tmp',
  ignorePatterns: ['docs', 'bench', 'site', 'recipes', '.github'],
  disableTypeChecks: false,
};
