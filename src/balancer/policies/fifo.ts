import type { Destination } from "../../destinations/destination.ts";
import { Ranking } from "./ranking.ts";
import type { Policy } from "./policy.ts";

/**
 * The worker that has been idle the longest gets the next session. If none is idle, the destination
 * with the smallest share of its slots in use does, the first configured among equals.
 *
 * A destination keeps as many workers waiting as its weight says, which makes that its share of
 * sparse traffic.
 */
export class Fifo extends Ranking implements Policy {
  constructor() {
    super({ loadOf: ({ load }) => load, ties: "order" });
  }

  idleWorkers({ weight, share: { starting } }: Destination): number {
    // Less than one is none while it grows, and one where it stays so.
    return Math.round(weight) || (weight > 0 && !starting ? 1 : 0);
  }
}
