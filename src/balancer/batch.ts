import { clearImmediate, setImmediate } from "node:timers";
import { after } from "../base/timer.ts";
import type { Settings } from "../config/options.ts";

/** Options of {@linkcode Batch}. */
export interface BatchOptions<S> {
  settings: Pick<Settings, "batchSize" | "batchDelay">;
  /** How many workers wait for a session: the size of a batch unless `batchSize` is set. */
  idleWorkers(): number;
  /** Gets the sessions of a batch, in order. */
  handOver(sessions: S[]): void;
}

/**
 * Sessions that were accepted and are handed over together: when there is one for every idle worker
 * (or `batchSize`), and at the latest at the end of the same turn of the event loop (or `batchDelay`
 * after the first).
 */
export class Batch<S> {
  readonly #options: BatchOptions<S>;
  #sessions: S[] = [];
  #cancelFlush: (() => void) | undefined;

  constructor(options: BatchOptions<S>) {
    this.#options = options;
  }

  /** How many have been accepted and not handed over. */
  get size(): number {
    return this.#sessions.length;
  }

  /** One more was accepted. */
  add(session: S): void {
    this.#sessions.push(session);
    const { settings, idleWorkers } = this.#options;
    if (this.size >= (settings.batchSize || idleWorkers())) this.flush();
    else if (this.size === 1) this.#flushLater(settings.batchDelay);
  }

  /** Hands over what there is. */
  flush(): void {
    this.#cancelFlush?.();
    this.#cancelFlush = undefined;
    if (this.size === 0) return;
    const sessions = this.#sessions;
    this.#sessions = [];
    this.#options.handOver(sessions);
  }

  #flushLater(delayMs: number): void {
    if (delayMs > 0) {
      const timer = after(delayMs, () => this.flush());
      this.#cancelFlush = () => timer.stop();
    } else {
      const immediate = setImmediate(() => this.flush());
      this.#cancelFlush = () => clearImmediate(immediate);
    }
  }
}
