export { type Cancel, CancelledError, cancellable } from './cancel.ts';
export { type CommandRun, runCommands } from './commands.ts';
export { type Gpu, type GpuFacts, listGpus } from './gpu.ts';
export type { CommandLog } from './log.ts';
export { askProgram } from './program.ts';
