/** A run that has to stop: Ctrl-C, or the runner, which sends SIGINT, after 7.5 seconds SIGTERM, and kills 2.5 seconds later. */
export interface Cancel {
  /** Resolves with the first signal; never where there is none. */
  readonly requested: Promise<NodeJS.Signals>;
  /** Aborted by the second signal. */
  readonly again: AbortSignal;
}

/** What is thrown once a cancelled command has ended. */
export class CancelledError extends Error {
  override readonly name = 'CancelledError';

  readonly signal: NodeJS.Signals;

  constructor(message: string, signal: NodeJS.Signals) {
    super(message);
    this.signal = signal;
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Does work that signals cancel; before and after it they end this process, as ever. */
export async function cancellable<T>(work: (cancel: Cancel) => Promise<T>): Promise<T> {
  const again = new AbortController();
  let listener: NodeJS.SignalsListener = () => {};
  const requested = new Promise<NodeJS.Signals>((resolve) => {
    let isRequested = false;
    listener = (signal) => {
      if (isRequested) again.abort();
      isRequested = true;
      resolve(signal);
    };
  });
  for (const signal of SIGNALS) process.on(signal, listener);
  try {
    return await work({ requested, again: again.signal });
  } finally {
    for (const signal of SIGNALS) process.removeListener(signal, listener);
  }
}
