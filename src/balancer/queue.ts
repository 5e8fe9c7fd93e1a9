import type { Admission } from "./admission.ts";
import type { Channel } from "../async/channel.ts";
import type { Clock } from "../base/clock.ts";
import type { SessionRegistry } from "../session/registry.ts";
import type { Holder, Session } from "../session/session.ts";
import type { EndReason } from "../operations/end_reasons.ts";

/**
 * The sessions that wait for a worker, and how they join and leave: the shared queue together with
 * what happens to a session whose client goes away, or whose time is up, while it waits.
 */
export class Queue implements Holder {
  readonly #queue: Channel<Session>;
  readonly #registry: SessionRegistry;
  readonly #admission: Admission;
  readonly #clock: Clock;
  /** Set once waiting is over: whoever comes from then on is turned away with this reason. */
  #closedFor: EndReason | undefined;

  constructor(options: {
    queue: Channel<Session>;
    registry: SessionRegistry;
    admission: Admission;
    clock: Clock;
  }) {
    this.#queue = options.queue;
    this.#registry = options.registry;
    this.#admission = options.admission;
    this.#clock = options.clock;
  }

  /** How many more sessions have a place or a waiting worker. */
  get freeSlots(): number {
    return this.#queue.capacity - this.#queue.size + this.#queue.receivers;
  }

  /** Workers that wait for a session. */
  get idleWorkers(): number {
    return this.#queue.receivers;
  }

  /** Whether one more session may be accepted and has a place. */
  get open(): boolean {
    return this.freeSlots > 0 && this.#admission.open;
  }

  /** Resolves once one more session may be accepted and has a place, or the signal is aborted. */
  async room(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !this.open) {
      try {
        await this.#queue.room({ signal });
        await this.#admission.below({ signal });
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    }
  }

  /** Whether there are descriptors for one more session, be there a place or not. */
  get affordable(): boolean {
    return this.#admission.affordable;
  }

  /** Resolves once there are descriptors for one more session, or the signal is aborted. */
  async afford(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !this.affordable) {
      await this.#admission.afford({ signal }).catch(() => {});
    }
  }

  /** Takes new sessions in, in order; resolves when the last of them has its place. */
  join(sessions: readonly Session[]): Promise<void> {
    return this.#queue.sendAll(sessions.filter((session) => this.#prepare(session)));
  }

  /**
   * Takes a session back whose connect failed, or that goes elsewhere: to the front, behind those
   * that are older.
   */
  giveBack(session: Session): void {
    if (!this.#prepare(session, this.#clock())) return;
    this.#queue.unshift(session, {
      behind: (waiting) => waiting.id < session.id,
      avoiding: session.avoided,
    });
  }

  /** Makes room for everything that comes, however much: for a drain. */
  lift(): void {
    this.#queue.resize(Number.MAX_SAFE_INTEGER);
  }

  /** Nobody new joins; those that wait are still served. */
  close(): void {
    this.#queue.close();
  }

  /** Turns away with this reason everybody who comes from now on. */
  turnAway(reason: EndReason): void {
    this.#closedFor ??= reason;
  }

  /** A session that waits has to leave. */
  onAbort(session: Session): void {
    if (this.#queue.remove(session)) this.#registry.finish(session);
  }

  /** Makes a session ready to wait; `false` if it is over, its client having left, say. */
  #prepare(session: Session, now?: number): boolean {
    session.wait(this, now);
    if (this.#closedFor) session.abort(this.#closedFor);
    if (session.reason === undefined) return true;
    this.#registry.finish(session);
    return false;
  }
}
