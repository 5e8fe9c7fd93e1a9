import { type Deadline, Deadlines } from "../../async/deadlines.ts";
import type { TaskGroup } from "../../async/task_group.ts";
import type { Clock } from "../../base/clock.ts";
import { plural } from "../../base/text.ts";
import type { BufferPool } from "../../net/buffer_pool.ts";
import type { EndReason } from "../../operations/end_reasons.ts";
import type { Begin } from "../../session/read_ahead.ts";
import type { Holder, Session } from "../../session/session.ts";
import { GreetingFailure } from "./failure.ts";
import type { Greeting } from "./greeting.ts";
import { Opening } from "./opening.ts";

/** Options of {@linkcode Greetings}. */
export interface GreetingsOptions {
  /** In the order in which they stand in a connection. */
  greetings: readonly Greeting[];
  buffers: BufferPool;
  clock: Clock;
  /** Gets what goes on beside a session. */
  tasks: Pick<TaskGroup, "add">;
  /** Learns of a session that ends in its greeting: it is to be closed. */
  onEnd(session: Session, failure: Failure): void;
  /** Learns of a defect. */
  onDefect(session: Session, error: unknown): void;
}

/** Why a session ended in its greeting. */
export interface Failure {
  readonly reason: EndReason;
  /** What exactly was wrong; absent if somebody else has ended it. */
  readonly problem?: string;
  /** Whether the log need not say so. */
  readonly quiet?: boolean;
}

/** One session whose greeting is read. */
interface Entry {
  readonly opening: Opening;
  readonly deadline: Deadline<Session>;
}

/**
 * The sessions whose greeting is being read, each by a task of its own beside the accept loop, all
 * within the same time.
 */
export class Greetings implements Holder {
  readonly #options: GreetingsOptions;
  /** By their sessions. */
  readonly #entries = new Map<Session, Entry>();
  /** Ends those that take too long. */
  readonly #deadlines: Deadlines<Session>;
  /** Called when none is left. */
  #onIdle: (() => void) | undefined;

  constructor(options: GreetingsOptions) {
    this.#options = options;
    const { greetings, clock } = options;
    this.#deadlines = new Deadlines({
      limit: () => greetings.reduce((sum, { timeout }) => sum + timeout, 0),
      clock,
      onOverdue: (session) => session.abort("greeting-timeout"),
    });
  }

  /** How many are read now. */
  get size(): number {
    return this.#entries.size;
  }

  /** Whether a connection begins with something that has to be read first. */
  concern(session: Session): boolean {
    for (const greeting of this.#options.greetings) {
      if (greeting.concerns(session.client)) return true;
    }
    return false;
  }

  /**
   * Begins to read what concerns a session, and returns at once.
   *
   * @param onGreeted Called later, unless the session has ended by then, with what has come of the
   * payload; the buffer is the callee's from then on.
   */
  begin(session: Session, onGreeted: (session: Session, begin: Begin) => void): void {
    const { greetings, buffers, tasks } = this.#options;
    const due = greetings.filter((greeting) => greeting.concerns(session.client));
    const opening = new Opening(session.client, buffers);
    session.stage = "greeting";
    session.holder = this;
    this.#entries.set(session, { opening, deadline: this.#deadlines.add(session) });
    tasks.add(this.#run(session, { due, opening, onGreeted }));
  }

  /** Resolves once none is read any more; one wait at a time. */
  idle(): Promise<void> {
    if (this.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onIdle = resolve);
  }

  /** The time that greetings may take has changed: it counts for those under way, too. */
  review(): void {
    this.#deadlines.review();
  }

  /** Ends waiting for what is overdue; nobody is greeted any more. */
  close(): void {
    this.#deadlines.stop();
  }

  /** A session ends before its greeting has: it takes too long, or somebody has ended it. */
  onAbort(session: Session): void {
    const reason = session.reason!;
    const { received } = this.#entries.get(session)!.opening;
    this.#leave(session);
    this.#options.onEnd(session, {
      reason,
      ...reason === "greeting-timeout" && {
        problem: `has sent ${received === 0 ? "nothing" : plural(received, "byte")} in time`,
      },
    });
  }

  async #run(
    session: Session,
    { due, opening, onGreeted }: {
      due: readonly Greeting[];
      opening: Opening;
      onGreeted: (session: Session, begin: Begin) => void;
    },
  ): Promise<void> {
    const { buffers, onEnd, onDefect } = this.#options;
    let failure: Failure | undefined;
    try {
      for (const greeting of due) {
        await greeting.greet(opening, session);
        if (!this.#entries.has(session)) break;
      }
    } catch (error) {
      if (error instanceof GreetingFailure) {
        const { reason, message: problem, quiet } = error;
        failure = { reason, problem, quiet };
      } else {
        failure = { reason: "error" };
        if (this.#entries.has(session)) onDefect(session, error);
      }
    }
    const ended = !this.#leave(session);
    if (!ended && !failure) {
      session.client = opening.stream;
      return onGreeted(session, opening.handOver());
    }
    // Nobody reads into it any more.
    buffers.give(opening.handOver().buffer);
    if (!ended && failure) {
      session.conclude(failure.reason);
      onEnd(session, failure);
    }
  }

  /** A session's greeting is over; `false` if it has been before. */
  #leave(session: Session): boolean {
    const entry = this.#entries.get(session);
    if (!entry) return false;
    this.#entries.delete(session);
    // One that is overdue has been removed.
    if (session.reason !== "greeting-timeout") this.#deadlines.remove(entry.deadline);
    session.holder = undefined;
    if (this.size === 0) this.#onIdle?.();
    return true;
  }
}
