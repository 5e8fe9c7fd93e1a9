import type { Clock } from "../base/clock.ts";
import type { SessionObserver } from "./session_observer.ts";
import { type Session } from "./session.ts";
import { END_REASONS, type EndReason, type Outcome } from "../operations/end_reasons.ts";

/**
 * Every session that is alive, and how many have ended in which way. Those whose greeting is being
 * read are alive, but not admitted: nobody is told of their end.
 *
 * At any moment `accepted` equals the live sessions plus the sum of `ended`.
 */
export class SessionRegistry {
  /** Live sessions in the order in which they were accepted or, after a greeting, admitted. */
  readonly live = new Set<Session>();
  /** Sessions accepted so far. */
  accepted = 0;
  /** Sessions that ended so far, by reason. */
  readonly ended: Record<EndReason, number>;
  /** Bytes of the ended sessions, client to destination. */
  bytesUp = 0;
  /** Bytes of the ended sessions, destination to client. */
  bytesDown = 0;
  /** Sessions that were called done although a byte that was read was not written. */
  #incomplete = 0;
  readonly #clock: Clock;
  /** Told of each session that has ended. */
  readonly #observer: SessionObserver;
  /** Called whenever a session has ended. */
  readonly #onChange = new Set<() => void>();

  constructor(options: { clock: Clock; observer: SessionObserver }) {
    this.#clock = options.clock;
    this.#observer = options.observer;
    const reasons = Object.keys(END_REASONS) as EndReason[];
    this.ended = Object.fromEntries(reasons.map((reason) => [reason, 0])) as typeof this.ended;
  }

  /** Ended sessions and refused connections by what that means. */
  get outcomes(): Record<Outcome, number> {
    const outcomes = { finished: 0, cut: 0, refused: 0, "timed out": 0, aborted: 0 };
    for (const [reason, number] of Object.entries(this.ended)) {
      outcomes[END_REASONS[reason as EndReason].outcome] += number;
    }
    return outcomes;
  }

  /**
   * Whether nothing got lost: every accepted connection is alive or has ended once, and in every
   * session that is done each byte that was read was written.
   */
  get balanced(): boolean {
    const ended = Object.values(this.ended).reduce((sum, number) => sum + number, 0);
    return this.accepted === this.live.size + ended && this.#incomplete === 0;
  }

  /** Counts a new session. */
  open(session: Session): void {
    this.accepted++;
    this.live.add(session);
  }

  /** A session has had its greeting: it stands behind those that were admitted before. */
  admit(session: Session): void {
    this.live.delete(session);
    this.live.add(session);
  }

  /** Closes a session that was not admitted, and counts how it ended. */
  dismiss(session: Session): void {
    if (!this.live.delete(session)) return;
    session.close(this.#clock());
    this.ended[session.reason!]++;
    for (const check of this.#onChange) check();
  }

  /** Counts a connection that was refused. */
  refuse(reason: EndReason): void {
    this.accepted++;
    this.ended[reason]++;
  }

  /** Closes a session and counts how it ended. A second call for the same session does nothing. */
  finish(session: Session): void {
    if (!this.live.delete(session)) return;
    session.conclude("done");
    session.close(this.#clock());
    this.ended[session.reason!]++;
    const { up, down } = session;
    const complete = up.received === up.bytes && down.received === down.bytes;
    if (session.reason === "done" && !complete) this.#incomplete++;
    this.bytesUp += session.up.bytes;
    this.bytesDown += session.down.bytes;
    this.#observer.onEnd(session);
    for (const check of this.#onChange) check();
  }

  /** Resolves once no session is alive. */
  idle(): Promise<void> {
    return this.below(1);
  }

  /**
   * Resolves once fewer than `limit` sessions are alive.
   *
   * @throws The signal's reason, if it is aborted first.
   */
  below(limit: number, options: { signal?: AbortSignal } = {}): Promise<void> {
    const { signal } = options;
    if (this.live.size < limit) return Promise.resolve();
    if (signal?.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const done = () => {
        this.#onChange.delete(check);
        signal?.removeEventListener("abort", onAbort);
      };
      const check = () => {
        if (this.live.size >= limit) return;
        done();
        resolve();
      };
      const onAbort = () => {
        done();
        reject(signal!.reason);
      };
      this.#onChange.add(check);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }
}
