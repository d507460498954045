import { fstatSync, statSync, writeSync } from 'node:fs';
import { devNull } from 'node:os';

/**
 * One of this process's two outputs. Node's own stream for it is made where something needs one: a terminal, a command's log, a pipe that is full.
 * With what it loads it takes 4 of the 90 ms that a check of a small model adds to Node's own start.
 */
export interface Output {
  write(text: string): void;
  /** Whether lines in it are seen by somebody at once, who may want them coloured. */
  readonly isTerminal: boolean;
  /** Node's own. */
  stream(): NodeJS.WriteStream;
  /** Calls back once all is written. */
  finish(done: () => void): void;
}

/** @param descriptor of what is open from the start on, 1 for stdout and 2 for stderr */
export function outputTo(descriptor: 1 | 2): Output {
  const isTerminal = couldBeTerminal(descriptor);
  let made: NodeJS.WriteStream | null = null;
  const stream = (): NodeJS.WriteStream => {
    if (made !== null) return made;
    made = descriptor === 1 ? process.stdout : process.stderr;
    // A reader that closes early (`| head`) is no error.
    made.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
    return made;
  };
  return {
    isTerminal,
    stream,
    write(text) {
      const rest = isTerminal || made !== null ? text : unwritten(descriptor, Buffer.from(text));
      if (rest.length > 0) stream().write(rest);
    },
    finish(done) {
      if (made === null) done();
      else made.write('', () => done());
    },
  };
}

/** What could not be written yet: the pipe is full, and whoever made it wants nobody to wait for it. */
function unwritten(descriptor: number, bytes: Buffer): Buffer {
  let written = 0;
  try {
    while (written < bytes.length) written += writeSync(descriptor, bytes, written);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    if (code === 'EPIPE') return bytes.subarray(bytes.length);
    if (code !== 'EAGAIN') throw error;
  }
  return bytes.subarray(written);
}

/** Without node:tty, which loads the network. */
function couldBeTerminal(descriptor: number): boolean {
  try {
    const stats = fstatSync(descriptor);
    return !stats.isFile() && !stats.isFIFO() && !stats.isSocket() && stats.rdev !== statSync(devNull).rdev;
  } catch {
    return true;
  }
}
