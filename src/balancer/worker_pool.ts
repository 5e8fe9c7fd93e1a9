import { type Audience, Without } from "../async/audience.ts";
import type { Destination } from "../destinations/destination.ts";
import type { Policy } from "./policies/policy.ts";
import { audienceOf, type Session } from "../session/session.ts";
import { freeSlots, Serving } from "./serving.ts";
import type { Spawn, WorkerPoolOptions } from "./worker_pool_options.ts";
import { after, type Timer } from "../base/timer.ts";

/** Shortest and longest rest of a destination that is full, in milliseconds. */
const FIRST_REST_MS = 5;
const LAST_REST_MS = 50;

/**
 * How many workers each destination has: more while sessions wait, fewer when they are idle.
 *
 * A session that no idle worker may have gets a new one, at the destination that the policy says. The
 * policy also says how many idle workers a destination keeps; these receive sessions in the order in
 * which they became idle. Destinations that the operator has taken out of service, or given
 * the weight 0, take no part.
 * Of the others those take part that {@linkcode Serving} says.
 *
 * A session that has an audience gets a worker only there. One that was moved, away from a destination
 * that has reset it, leaves as soon as none of the others serves.
 */
export class WorkerPool {
  /** All destinations, in the order in which they were added. */
  readonly #destinations = new Set<Destination>();
  /** Which of them take part, by their tier. */
  readonly #serving: Serving;
  /** Who waits, and for whom. */
  readonly #queue: WorkerPoolOptions["queue"];
  /** Begins a worker. */
  readonly #spawn: Spawn;
  /** Gets sessions that nobody can serve any more. */
  readonly #onStranded: (session: Session) => void;
  /** Looks after sessions that are bound. */
  readonly #bindings: WorkerPoolOptions["bindings"];
  /** Knows the destinations that serve and have a free slot. */
  #policy: Policy;
  /** Those whose idle workers were dismissed though they serve: they may have others after that. */
  readonly #thinned = new Set<Destination>();
  /** Runs while nobody receives sessions; see {@linkcode rest}. */
  #resting: Timer | undefined;
  /** The rests of single destinations; see {@linkcode onFull}. */
  readonly #rests = new Set<Timer>();

  constructor(options: WorkerPoolOptions) {
    this.#queue = options.queue;
    this.#spawn = options.spawn;
    this.#bindings = options.bindings;
    this.#policy = options.policy;
    this.#serving = options.serving ?? new Serving();
    this.#onStranded = options.onStranded ?? (() => {});
  }

  /** Adds a destination, which gets workers from the next {@linkcode arrange} on. */
  add(destination: Destination): void {
    this.#destinations.add(destination);
    this.#policy.add(destination);
    destination.onLoadChange = (changed) => this.#onLoad(changed);
    destination.onChange = (changed) => this.arrange(changed);
  }

  /** Removes a destination; its idle workers leave. {@linkcode arrange} has to follow. */
  remove(destination: Destination): void {
    this.#destinations.delete(destination);
    destination.onLoadChange = destination.onChange = undefined;
    this.#thinned.delete(destination);
    this.#policy.remove(destination);
    destination.dismiss();
  }

  /** Goes over to another policy; sessions that are served, and those that wait, stay. */
  use(policy: Policy): void {
    this.#policy = policy;
    this.#bindings?.use(policy);
    for (const destination of this.#destinations) {
      policy.add(destination);
      if (destination.waiting > 0) this.#thin(destination);
    }
    this.arrange();
  }

