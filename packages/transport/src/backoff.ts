/** How long to wait before the next try: twice as long each time, up to a bound, less a random part. */
export interface Backoff {
  readonly firstMs: number;
  readonly mostMs: number;
  /** From 0 to 1: which part of a wait is random, so that all members do not come back at one moment. */
  readonly jitter: number;
}

export const BACKOFF: Backoff = { firstMs: 250, mostMs: 15_000, jitter: 0.5 };

/** `attempt` counts from 0, `chance` is uniform in [0, 1). */
export const backoffMs = ({ firstMs, mostMs, jitter }: Backoff, attempt: number, chance: number): number =>
  Math.min(mostMs, firstMs * 2 ** Math.min(attempt, 30)) * (1 - jitter * chance);
