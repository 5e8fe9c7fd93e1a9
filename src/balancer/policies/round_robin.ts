import type { Audience } from "../../async/audience.ts";
import type { Destination } from "../../destinations/destination.ts";
import { Ranking } from "./ranking.ts";
import type { Policy } from "./policy.ts";

/** How far one is with its turns. */
interface Turns {
  /** The number of its next turn, from 0. */
  next: number;
  /** The weight that its turns count by. */
  weight: number;
  /** How many workers it had when it was last looked at: one more is one turn. */
  workers: number;
  /** Whether it had a free slot. */
  free: boolean;
}

/** Turns are counted from anew after so many rounds: a multiple of what weights are parts of. */
const ROUNDS = 2 ** 20;

/**
 * Turns in proportion to the weights, spread as evenly as can be: with the weights 1, 2 and 3 it is
 * c b a c b c, again and again.
 *
 * In a round each has as many turns as its weight. The turns of one are spaced evenly over the round,
 * each in the middle of its share of it, and whose turn comes first is next. Times are quotients of
 * small numbers that are calculated anew each time, so that equal ones are equal to the last bit, and
 * the numbers of sessions are exact however long it goes on.
 *
 * One that was full, or down, or gets another weight, waits for its first turn from then on and makes
 * up for nothing. A session that was bound elsewhere uses up a turn, but never more than one.
 */
export class RoundRobin implements Policy {
  readonly #turns = new Map<object, Turns>();
  readonly #ranking = new Ranking({
    loadOf: (destination) => timeOf(this.#turns.get(destination)!),
    ties: "turns",
  });
  /** The latest turn in its order: at which half step of the round, and of how many whole ones. */
  #latest = { halves: 0, weight: 1 };

  idleWorkers(): number {
    return 0;
  }

  add(destination: Destination): void {
    const { weight, workers } = destination;
    this.#turns.set(destination, { next: this.#firstTurn(weight), weight, workers, free: false });
    this.#ranking.add(destination);
  }

  remove(destination: Destination): void {
    this.#turns.delete(destination);
    this.#ranking.remove(destination);
  }

  update(destination: Destination, free: boolean): void {
    const turns = this.#turns.get(destination);
    if (!turns) return;
    const { weight, workers } = destination;
    if (workers > turns.workers && turns.free) this.#take(destination, turns);
    turns.workers = workers;
    if (weight !== turns.weight) {
      turns.weight = weight;
      turns.next = this.#firstTurn(weight);
    } else if (free && !turns.free) turns.next = Math.max(turns.next, this.#firstTurn(weight));
    turns.free = free;
    this.#ranking.update(destination, free);
    if (this.#latest.halves > 2 * ROUNDS * this.#latest.weight) this.#countAnew();
  }

  next(audience?: Audience): Destination | undefined {
    return this.#ranking.next(audience);
  }

  #take(destination: Destination, turns: Turns): void {
    if (this.#ranking.next() === destination) {
      this.#latest = { halves: 2 * turns.next + 1, weight: turns.weight };
      turns.next++;
    } else turns.next = Math.min(turns.next, this.#firstTurn(turns.weight)) + 1;
  }

  /** The number of the first turn with a weight that comes after the latest one. */
  #firstTurn(weight: number): number {
    const { halves, weight: steps } = this.#latest;
    return Math.floor((halves * weight + steps) / (2 * steps));
  }

  /** Takes whole rounds off all times, which stay exact and in their order. */
  #countAnew(): void {
    const { halves, weight } = this.#latest;
    this.#latest = { halves: halves - 2 * ROUNDS * weight, weight };
    for (const turns of this.#turns.values()) turns.next -= ROUNDS * turns.weight;
    for (const [destination, { free }] of this.#turns) {
      this.#ranking.update(destination as Destination, free);
    }
  }
}

/** When its next turn is, in rounds. */
function timeOf({ next, weight }: Turns): number {
  return (2 * next + 1) / (2 * weight);
}
