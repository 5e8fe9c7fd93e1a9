import type { Channel } from "../async/channel.ts";
import type { Destination } from "../destinations/destination.ts";
import { LeastLoaded } from "./least_loaded.ts";
import type { Session } from "../session/session.ts";
import { after, type Timer } from "../base/timer.ts";

/** Shortest and longest rest of a destination that is full, in milliseconds. */
const FIRST_REST_MS = 5;
const LAST_REST_MS = 50;

/** Runs one worker of a destination until it retires; see `worker.ts`. */
export type Spawn = (destination: Destination) => void;

/**
 * How many workers each destination has: grown while sessions wait, retired when idle.
 *
 * Idle workers wait in the queue's line of receivers, in the order in which they became idle, so
 * that a session never waits while one is there. A destination keeps as many waiting as its weight
 * says, which makes that its share of sparse traffic. When none waits, the destination with the
 * smallest share of its limit in use gets another worker. Those that the operator has taken out of
 * service take no part. Backups take part only while no other destination is up, or untried. While
 * none at all is, those whose connects work and only their checks fail take part all the same.
 *
 * A session that a destination has reset waits for the others alone. Nobody is hired for it there,
 * and it leaves as soon as none of the others serves.
 */
export class WorkerPool {
  readonly #destinations = new Set<Destination>();
  /** Those that are up, or untried, and wanted, and those among them that are no backups. */
  readonly #up = new Set<Destination>();
  readonly #primariesUp = new Set<Destination>();
  readonly #queue: Channel<Session>;
  readonly #hire: Spawn;
  readonly #onStranded: (session: Session) => void;
  readonly #ranking: LeastLoaded;
  /** Those whose waiting workers were sent away because they are too many: one may come back. */
  readonly #thinned = new Set<Destination>();
  /** Runs while nobody takes sessions; see {@linkcode rest}. */
  #resting: Timer | undefined;
  /** The rests of single destinations; see {@linkcode onFull}. */
  readonly #rests = new Set<Timer>();

  constructor(
    options: {
      destinations: readonly Destination[];
      queue: Channel<Session>;
      hire: Spawn;
      /** Gets a session that waits though no destination serves to which it may go. */
      onStranded?: (session: Session) => void;
    },
  ) {
    this.#queue = options.queue;
    this.#hire = options.hire;
    this.#onStranded = options.onStranded ?? (() => {});
    this.#ranking = new LeastLoaded([]);
    for (const destination of options.destinations) this.add(destination);
    this.#review();
  }

  /** Takes a destination in; {@linkcode arrange} has to follow. */
  add(destination: Destination): void {
    this.#destinations.add(destination);
    this.#ranking.add(destination);
    destination.onLoadChange = (changed) => this.#onLoad(changed);
  }

  /** Lets a destination's workers retire as they become idle; {@linkcode arrange} has to follow. */
  remove(destination: Destination): void {
    this.#destinations.delete(destination);
    destination.onLoadChange = undefined;
    this.#thinned.delete(destination);
    this.#ranking.remove(destination);
    destination.dismiss();
  }

