import type { Logger } from "@logtape/logtape";
import type { Channel } from "../async/channel.ts";
import type { WorkerPool } from "./worker_pool.ts";
import type { Session } from "../session/session.ts";
import { every, type Timer } from "../base/timer.ts";

/** Time between two looks, in milliseconds. */
const PERIOD_MS = 1000;

/**
 * Looks once a second for a state that must be impossible: a session waits at the front of the line
 * although a destination has room, and that for longer than any hand-over takes. Raises an alarm in
 * the log and lets the crew grow, which ends that state whatever led to it.
 */
export class StallDetector {
  readonly #queue: Channel<Session>;
  readonly #pool: WorkerPool;
  readonly #log: Logger;
  readonly #timer: Timer;
  /** The session that waited needlessly at the latest look. */
  #suspect: Session | undefined;

  constructor(options: { queue: Channel<Session>; pool: WorkerPool; log: Logger }) {
    this.#queue = options.queue;
    this.#pool = options.pool;
    this.#log = options.log;
    this.#timer = every(PERIOD_MS, () => this.look());
  }

  /** Looks now; the second look in a row that finds the same session raises the alarm. */
  look(): void {
    const [first] = this.#queue.waiting();
    const suspect = first && this.#pool.hasRoomFor(first) ? first : undefined;
    if (suspect && suspect === this.#suspect) {
      this.#log.error("alarm: session {id} waits although there is room, which is a defect", {
        id: suspect.id,
      });
      this.#pool.grow();
    }
    this.#suspect = suspect;
  }

  stop(): void {
    this.#timer.stop();
  }
}
