import { after } from "../base/timer.ts";

/** Limits of {@linkcode within}. */
export interface Limits {
  /** Milliseconds. */
  ms: number;
  /** Ends it earlier. */
  signal: AbortSignal;
  /** What is thrown when the time is over. */
  late(): Error;
}

/**
 * Does something that ends when its signal is aborted, within so many milliseconds. The signals are
 * joined by hand: before Deno 2.9 a signal that `AbortSignal.any` made could be collected, and with it
 * the abort, while somebody waited.
 */
export async function within<T>(
  { ms, signal, late }: Limits,
  action: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const limit = new AbortController();
  const onAbort = () => limit.abort(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  const timer = after(ms, () => limit.abort(late()));
  try {
    return await action(limit.signal);
  } finally {
    timer.stop();
    signal.removeEventListener("abort", onAbort);
  }
}
