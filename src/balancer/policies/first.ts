import { Ranking } from "./ranking.ts";
import type { Policy } from "./policy.ts";

/**
 * The first in the order of the configuration that has a free slot gets the next session: the others
 * stay idle, and can be switched off, until the first are full.
 *
 * Weights do not matter to it, but for 0.
 */
export class First extends Ranking implements Policy {
  constructor() {
    super({ loadOf: ({ place }) => place, ties: "order" });
  }

  idleWorkers(): number {
    return 0;
  }
}
