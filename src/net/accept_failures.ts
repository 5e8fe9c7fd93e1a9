import type { Logger } from "@logtape/logtape";
import { setImmediate } from "node:timers";
import { codeOf, messageOf } from "../base/errors.ts";
import { isDescriptorShortage } from "./free_descriptors.ts";
import { sleep } from "../base/timer.ts";

/** Shortest and longest pause after an accept that failed, in milliseconds. */
export const FIRST_PAUSE_MS = 10;
const LAST_PAUSE_MS = 1000;

/** Accept errors that cost only the one connection: the next one may follow at once. */
const ONE_CONNECTION = ["ECONNABORTED", "ENOTCONN", "EPROTO"];

/** Options of {@linkcode AcceptFailures}. */
export interface AcceptFailuresOptions {
  log: Logger;
  /** What pauses, for the log; "accepting" if absent. */
  what?: string;
  /** Called when it failed for want of descriptors. */
  onShortage?: (() => void) | undefined;
}

/**
 * How an accept loop survives every error: it pauses, longer each time up to a second, logs the
 * first of a row, and goes on.
 */
export class AcceptFailures {
  readonly #options: AcceptFailuresOptions;
  readonly #what: string;
  #number = 0;

  constructor(options: AcceptFailuresOptions) {
    this.#options = options;
    this.#what = options.what ?? "accepting";
  }

  /** How many there were since the last accept that succeeded. */
  get number(): number {
    return this.#number;
  }

  /** An accept has succeeded. */
  over(): void {
    if (this.#number === 0) return;
    this.#number = 0;
    this.#options.log.info("{what} again", { what: this.#what });
  }

  /** An accept has failed: resolves when it may be tried again, or the signal is aborted. */
  async pause(error: unknown, options: { signal?: AbortSignal } = {}): Promise<void> {
    const { log, onShortage } = this.#options;
    const reason = messageOf(error);
    if (ONE_CONNECTION.includes(codeOf(error) ?? "")) {
      log.debug("a client was gone before it was accepted: {reason}", { reason });
      return await nextTurn();
    }
    if (isDescriptorShortage(error)) onShortage?.();
    if (this.#number === 0) {
      log.warning("{what} pauses until it works again: {reason}", { what: this.#what, reason });
    }
    const ms = Math.min(FIRST_PAUSE_MS * 2 ** this.#number++, LAST_PAUSE_MS);
    await sleep(ms, options);
  }
}

/** The next turn of the event loop. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
