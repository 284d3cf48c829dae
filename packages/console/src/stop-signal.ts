/** Why a run stopped early. Thrown by `signal.throwIfAborted()`; ends a command with the exit code `interrupted`. */
export class StopRequested extends Error {
  override readonly name = "StopRequested";
  readonly signal: string;

  constructor(signal: string) {
    super(`stopped by ${signal}`);
    this.signal = signal;
  }
}

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

let controller: AbortController | undefined;

/**
 * Aborts, with a {@link StopRequested}, at the first SIGINT or SIGTERM, so that the command can save and end. A second
 * one ends the process at once, as if nobody had listened. Every call gives the same signal.
 */
export const stopSignal = (): AbortSignal => {
  controller ??= listen();
  return controller.signal;
};

const listen = (): AbortController => {
  const stop = new AbortController();
  const onSignal = (signal: NodeJS.Signals) => {
    if (!stop.signal.aborted) {
      stop.abort(new StopRequested(signal));
      return;
    }
    for (const name of SIGNALS) process.removeAllListeners(name);
    process.kill(process.pid, signal);
  };
  for (const name of SIGNALS) process.on(name, onSignal);
  return stop;
};
