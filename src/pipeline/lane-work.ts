import type { ModelRequest, RequestData } from '../config/index.ts';
import type { InputErrorDetails } from '../errors/input-error.ts';
import { check } from './check.ts';
import type { Checked } from './checked.ts';
import type { Confines } from './confine.ts';
import { expect } from './expect.ts';
import type { Host } from './host.ts';
import { recover } from './recover.ts';

/** Commands on models that may take two at a time. */
export type LaneCommand = 'check' | 'expect' | 'recover';

export function laneCommand(name: LaneCommand): (request: ModelRequest, host: Host) => Promise<Checked> {
  switch (name) {
    case 'check':
      return check;
    case 'expect':
      return expect;
    case 'recover':
      return recover;
  }
}

/** What a lane is told once, with the earlier run, which holds reports of all models. Plain data: it goes to another thread. */
export interface LaneOrder extends Pick<Host, 'baseline'> {
  readonly command: LaneCommand;
  readonly confines: Confines | null;
}

/** One model for a lane. */
export interface LaneTask {
  readonly request: RequestData;
  readonly host: HostData;
}

/** What of one model's host is plain data. Nothing is run or executed in a lane. */
export type HostData = Omit<Host, 'log' | 'commandLog' | 'reading' | 'runtime' | 'baseline'>;

/** What a lane says of the model that it has. */
export type LaneMessage =
  | { readonly kind: 'line'; readonly line: string }
  | { readonly kind: 'opened'; readonly path: string; readonly bytes: number }
  | { readonly kind: 'read'; readonly bytes: number; readonly layer: string | null }
  | { readonly kind: 'checked'; readonly checked: Checked }
  | { readonly kind: 'refused'; readonly message: string; readonly details: InputErrorDetails }
  | { readonly kind: 'failed'; readonly error: unknown };
