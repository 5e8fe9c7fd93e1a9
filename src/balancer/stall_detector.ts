import type { Logger } from "@logtape/logtape";
import type { Queue } from "./queue.ts";
import type { WorkerPool } from "./worker_pool.ts";
import type { Session } from "../session/session.ts";
import { every, type Timer } from "../base/timer.ts";

/** Time between two looks, in milliseconds. */
const PERIOD_MS = 1000;

/**
 * Looks once a second for a state that must be impossible: a session is the first to wait although a
 * destination that may serve it has a free slot, and that for longer than any hand-over takes. Raises
 * an alarm in the log and lets the worker pool grow, which ends that state whatever led to it.
 */
export class StallDetector {
  readonly #queue: Pick<Queue, "firsts">;
  readonly #pool: Pick<WorkerPool, "grow"> & { hasRoomFor(session: Session): boolean };
  readonly #log: Logger;
  /** Looks from time to time. */
  readonly #timer: Timer;
  /** The session that waited needlessly at the latest look. */
  #suspect: Session | undefined;

  constructor(
    options: {
      queue: Pick<Queue, "firsts">;
      pool: Pick<WorkerPool, "grow"> & { hasRoomFor(session: Session): boolean };
      log: Logger;
    },
  ) {
    this.#queue = options.queue;
    this.#pool = options.pool;
    this.#log = options.log;
    this.#timer = every(PERIOD_MS, () => this.look());
  }

  /** Looks now; the second look in a row that finds the same session raises the alarm. */
  look(): void {
    const suspect = this.#find();
    if (suspect && suspect === this.#suspect) {
      this.#log.error("alarm: session {id} waits although a slot is free, which is a defect", {
        id: suspect.id,
      });
      this.#pool.grow();
    }
    this.#suspect = suspect;
  }

  #find(): Session | undefined {
    for (const first of this.#queue.firsts()) if (this.#pool.hasRoomFor(first)) return first;
    return undefined;
  }

  stop(): void {
    this.#timer.stop();
  }
}
