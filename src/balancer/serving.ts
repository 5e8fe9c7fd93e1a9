import type { Audience } from "../async/audience.ts";
import type { Destination } from "../destinations/destination.ts";
import { Tiers } from "./tiers.ts";

/**
 * Which destinations take part: those of the lowest tier that has somebody who is up, or untried.
 * While none at all is, those of the lowest tier whose connects work and only their checks fail.
 */
export class Serving {
  readonly #up = new Tiers();
  readonly #failing = new Tiers();

  /**
   * Notes the state of destinations.
   *
   * @param counts Whether one is there and enabled.
   * @returns Whether others take part because of that, too, or no more.
   */
  note(destinations: Iterable<Destination>, counts: (one: Destination) => boolean): boolean {
    const [up, failing] = [this.#up.lowest, this.#failing.lowest];
    for (const one of destinations) {
      this.#up.note(one, one.usable && counts(one));
      this.#failing.note(one, !one.usable && one.onlyCheckFails && counts(one));
    }
    return up !== this.#up.lowest || failing !== this.#failing.lowest;
  }

  /** Whether one that is enabled takes part. */
  has({ usable, onlyCheckFails, config: { backup } }: Destination): boolean {
    if (usable) return backup <= this.#up.lowest;
    return onlyCheckFails && this.#up.lowest === Infinity && backup <= this.#failing.lowest;
  }
}

/** How many slots are free at those destinations of an audience that take sessions. */
export function freeSlots(
  destinations: Iterable<Destination>,
  audience: Audience | undefined,
  takesSessions: (destination: Destination) => boolean,
): number {
  let slots = 0;
  for (const one of destinations) {
    const may = audience?.has(one) !== false && takesSessions(one);
    if (may) slots += Math.max(one.limit - one.workers, 0);
  }
  return slots;
}
