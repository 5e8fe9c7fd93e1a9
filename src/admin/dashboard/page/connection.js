// @ts-check
/// <reference lib="dom" />
import { ask, readEvents, TokenError } from "./api.js";

/** Waits before the next attempt; the last one again and again. */
const BACK_OFF_MS = [500, 1000, 2000, 4000, 8000];
/** The program tells its status each second: after so long without a byte, the connection is dead. */
const SILENCE_MS = 5000;

/**
 * The stream of events, opened again whenever it ends.
 *
 * @typedef {object} Hooks
 * @property {() => void} opened A new stream begins: the recent events come again.
 * @property {(event: string, data: string) => void} event
 * @property {(retryAt: number, closed: boolean) => void} lost Whether the program has closed the stream itself.
 * @property {() => Promise<void>} tokenWanted Resolves as soon as there is another token.
 */
export class Connection {
  #hooks;
  #failures = 0;
  /** @type {() => void} */
  #retry = () => {};

  /** @param {Hooks} hooks */
  constructor(hooks) {
    this.#hooks = hooks;
  }

  /** Tries again at once instead of waiting. */
  retry() {
    this.#retry();
  }

  /** Follows the events for ever. */
  async run() {
    for (;;) {
      let closed = false;
      try {
        await this.#follow();
        closed = true;
      } catch (error) {
        if (error instanceof TokenError) {
          await this.#hooks.tokenWanted();
          continue;
        }
      }
      const wait = BACK_OFF_MS[Math.min(this.#failures++, BACK_OFF_MS.length - 1)] ?? 0;
      this.#hooks.lost(performance.now() + wait, closed);
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, wait);
        this.#retry = () => {
          clearTimeout(timer);
          resolve(undefined);
        };
      });
    }
  }

  async #follow() {
    const silence = new AbortController();
    let timer = setTimeout(() => silence.abort(), SILENCE_MS);
    const heard = () => {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENCE_MS);
    };
    try {
      const { body } = await ask("/events", { signal: silence.signal });
      if (!body) return;
      this.#hooks.opened();
      await readEvents(body, (event, data) => {
        if (event === "status") this.#failures = 0;
        this.#hooks.event(event, data);
      }, heard);
    } finally {
      clearTimeout(timer);
    }
  }
}
