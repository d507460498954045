/**
 * What dist/cli.cjs loads only when it is asked for, as a bundle of its own: parsing it with the rest would take a tenth of the time
 * that checking a small model takes. scripts/build.mjs puts it in the place of the command line's dynamic imports.
 */
export * from '../execution/index.ts';
export * from '../github/events.ts';
export * from '../github/trust.ts';
export * from '../process/index.ts';
export * from './explain.ts';
export * from './merge.ts';
export * from './plan.ts';
export * from './prune.ts';
