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
  /** What is read now. */
  greeting: Greeting | undefined;
  /** When that is too late. */
  deadline: Deadline<Session> | undefined;
  /** Gets the session. */
  readonly onGreeted: (session: Session, begin: Begin) => void;
}

/**
 * The sessions whose greeting is being read, each by a task of its own beside the accept loop, each
 * greeting within the same time for all.
 */
export class Greetings implements Holder {
  readonly #options: GreetingsOptions;
  /** By their sessions. */
  readonly #entries = new Map<Session, Entry>();
  /** End those that take too long, of each greeting. */
  readonly #deadlines = new Map<Greeting, Deadlines<Session>>();
  /** Called when none is left. */
  #onIdle: (() => void) | undefined;

  constructor(options: GreetingsOptions) {
    this.#options = options;
    const { greetings, clock } = options;
    for (const greeting of greetings) {
      const onOverdue = (session: Session) => this.#onLate(session);
      const limit = () => greeting.timeout;
      this.#deadlines.set(greeting, new Deadlines({ limit, clock, onOverdue }));
    }
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
    const entry: Entry = { opening, greeting: undefined, deadline: undefined, onGreeted };
    this.#entries.set(session, entry);
    tasks.add(this.#run(session, due, entry));
  }

  /** Resolves once none is read any more; one wait at a time. */
  idle(): Promise<void> {
    if (this.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onIdle = resolve);
  }

  /** The time that greetings may take has changed: it counts for those under way, too. */
  review(): void {
    for (const deadlines of this.#deadlines.values()) deadlines.review();
  }

  /** Ends waiting for what is overdue; nobody is greeted any more. */
  close(): void {
    for (const deadlines of this.#deadlines.values()) deadlines.stop();
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

  async #run(session: Session, due: readonly Greeting[], entry: Entry): Promise<void> {
    const { buffers, onEnd, onDefect } = this.#options;
    const { opening } = entry;
    let failure: Failure | undefined;
    try {
      for (const greeting of due) {
        entry.greeting = greeting;
        entry.deadline = this.#deadlines.get(greeting)!.add(session);
        await greeting.greet(opening, session);
        if (!this.#entries.has(session)) break;
        this.#untime(entry);
        entry.deadline = undefined;
      }
    } catch (error) {
      if (error instanceof GreetingFailure) {
        const { reason, message: problem, quiet, lastWords } = error;
        failure = { reason, problem, quiet };
        if (this.#entries.has(session)) session.lastWords = lastWords;
      } else {
        failure = { reason: "error" };
        if (this.#entries.has(session)) onDefect(session, error);
      }
    }
    const ended = !this.#leave(session);
    const begin = opening.handOver();
    if (!begin) return;
    if (!ended && !failure) {
      session.client = opening.stream;
      return entry.onGreeted(session, begin);
    }
    // What a greeting has made of the client's stream is nobody else's.
    if (ended && opening.stream !== session.client) opening.stream.close();
    // Nobody reads into it any more.
    buffers.give(begin.buffer);
    if (!ended && failure) {
      session.conclude(failure.reason);
      onEnd(session, failure);
    }
  }

  /** The time for what is read of a session is over. */
  #onLate(session: Session): void {
    const entry = this.#entries.get(session)!;
    // One that is overdue has been removed.
    entry.deadline = undefined;
    if (!entry.greeting!.late?.(session)) return session.abort("greeting-timeout");
    this.#leave(session);
    session.client = entry.opening.stream;
    entry.onGreeted(session, entry.opening.handOver()!);
  }

  /** What was read of a session was in time. */
  #untime({ greeting, deadline }: Entry): void {
    if (deadline) this.#deadlines.get(greeting!)!.remove(deadline);
  }

  /** A session's greeting is over; `false` if it has been before. */
  #leave(session: Session): boolean {
    const entry = this.#entries.get(session);
    if (!entry) return false;
    this.#entries.delete(session);
    this.#untime(entry);
    entry.deadline = undefined;
    session.holder = undefined;
    if (this.size === 0) this.#onIdle?.();
    return true;
  }
}
