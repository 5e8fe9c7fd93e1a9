import { Deadlines } from "../async/deadlines.ts";
import type { Clock } from "../base/clock.ts";
import type { Settings } from "../config/options.ts";
import type { EndReason } from "../operations/end_reasons.ts";
import type { Session } from "../session/session.ts";

/** The times that end a session that has no destination, in milliseconds; 0 = off. */
type Limits = Pick<Settings, "queueTimeout" | "sessionTimeout">;

/** Options of {@linkcode WaitingTimeouts}. */
export interface WaitingTimeoutsOptions {
  /** Those in force; see {@linkcode WaitingTimeouts.review}. */
  settings: Limits;
  clock: Clock;
}

/**
 * Ends sessions that have waited too long, at that very moment and not at the next sweep: who is
 * turned away late has been waited for in vain. One timer for all of them, whatever the order in
 * which they are served; a session that never waits costs nothing.
 *
 * From when it first waits until it is connected or over, a session stands in one line by the time at
 * which it was accepted, from which these timeouts count.
 */
export class WaitingTimeouts {
  readonly #settings: Limits;
  readonly #deadlines: Deadlines<Session>;

  constructor({ settings, clock }: WaitingTimeoutsOptions) {
    this.#settings = settings;
    this.#deadlines = new Deadlines<Session>({
      limit: () => firstLimit(settings)?.ms ?? Infinity,
      clock,
      onOverdue: (session) => this.#end(session),
    });
  }

  /** How many stand in the line. */
  get size(): number {
    return this.#deadlines.size;
  }

  /** These sessions begin to wait, or have done so before. */
  watch(sessions: readonly Session[]): void {
    for (const session of sessions) {
      const done = session.stage !== "waiting" || session.deadline !== undefined;
      if (!done) session.deadline = this.#deadlines.add(session, session.acceptedAt);
    }
  }

  /** A session was connected, or is over. */
  forget(session: Session): void {
    if (session.deadline === undefined) return;
    this.#deadlines.remove(session.deadline);
    session.deadline = undefined;
  }

  /** The settings have changed: they count from now on, for those that wait already, too. */
  review(): void {
    this.#deadlines.review();
  }

  /** Nobody is ended any more. */
  stop(): void {
    this.#deadlines.stop();
  }

  #end(session: Session): void {
    session.deadline = undefined;
    const limit = firstLimit(this.#settings);
    if (limit) session.abort(limit.reason);
  }
}

/** The one that counts first, if any is on. */
export function firstLimit(
  { queueTimeout, sessionTimeout }: Limits,
): { ms: number; reason: EndReason } | undefined {
  if (sessionTimeout > 0 && (queueTimeout === 0 || sessionTimeout <= queueTimeout)) {
    return { ms: sessionTimeout, reason: "session-timeout" };
  }
  return queueTimeout > 0 ? { ms: queueTimeout, reason: "queue-timeout" } : undefined;
}