  /**
   * Makes the idle workers as many as the destinations' states and limits allow: to be called at the
   * start and whenever one of these has changed.
   *
   * @param changed The only destination that has changed, was added or removed, if there is but one:
   * the others are looked at only if that decides whether they serve.
   */
  arrange(changed?: Destination): void {
    const affected = this.#review(changed);
    this.#bindings?.review();
    this.#sendStrandedAway();
    for (const destination of affected) {
      if (!this.#serves(destination)) destination.dismiss();
      else if (this.#hasTooMany(destination)) this.#thin(destination);
    }
    this.grow();
    this.#fill(affected);
  }

  /** Notes who takes part now; {@linkcode arrange} has to follow. */
  look(): void {
    this.#review();
  }

  /** Spawns as many idle workers as there shall be, first where there are the fewest. */
  #fill(destinations: Iterable<Destination>): void {
    const byWaiting: Destination[][] = [];
    const enter = (destination: Destination, number: number) => {
      const most = this.#policy.idleWorkers(destination);
      if (!destination.hasRoom || Math.max(destination.waiting, number) >= most) return;
      (byWaiting[number] ??= []).push(destination);
    };
    for (const destination of destinations) {
      if (this.#serves(destination)) enter(destination, destination.waiting);
    }
    for (let number = 0; number < byWaiting.length; number++) {
      for (const destination of byWaiting[number] ?? []) {
        this.#spawn(destination);
        enter(destination, number + 1);
      }
    }
  }

  /**
   * No session is received for a while: no destination can be connected, because this machine is
   * short of something. Sessions that come back meanwhile wait in the queue.
   */
  rest(ms: number): void {
    if (this.#resting !== undefined) return;
    this.#resting = after(ms, () => {
      this.#resting = undefined;
      this.arrange();
    });
    this.arrange();
  }

  /**
   * A destination is not connected for a moment, since it is alive but full: longer each time in a
   * row, and then one by one at first. Its sessions go on, and so do other destinations.
   */
  onFull(destination: Destination): void {
    // Connects that began together fail together.
    if (destination.caution.resting) return;
    const ms = Math.min(FIRST_REST_MS * 2 ** destination.caution.timesFull, LAST_REST_MS);
    destination.caution.narrow();
    destination.caution.resting = true;
    const rest = after(ms, () => {
      this.#rests.delete(rest);
      destination.caution.resting = false;
      this.arrange(destination);
    });
    this.#rests.add(rest);
    this.#rank(destination);
    destination.dismiss();
  }

  /** A destination that was full was connected: it may be, several times at once. */
  onConnected(destination: Destination): void {
    destination.caution.widen(destination.share.fullLimit);
    this.#rank(destination);
    this.grow();
    this.#fill([destination]);
  }

  /** Ends all rests, and with them the timers. */
  stop(): void {
    this.#resting?.stop();
    for (const rest of this.#rests) rest.stop();
  }

  /**
   * Spawns workers while sessions wait for which a slot is free.
   *
   * @param sessions Those that have just come; without it all that wait are looked at.
   */
  grow(sessions?: readonly Session[]): void {
    this.#growFor(undefined);
    if (sessions) {
      for (const session of sessions) {
        const audience = audienceOf(session);
        if (audience) this.#growFor(audience);
      }
    } else for (const [audience] of this.#queue.audiences()) this.#growFor(audience);
  }

  #growFor(audience: Audience | undefined): void {
    for (
      let first = this.#queue.firstOf(audience);
      first;
      first = this.#queue.firstOf(audience)
    ) {
      const next = this.#policy.next(audience, first);
      if (!next) return;
      this.#spawn(next);
    }
  }

  /** Slots of the destinations that serve at the moment, of an audience or all, taken or free. */
  slots(audience?: Audience, among: Iterable<Destination> = this.#destinations): number {
    let slots = 0;
    for (const one of among) {
      if (audience?.has(one) !== false && this.#mayServe(one)) slots += one.limit;
    }
    return slots;
  }

  /** Whether one of an audience has an idle worker, or could get one more. */
  hasFreeFor(audience: Audience, among: Iterable<Destination>): boolean {
    for (const one of among) {
      if ((one.waiting > 0 || one.hasRoom) && audience.has(one) && this.#serves(one)) return true;
    }
    return false;
  }

  /** Free slots of the destinations that may have a session and take some at the moment. */
  slotsFor(session: Session): number {
    return freeSlots(this.#destinations, audienceOf(session), (one) => this.#serves(one));
  }

  /** Whether a destination that may have a session, or any without one, could get one more. */
  hasRoomFor(session?: Session): boolean {
    return this.#policy.next(session && audienceOf(session), session) !== undefined;
  }

  /** Whether any destination of an audience serves, with a free slot or without. */
  serves(audience: Audience): boolean {
    for (const one of this.#destinations) {
      if (audience.has(one) && this.#mayServe(one)) return true;
    }
    return false;
  }

  /** Whether a worker that has just become idle stays for another session. */
  keeps(destination: Destination): boolean {
    if (!this.#serves(destination) || destination.workers > destination.limit) return false;
    return this.#queue.hasFor(destination) ||
      destination.waiting <= this.#policy.idleWorkers(destination);
  }

  /**
   * Whether idle workers have to leave though it serves: its limit or its weight has become less, or
   * a session waits that they may have since its audience has changed, of which nobody told them.
   */
  #hasTooMany(destination: Destination): boolean {
    const { waiting, workers, limit } = destination;
    if (waiting === 0) return false;
    return workers > limit || waiting > this.#policy.idleWorkers(destination) ||
      this.#queue.hasFor(destination) || this.#queue.hasSuspendedFor(destination);
  }

  #sendStrandedAway(): void {
    for (const [audience, sessions] of this.#queue.audiences()) {
      if (!(audience instanceof Without) || this.serves(audience)) continue;
      for (const session of [...sessions]) this.#onStranded(session);
    }
  }

  #serves(destination: Destination): boolean {
    const resting = this.#resting !== undefined || destination.caution.resting;
    return !resting && this.#mayServe(destination);
  }

  #mayServe(destination: Destination): boolean {
    // A session would have to wait until a name server answers, if it ever does.
    if (!destination.enabled || !destination.connector.isLocated) return false;
    return this.#serving.has(destination);
  }

  /** Notes who is up. Returns the destinations for which that matters. */
  #review(changed?: Destination): Iterable<Destination> {
    const isThere = (one: Destination) => one.enabled && this.#destinations.has(one);
    const others = this.#serving.note(changed ? [changed] : this.#destinations, isThere);
    const one = changed && this.#destinations.has(changed) ? [changed] : [];
    const affected = changed ? new Set([...one, ...others]) : this.#destinations;
    for (const destination of affected) this.#rank(destination);
    return affected;
  }

  /** Dismisses the idle workers of a destination; it gets new ones after that. */
  #thin(destination: Destination): void {
    this.#thinned.add(destination);
    destination.dismiss();
  }

  #onLoad(destination: Destination): void {
    this.#rank(destination);
    if (destination.waiting > 0 || !this.#thinned.delete(destination)) return;
    this.grow();
    this.#fill([destination]);
  }

  #rank(destination: Destination): void {
    this.#policy.binding?.note(destination, this.#mayServe(destination));
    this.#policy.update(destination, this.#serves(destination) && destination.hasRoom);
  }
}
