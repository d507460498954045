import type { LockableModel } from '../lock/index.ts';
import type { ModelNumbers, Report } from '../report/index.ts';

/** What a command found out about one model. */
export interface Checked {
  readonly report: Report;
  /** The command that explains the spec's decisions on this model. */
  readonly explain: string | null;
  /** The values behind its layers; null where nobody asked for a picture of them. */
  readonly numbers: ModelNumbers | null;
  /** What a lock would say of the model; null where nobody asked. */
  readonly lockable: LockableModel | null;
  /** 0 fine, 1 diverges, 3 unverifiable (product contract). */
  readonly exitCode: 0 | 1 | 3;
}
