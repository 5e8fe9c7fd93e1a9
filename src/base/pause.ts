import { after } from "./timer.ts";

/** A wait that somebody else may end; one at a time. */
export class Pause {
  /** Ends the wait under way. */
  #wake: (() => void) | undefined;

  /** Resolves after so many milliseconds, or as soon as {@linkcode end} is called. */
  async take(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = after(ms, resolve);
    this.#wake = resolve;
    await promise;
    this.#wake = undefined;
    timer.stop();
  }

  /** Ends the wait under way, if there is one. */
  end(): void {
    this.#wake?.();
  }
}
