import { Ranking } from "./ranking.ts";
import type { Policy } from "./policy.ts";

/**
 * The destination with the fewest sessions for its weight gets the next one, equals by turns.
 *
 * No worker waits, so that each session is decided on: each worker that there is has a session.
 */
export class LeastConn extends Ranking implements Policy {
  constructor() {
    super({ loadOf: ({ workers, weight }) => workers / (weight || 1), ties: "turns" });
  }

  idleWorkers(): number {
    return 0;
  }
}
