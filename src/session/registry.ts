import type { Clock } from "../base/clock.ts";
import type { SessionObserver } from "./session_observer.ts";
import { type Session } from "./session.ts";
import {
  END_REASONS,
  type EndReason,
  noOutcomes,
  type Outcome,
} from "../operations/end_reasons.ts";

/** Has something to say to clients whose session is over. */
export interface Farewell {
  /** Whether it does to this one. */
  wants(session: Session): boolean;
  /** The session is over and counted; its stream is the callee's, who closes it. */
  take(session: Session): void;
}

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
  /** Closes the clients to whom it has something to say. */
  readonly #farewell: Farewell | undefined;
  /** Called whenever a session has ended. */
  readonly #onChange = new Set<() => void>();

  constructor(
    options: { clock: Clock; observer: SessionObserver; farewell?: Farewell | undefined },
  ) {
    this.#clock = options.clock;
    this.#observer = options.observer;
    this.#farewell = options.farewell;
    const reasons = Object.keys(END_REASONS) as EndReason[];
    this.ended = Object.fromEntries(reasons.map((reason) => [reason, 0])) as typeof this.ended;
  }

  /** Ended sessions and refused connections by what that means. */
  get outcomes(): Record<Outcome, number> {
    const outcomes = noOutcomes();
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

  /**
   * Closes a session that was not admitted, and counts how it ended.
   *
   * @param options.silent Whether its client is told nothing.
   */
  dismiss(session: Session, { silent = false }: { silent?: boolean } = {}): void {
    if (!this.live.delete(session)) return;
    const told = this.#close(session, { silent });
    this.ended[session.reason!]++;
    if (told) this.#farewell!.take(session);
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
    const told = this.#close(session);
    this.ended[session.reason!]++;
    const { up, down } = session;
    const complete = up.received === up.bytes && down.received === down.bytes;
    if (session.reason === "done" && !complete) this.#incomplete++;
    this.bytesUp += session.up.bytes;
    this.bytesDown += session.down.bytes;
    this.#observer.onEnd(session);
    if (told) this.#farewell!.take(session);
    for (const check of this.#onChange) check();
  }

  /** Closes a session; returns whether its stream is left to the farewell. */
  #close(session: Session, { silent = false } = {}): boolean {
    const keep = !silent && this.#farewell !== undefined && this.#farewell.wants(session);
    session.close(this.#clock(), { keep });
    return keep;
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
