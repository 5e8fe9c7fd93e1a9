import { sleep } from "../base/timer.ts";

/** Waits for something, but no longer than the given time, in milliseconds. */
export async function waitAtMost(ms: number, promise: Promise<unknown>): Promise<void> {
  const impatience = new AbortController();
  const impatient = sleep(ms, { signal: impatience.signal });
  try {
    await Promise.race([promise, impatient]);
  } finally {
    impatience.abort();
  }
}
