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
  /** Called whenever a session has ended. */
  readonly #onChange = new Set<() => void>();

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
    for (const check of this.#onChange) check();
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