  /**
   * Brings the waiting workers in line with the destinations' states and limits: call it at the
   * start and whenever one of these has changed.
   *
   * @param changed The only destination that has changed, was added or removed, if there is but one:
   * the others are looked at only if that decides whether they serve.
   */
  arrange(changed?: Destination): void {
    const affected = this.#review(changed);
    this.#sendStrandedAway();
    for (const destination of affected) {
      if (!this.#serves(destination)) destination.dismiss();
      else if (destination.waiting > 0 && destination.workers > destination.limit) {
        this.#thinned.add(destination);
        destination.dismiss();
      }
    }
    this.grow();
    this.#fill(affected);
  }

  /** Hires as many workers as shall wait: those who have the fewest waiting have the first turn. */
  #fill(destinations: Iterable<Destination>): void {
    const byWaiting: Destination[][] = [];
    const enter = (destination: Destination, number: number) => {
      const { weight } = destination.config;
      if (!destination.hasRoom || Math.max(destination.waiting, number) >= weight) return;
      (byWaiting[number] ??= []).push(destination);
    };
    for (const destination of destinations) {
      if (this.#serves(destination)) enter(destination, destination.waiting);
    }
    for (let number = 0; number < byWaiting.length; number++) {
      for (const destination of byWaiting[number] ?? []) {
        this.#hire(destination);
        enter(destination, number + 1);
      }
    }
  }

  /** Hires a worker if a destination that serves has fewer than so many waiting, and room. */
  #keepWaiting(destination: Destination, number: number): void {
    if (!this.#serves(destination)) return;
    if (destination.hasRoom && destination.waiting < number) this.#hire(destination);
  }

  /**
   * Lets nobody take sessions for a while: no destination can be connected, because this machine
   * is short of something. Sessions that come back meanwhile wait in the line.
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
   * Lets nobody connect to a destination for a moment, since it is alive but full: longer each time
   * in a row, and then one by one at first. Its sessions go on, and so do other destinations.
   */
  onFull(destination: Destination): void {
    // Connects that began together fail together.
    if (destination.resting) return;
    const ms = Math.min(FIRST_REST_MS * 2 ** destination.timesFull, LAST_REST_MS);
    destination.narrow();
    destination.resting = true;
    const rest = after(ms, () => {
      this.#rests.delete(rest);
      destination.resting = false;
      this.arrange(destination);
    });
    this.#rests.add(rest);
    this.#rank(destination);
    destination.dismiss();
  }

  /** A destination that was full has taken a connection: it may get more at a time. */
  onConnected(destination: Destination): void {
    destination.widen();
    this.#rank(destination);
    this.grow();
    this.#keepWaiting(destination, 1);
  }

  /** Ends all rests, and with them the timers. */
  stop(): void {
    this.#resting?.stop();
    for (const rest of this.#rests) rest.stop();
  }

  /** Adds workers while sessions wait and a destination has room. */
  grow(): void {
    for (let next = this.#next(); next; next = this.#next()) this.#hire(next);
  }

  /** Whether a destination could take one more session, this one. */
  hasRoomFor({ avoided }: Session): boolean {
    const { first } = this.#ranking;
    return first !== undefined && (first !== avoided || this.#ranking.second !== undefined);
  }

  /** Whether any destination serves, apart from this one, with room or without. */
  servesBeside(destination: object): boolean {
    for (const one of this.#destinations) {
      if (one !== destination && this.#mayServe(one)) return true;
    }
    return false;
  }

  /** Whether a worker that has just become idle stays for another session. */
  keeps(destination: Destination): boolean {
    if (!this.#serves(destination) || destination.workers > destination.limit) return false;
    return this.#queue.sizeFor(destination) > 0 || destination.waiting <= destination.config.weight;
  }

  /** Who is to have another worker for those that wait, if anybody. */
  #next(): Destination | undefined {
    if (this.#queue.size === 0) return undefined;
    const { first } = this.#ranking;
    // If all that wait avoid the first, they avoid no other one.
    return first && this.#queue.sizeFor(first) === 0 ? this.#ranking.second : first;
  }

  #sendStrandedAway(): void {
    for (const [avoided, avoiders] of [...this.#queue.avoided()]) {
      if (this.servesBeside(avoided)) continue;
      for (const { item } of [...avoiders]) this.#onStranded(item);
    }
  }

  #serves(destination: Destination): boolean {
    const resting = this.#resting !== undefined || destination.resting;
    return !resting && this.#mayServe(destination);
  }

  #mayServe(destination: Destination): boolean {
    // A session would have to wait until a name server answers, if it ever does.
    if (!destination.enabled || !destination.connector.isLocated) return false;
    if (!destination.usable) return destination.onlyCheckFails && this.#up.size === 0;
    return !destination.config.backup || this.#primariesUp.size === 0;
  }

  /** Notes who is up. Returns the destinations for which that matters. */
  #review(changed?: Destination): Iterable<Destination> {
    const before = [this.#up.size > 0, this.#primariesUp.size > 0];
    for (const destination of changed ? [changed] : this.#destinations) this.#note(destination);
    const same = before[0] === this.#up.size > 0 && before[1] === this.#primariesUp.size > 0;
    const one = changed && this.#destinations.has(changed) ? [changed] : [];
    const affected = changed && same ? one : this.#destinations;
    for (const destination of affected) this.#rank(destination);
    return affected;
  }

  #note(destination: Destination): void {
    const { usable, enabled, config } = destination;
    const up = usable && enabled && this.#destinations.has(destination);
    for (
      const [set, member] of [[this.#up, up], [this.#primariesUp, up && !config.backup]] as const
    ) {
      if (member) set.add(destination);
      else set.delete(destination);
    }
  }

  #onLoad(destination: Destination): void {
    this.#rank(destination);
    if (destination.waiting > 0 || !this.#thinned.delete(destination)) return;
    this.#keepWaiting(destination, 1);
  }

  #rank(destination: Destination): void {
    this.#ranking.update(destination, this.#serves(destination) && destination.hasRoom);
  }
}
