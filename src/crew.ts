import type { Channel } from "./channel.ts";
import type { Destination } from "./destination.ts";
import { Ranking } from "./ranking.ts";
import type { Session } from "./session.ts";
import { after, type Timer } from "./timer.ts";

/** Runs one worker of a destination until it retires; see `worker.ts`. */
export type Hire = (destination: Destination) => void;

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
export class Crew {
  readonly #destinations: Destination[] = [];
  readonly #queue: Channel<Session>;
  readonly #hire: Hire;
  readonly #onStranded: (session: Session) => void;
  readonly #ranking: Ranking;
  /** Those whose waiting workers were sent away because they are too many: one may come back. */
  readonly #thinned = new Set<Destination>();
  #anyUp = false;
  #anyPrimaryUp = false;
  /** Runs while nobody takes sessions; see {@linkcode rest}. */
  #resting: Timer | undefined;

  constructor(
    options: {
      destinations: readonly Destination[];
      queue: Channel<Session>;
      hire: Hire;
      /** Gets a session that waits though no destination serves to which it may go. */
      onStranded?: (session: Session) => void;
    },
  ) {
    this.#queue = options.queue;
    this.#hire = options.hire;
    this.#onStranded = options.onStranded ?? (() => {});
    this.#ranking = new Ranking([]);
    for (const destination of options.destinations) this.add(destination);
    this.#review();
  }

  /** Takes a destination in; {@linkcode arrange} has to follow. */
  add(destination: Destination): void {
    this.#destinations.push(destination);
    this.#ranking.add(destination);
    destination.onLoad = (changed) => this.#onLoad(changed);
  }

  /** Lets a destination's workers retire as they become idle; {@linkcode arrange} has to follow. */
  remove(destination: Destination): void {
    this.#destinations.splice(this.#destinations.indexOf(destination), 1);
    destination.onLoad = undefined;
    this.#thinned.delete(destination);
    this.#ranking.remove(destination);
    destination.dismiss();
  }

  /**
   * Brings the waiting workers in line with the destinations' states and limits: call it at the
   * start and whenever one of these has changed.
   */
  arrange(): void {
    this.#review();
    this.#sendStrandedAway();
    for (const destination of this.#destinations) {
      if (!this.#serves(destination)) destination.dismiss();
      else if (destination.waiting > 0 && destination.workers > destination.limit) {
        this.#thinned.add(destination);
        destination.dismiss();
      }
    }
    this.grow();
    const weights = this.#destinations.map(({ config }) => config.weight);
    const rounds = Math.max(...weights);
    for (let round = 1; round <= rounds; round++) {
      for (const destination of this.#destinations) {
        if (round <= destination.config.weight) this.#keepWaiting(destination, round);
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

  /** Ends a rest, and with it the timer. */
  stop(): void {
    this.#resting?.stop();
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
    return this.#destinations.some((one) => one !== destination && this.#mayServe(one));
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
    return this.#resting === undefined && this.#mayServe(destination);
  }

  #mayServe(destination: Destination): boolean {
    if (!destination.wanted) return false;
    if (!destination.usable) return destination.onlyCheckFails && !this.#anyUp;
    return !destination.config.backup || !this.#anyPrimaryUp;
  }

  #review(): void {
    const up = this.#destinations.filter(({ usable, wanted }) => usable && wanted);
    this.#anyUp = up.length > 0;
    this.#anyPrimaryUp = up.some(({ config }) => !config.backup);
    for (const destination of this.#destinations) this.#rank(destination);
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
