import type { Audience } from "../async/audience.ts";
import { Channel } from "../async/channel.ts";
import type { LaneMaker } from "../async/lane.ts";
import type { Waiting } from "../async/lanes.ts";
import type { Clock } from "../base/clock.ts";
import type { Destination } from "../destinations/destination.ts";
import type { EndReason } from "../operations/end_reasons.ts";
import type { SessionRegistry } from "../session/registry.ts";
import type { Route } from "../session/route.ts";
import { audienceOf, type Holder, type Session } from "../session/session.ts";
import type { QueueOptions } from "./queue_options.ts";

export type { OverloadHandling, QueueOptions } from "./queue_options.ts";

/**
 * The sessions that wait for a worker: in which order they are served, and how they join and leave,
 * also those whose client goes away, or whose time is up, while they wait.
 *
 * A worker receives the session that is next, by default the oldest, of those that its destination
 * may have. A session has an `audience` if not every destination may: it is bound to one or to a group
 * of them, or avoids one. It is passed by until one of these has a free slot, and holds up nobody else,
 * but it counts in the capacity.
 */
export class Queue implements Holder {
  /** The sessions and the idle workers; nobody else has it. */
  readonly #channel: Channel<Session>;
  /** Closes the sessions that end while they wait. */
  readonly #registry: SessionRegistry;
  /** How many sessions there may be in all. */
  readonly #admission: QueueOptions["admission"];
  /** When a session begins to wait again. */
  readonly #clock: Clock;
  /** Learns who begins to wait. */
  readonly #bind: QueueOptions["bind"];
  /** How many sessions have joined so far. */
  #arrivals = 0;
  /** Looks whether what a session wants is still there. */
  readonly #refresh: QueueOptions["refresh"];
  /** What is done when more comes than is served. */
  readonly #overload: QueueOptions["overload"];
  /** Whether everything that comes has room. */
  #lifted = false;
  /** Set once waiting is over: whoever comes from then on is turned away with this reason. */
  #closedFor: EndReason | undefined;

