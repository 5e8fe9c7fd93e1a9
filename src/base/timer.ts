/**
 * The longest time that a timer of the runtime takes, in milliseconds; a longer one fires at once.
 * https://html.spec.whatwg.org/multipage/timers-and-user-prompts.html#timer-initialisation-steps
 * takes the time as a signed 32-bit integer.
 */
const LONGEST_MS = 2 ** 31 - 1;

/** A timer that runs; it keeps the program alive until it has fired or is stopped. */
export interface Timer {
  /** Nothing fires any more. It may be stopped several times. */
  stop(): void;
}

/**
 * Calls back once after so many milliseconds, however many; never after `Infinity`.
 *
 * All timers of the program begin here: one that depends on an option may be longer than the
 * runtime's timers can be, and is made of several of them.
 */
export function after(ms: number, action: () => void): Timer {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const start = (left: number) => {
    const leg = Math.min(left, LONGEST_MS);
    timer = setTimeout(() => left > leg ? start(left - leg) : action(), leg);
  };
  if (ms !== Infinity) start(ms);
  return { stop: () => clearTimeout(timer) };
}

/** Calls back again and again, with so many milliseconds in between, until it is stopped. */
export function every(ms: number, action: () => void): Timer {
  if (ms <= LONGEST_MS) {
    const timer = setInterval(action, ms);
    return { stop: () => clearInterval(timer) };
  }
  let timer: Timer;
  let stopped = false;
  const start = () => {
    timer = after(ms, () => {
      action();
      if (!stopped) start();
    });
  };
  start();
  return {
    stop() {
      stopped = true;
      timer.stop();
    },
  };
}

/** Resolves after so many milliseconds, or as soon as the signal is aborted. */
export function sleep(ms: number, options: { signal?: AbortSignal } = {}): Promise<void> {
  const { signal } = options;
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const end = () => {
      timer.stop();
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = after(ms, end);
    signal?.addEventListener("abort", end);
  });
}
