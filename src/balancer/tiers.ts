import type { Destination } from "../destinations/destination.ts";

/**
 * Which tiers of destinations have somebody who is up: 0 is those that are no backups, and a backup
 * serves only while no lower tier has anybody.
 */
export class Tiers {
  /** Those that are up, with the tier that they are counted in. */
  readonly #up = new Map<Destination, number>();
  /** How many are up, by tier. */
  readonly #counts: number[] = [];
  #lowest = Infinity;

  /** The lowest tier that has somebody who is up; infinite if nobody is. */
  get lowest(): number {
    return this.#lowest;
  }

  /** Those who are up of the lowest tier. */
  get first(): Destination[] {
    return [...this.#up].filter(([, tier]) => tier === this.#lowest).map(([one]) => one);
  }

  /** Notes whether a destination is up, and of which tier it is. */
  note(destination: Destination, up: boolean): void {
    const before = this.#up.get(destination);
    const after = up ? destination.config.backup : undefined;
    if (before === after) return;
    if (before !== undefined) this.#counts[before]!--;
    if (after === undefined) this.#up.delete(destination);
    else {
      this.#up.set(destination, after);
      this.#counts[after] = (this.#counts[after] ?? 0) + 1;
    }
    const lowest = this.#counts.findIndex((count) => count > 0);
    this.#lowest = lowest === -1 ? Infinity : lowest;
  }
}
