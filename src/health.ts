import { delay } from "@std/async/delay";
import type { Destination } from "./destination.ts";

/** Shortest and longest time between two probes, in milliseconds. */
const FIRST_BACKOFF_MS = 100;
const LAST_BACKOFF_MS = 5000;

/** Time for one probe where connects themselves are unlimited, in milliseconds. */
const DEFAULT_PROBE_TIMEOUT_MS = 5000;

/**
 * How long to wait before the given probe (0 is the first): doubling from 100 ms to 5 s, of which a
 * random half is taken off so that several balancers do not probe in step.
 */
export function backoff(attempt: number, random: () => number = Math.random): number {
  const full = Math.min(FIRST_BACKOFF_MS * 2 ** attempt, LAST_BACKOFF_MS);
  return full / 2 + (full / 2) * random();
}

/**
 * Probes a destination that is down until a connect succeeds, one probe at a time.
 *
 * @param options.timeout Milliseconds for one connect; 0 = 5 s.
 * @param options.onFailure Called after each probe that failed.
 * @throws The signal's reason, if it is aborted.
 */
export async function untilReachable(
  destination: Destination,
  options: { signal: AbortSignal; timeout: number; onFailure: (error: Error) => void },
): Promise<void> {
  const { signal } = options;
  const timeout = options.timeout || DEFAULT_PROBE_TIMEOUT_MS;
  for (let attempt = 0;; attempt++) {
    await delay(backoff(attempt), { signal });
    const limit = AbortSignal.any([signal, AbortSignal.timeout(timeout)]);
    try {
      const conn = await destination.dialer.dial({ signal: limit, timeout });
      conn.close();
      return;
    } catch (error) {
      signal.throwIfAborted();
      options.onFailure(error as Error);
    }
  }
}
