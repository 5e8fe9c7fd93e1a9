/**
 * Milliseconds since an arbitrary start, never going backwards.
 *
 * `performance.now` in the program; tests pass one of their own where they need to control time.
 */
export type Clock = () => number;

/** The machine's monotonic clock. */
export function monotonic(): number {
  return performance.now();
}
