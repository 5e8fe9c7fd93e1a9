import type { Clock } from "./clock.ts";
import { END_REASONS, type EndReason, type Session } from "./session.ts";

/** End reasons that mean the balancer took something away from a session that was still going. */
const CUT_REASONS: readonly EndReason[] = ["drain-timeout", "quit"];

/**
 * Every session that is alive and how the others ended: the books of the program.
 *
 * At any moment `accepted` equals the live sessions plus the sum of `ended`.
 */
export class Ledger {
  /** Live sessions in the order of accept. */
  readonly live = new Set<Session>();
  /** Sessions accepted so far. */
  accepted = 0;
  /** Sessions that ended so far, by reason. */
  readonly ended: Record<EndReason, number>;
  /** Bytes of the ended sessions, client to destination. */
  bytesUp = 0;
  /** Bytes of the ended sessions, destination to client. */
  bytesDown = 0;
  readonly #clock: Clock;
  readonly #onEnd: (session: Session) => void;
  #onEmpty: (() => void)[] = [];

  constructor(options: { clock: Clock; onEnd: (session: Session) => void }) {
    this.#clock = options.clock;
    this.#onEnd = options.onEnd;
    const reasons = Object.keys(END_REASONS) as EndReason[];
    this.ended = Object.fromEntries(reasons.map((reason) => [reason, 0])) as typeof this.ended;
  }

  /** Sessions that were cut at the drain timeout or by a second signal. */
  get cut(): number {
    return CUT_REASONS.reduce((sum, reason) => sum + this.ended[reason], 0);
  }

  /** Enters a new session. */
  open(session: Session): void {
    this.accepted++;
    this.live.add(session);
  }

  /** Closes a session and enters how it ended. A second call for the same session does nothing. */
  finish(session: Session): void {
    if (!this.live.delete(session)) return;
    session.conclude("done");
    session.close(this.#clock());
    this.ended[session.reason!]++;
    this.bytesUp += session.up.bytes;
    this.bytesDown += session.down.bytes;
    this.#onEnd(session);
    if (this.live.size === 0) {
      for (const resolve of this.#onEmpty.splice(0)) resolve();
    }
  }

  /** Resolves once no session is alive. */
  empty(): Promise<void> {
    if (this.live.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onEmpty.push(resolve));
  }
}
