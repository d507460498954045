import type { RuntimeSources } from '../execution/index.ts';
import type { CommandLog } from '../process/index.ts';
import type { Reading } from '../process/progress.ts';
import type { EarlierRun } from './baseline.ts';

/** What the steps need of the program around them. */
export interface Host {
  /** prunegate's own version, for the report. */
  readonly version: string;
  /** Where the repository was checked out, as reviewers see it; the process's folder where nothing is said. */
  readonly root?: string;
  /** Tells the progress of long work, a line at a time. Never part of the result. */
  log(line: string): void;
  /** Hears how far reading the model's files has come. */
  readonly reading?: Reading;
  /** Whether the report shall hold the models' SHA-256. */
  readonly isHashed: boolean;
  /** Whether the values behind all layers are wanted, for a picture of them. */
  readonly isPictured?: boolean;
  /** What the workflow names as the earlier run to compare with, in place of what a request names. */
  readonly baseline?: EarlierRun;
  /** Whether what a lock would say is asked for. */
  readonly isLocking?: boolean;
  /** Folder for what a check makes where no report-dir is given; without it, one that goes with the check. */
  readonly folder?: string;
  /** Where the output of the user's commands is shown; by lines of `log` where there is none. */
  readonly commandLog?: CommandLog;
  /** Where onnxruntime may come from; from the project alone, never installed, where nothing is said. */
  readonly runtime?: RuntimeSources;
}