  /** @throws {RangeError} If the capacity is not a whole number of at least 1. */
  constructor(options: QueueOptions) {
    this.#channel = new Channel(options.capacity, {
      order: { audienceOf, before: isOlder, ...options.lanes && { lanes: options.lanes } },
      ...options.onWaiting && { onWaiting: options.onWaiting },
    });
    this.#registry = options.registry;
    this.#admission = options.admission;
    this.#clock = options.clock;
    this.#bind = options.bind;
    this.#refresh = options.refresh;
    this.#overload = options.overload;
  }

  /** Sessions that wait, with those that have joined and have no room yet. */
  get size(): number {
    return this.#channel.size + this.#channel.suspended.items;
  }

  /** The session that has waited longest. */
  get oldest(): Session | undefined {
    return this.#channel.waiting.oldest;
  }

  /**
   * Whether the newest session is served first, with `--queue-order fair` of the client whose turn it
   * is. It may change at any time and at no cost.
   */
  get newestFirst(): boolean {
    return this.#channel.newestFirst;
  }

  set newestFirst(newestFirst: boolean) {
    this.#channel.newestFirst = newestFirst;
  }

  /** The sessions that wait, to look at. */
  get waiting(): Waiting<Session> {
    return this.#channel.waiting;
  }

  /** The sessions that wait, the oldest first. */
  get sessions(): Iterable<Session> {
    return this.#channel.waiting;
  }

  /** The session of each audience that is waited for that is served next. */
  firsts(): Iterable<Session> {
    return this.#channel.waiting.firsts();
  }

  /** Whether a session waits that a destination may have. */
  hasFor(destination: Destination): boolean {
    return this.#channel.waiting.sizeFor(destination) > 0;
  }

  /** The session that is served next of exactly this audience; of everybody's unless it is given. */
  firstOf(audience?: Audience): Session | undefined {
    return this.#channel.waiting.firstOf(audience);
  }

  /** The audiences that are waited for, but for everybody, each with its sessions. */
  audiences(): Iterable<[Audience, Iterable<Session>]> {
    return this.#channel.waiting.audiences();
  }

  /** The sessions that have joined and have no room yet, the oldest first. */
  get suspendedSessions(): Iterable<Session> {
    return this.#channel.suspended;
  }

  /** Whether one of these is there that a destination may have. */
  hasSuspendedFor(destination: Destination): boolean {
    for (const session of this.suspendedSessions) {
      if (audienceOf(session)?.has(destination) !== false) return true;
    }
    return false;
  }

  /** How many more sessions have room or an idle worker. */
  get freeSlots(): number {
    const { capacity, size, suspended, receivers } = this.#channel;
    return capacity - size - suspended.items + receivers;
  }

  /** Workers that wait for a session. */
  get idleWorkers(): number {
    return this.#channel.receivers;
  }

  /** Whether one more session may be accepted and has room. */
  get open(): boolean {
    return this.freeSlots > 0 && this.#admission.open;
  }

  /** Resolves once one more session may be accepted and has room, or the signal is aborted. */
  async room(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !this.open) {
      try {
        await this.#channel.room({ signal });
        await this.#admission.below({ signal });
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    }
  }

  /** Whether there are descriptors for one more session, be there room or not. */
  get affordable(): boolean {
    return this.#admission.affordable;
  }

  /** Resolves once there are descriptors for one more session, or the signal is aborted. */
  async afford(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !this.affordable) {
      await this.#admission.afford({ signal }).catch(() => {});
    }
  }

  /** Adds new sessions, in order; resolves when the last of them has room. */
  join(sessions: readonly Session[]): Promise<void> {
    const ready = sessions.filter((session) => this.#prepare(session));
    this.#bind?.(ready);
    const joined = this.#channel.sendAll(this.#joinBeyond(ready));
    if (this.size > 0) this.#overload?.().joined();
    return joined;
  }

  /** Puts a session back whose connect failed, or that goes elsewhere: behind those that are older. */
  giveBack(session: Session): void {
    if (!this.#prepare(session, this.#clock())) return;
    this.#bind?.([session]);
    this.#channel.unshift(session, { behind: (waiting) => isOlder(waiting, session) });
  }

  /**
   * The session that is next of those that a destination may have, as soon as there is one. Workers are
   * served in the order in which they became idle.
   *
   * @throws If the destination's idle workers are dismissed first, or the queue is closed and has
   * nothing for it: the worker is not needed any more.
   */
  receive(destination: Pick<Destination, "idleSignal">): Promise<Session> {
    if (this.#overload) this.newestFirst = this.#overload().beforeTaking(destination);
    return this.#channel.receive({ signal: destination.idleSignal, taker: destination });
  }

  /** Who may have these sessions has changed: those that wait keep their places by arrival. */
  reassign(sessions: readonly Session[]): void {
    this.#channel.reassign(sessions);
  }

  /** The same where a policy may bind them to others, too. */
  rebind(sessions: readonly Session[]): void {
    this.#bind?.(sessions);
    this.reassign(sessions);
  }

  /** Goes over to another order; those that wait stay. */
  reorder(lanes: LaneMaker<Session>): void {
    this.#channel.reorder(lanes);
  }

  /** Clients that wait, as `--queue-order fair` tells them apart; 0 with another order. */
  get clients(): number {
    return this.#channel.waiting.clients;
  }

  /** How many are served before a session that joined now; that of a new client unless given. */
  aheadOf(session?: Session): number {
    const { waiting, newestFirst, suspended } = this.#channel;
    return waiting.aheadOf(session) + (newestFirst ? 0 : suspended.items);
  }

  /** The same of those that wait for one route. */
  aheadIn(route: Route, session?: Session): number {
    const { ahead, of } = this.#channel.waiting.aheadIn(route, session);
    // Of those that are bound to one of its destinations, or have no room yet, all count.
    return ahead + Math.max(route.waiting - of, 0);
  }

  /** Changes the capacity. Those that wait stay, however many they are. */
  resize(capacity: number): void {
    if (capacity !== this.#channel.capacity) this.#channel.resize(capacity);
  }

  /** Makes room for everything that comes, however much: for a drain. */
  lift(): void {
    this.#lifted = true;
    this.#channel.resize(Number.MAX_SAFE_INTEGER);
  }

  /** Whether everything that comes has room, for a drain. */
  get draining(): boolean {
    return this.#lifted;
  }

  /** Nobody new joins; those that wait are still served. */
  close(): void {
    this.#channel.close();
  }

  /** Whether nobody new joins. */
  get closed(): boolean {
    return this.#channel.closed;
  }

  /** Turns away with this reason everybody who comes from now on. */
  turnAway(reason: EndReason): void {
    this.#closedFor ??= reason;
  }

  /** A session that waits has to leave. */
  onAbort(session: Session): void {
    if (this.#channel.remove(session)) this.#registry.finish(session);
  }

  /** The client of a session that waits has finished sending, which may mean that it gives up. */
  onReview(session: Session): void {
    this.#overload?.().finished(session);
  }

  /**
   * Lets those in that have a route though there is no room: others may have filled it, for whom the
   * destinations of theirs are not. Returns the others.
   */
  #joinBeyond(sessions: readonly Session[]): readonly Session[] {
    if (this.#channel.capacity - this.#channel.size >= sessions.length) return sessions;
    return sessions.filter((session) => {
      if (!session.route) return true;
      this.#channel.unshift(session, { behind: (waiting) => isOlder(waiting, session) });
      return false;
    });
  }

  /** Makes a session ready to wait; `false` if it is over, its client having left, say. */
  #prepare(session: Session, now?: number): boolean {
    if (session.arrival === 0) session.arrival = ++this.#arrivals;
    session.wait(this, now);
    if (this.#closedFor) session.abort(this.#closedFor);
    this.#refresh?.(session);
    if (session.reason === undefined) return true;
    this.#registry.finish(session);
    return false;
  }
}

function isOlder(session: Session, other: Session): boolean {
  return session.arrival < other.arrival;
}
