export { type Cancel, CancelledError, cancellable } from './cancel.ts';
export { type CommandRun, runCommands } from './commands.ts';
export { type Gpu, type GpuFacts, listGpus } from './gpu.ts';
export { type CommandLog, groupLog, plainLog } from './log.ts';
export { neutral } from './neutral.ts';
export { askProgram } from './program.ts';
