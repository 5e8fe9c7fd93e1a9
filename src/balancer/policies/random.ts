import type { Audience } from "../../async/audience.ts";
import type { Destination } from "../../destinations/destination.ts";
import { WeightTree } from "./weight_tree.ts";
import type { Policy } from "./policy.ts";

/** How often one that an audience lacks is drawn before all that belong to it are looked for. */
const MAX_DRAWS = 8;

/**
 * Two that have a free slot are drawn, each with a chance in proportion to its weight, and the one with
 * fewer sessions for its weight gets the next one.
 *
 * Several balancers in front of the same servers that do not know of each other do not all choose the
 * same one, as they would with the least loaded one; and that the better of two is taken keeps the
 * most loaded one close to the others.
 */
export class Random implements Policy {
  /** A number from 0 up to but without 1. */
  readonly #random: () => number;
  /** Those that have a free slot, with their weights. */
  readonly #free = new WeightTree<Destination>();

  /** @param random Draws a number from 0 up to but without 1; by chance unless given. */
  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  idleWorkers(): number {
    return 0;
  }

  add(destination: Destination): void {
    this.#free.add(destination);
  }

  remove(destination: Destination): void {
    this.#free.remove(destination);
  }

  update(destination: Destination, free: boolean): void {
    this.#free.set(destination, free ? destination.weight : 0);
  }

  next(audience?: Audience): Destination | undefined {
    if (!audience) return this.#better(this.#free);
    if (audience.only) {
      const one = audience.only as Destination;
      return this.#free.weightOf(one) > 0 ? one : undefined;
    }
    const one = this.#drawMember(audience);
    const other = one && this.#drawMember(audience);
    if (one && other) return betterOf(one, other);
    const members = new WeightTree<Destination>();
    for (const [member, weight] of this.#free) {
      if (weight === 0 || !audience.has(member)) continue;
      members.add(member);
      members.set(member, weight);
    }
    return this.#better(members);
  }

  #better(tree: WeightTree<Destination>): Destination | undefined {
    const one = this.#draw(tree);
    return one && betterOf(one, this.#draw(tree)!);
  }

  /** One of a tree; `undefined` if there is none. */
  #draw(tree: WeightTree<Destination>): Destination | undefined {
    // The product may be rounded up to the total.
    return tree.at(this.#random() * tree.total) ?? tree.at(0);
  }

  /** One of an audience, if it is found soon. */
  #drawMember(audience: Audience): Destination | undefined {
    for (let i = 0; i < MAX_DRAWS; i++) {
      const drawn = this.#draw(this.#free);
      if (drawn === undefined || audience.has(drawn)) return drawn;
    }
    return undefined;
  }
}

function betterOf(one: Destination, other: Destination): Destination {
  return other.workers * one.weight < one.workers * other.weight ? other : one;
}
