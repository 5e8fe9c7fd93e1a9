import { seededRandom } from "../../bench/statistics.ts";
import type { Phase, Visit } from "./scene.ts";

/** Clients that come at random, each once. */
export interface Crowd {
  readonly number: number;
  /** What the servers can do, in sessions per millisecond. */
  readonly capacity: number;
  /** The last one goes on for ever. */
  readonly phases: readonly Phase[];
  readonly balancers: number;
  readonly seed: number;
}

/**
 * The same clients for the same seed, whatever balancers there are: at exponential distances, with
 * exponential work, one unit on average, each to a balancer that it draws by lot.
 */
export function* visits({ number, capacity, phases, balancers, seed }: Crowd): Generator<Visit> {
  const random = seededRandom(seed);
  const drawn = () => -Math.log(1 - random());
  let phase = 0;
  let at = 0;
  for (let client = 0; client < number;) {
    const { until, load } = phases[phase]!;
    const next = at + drawn() / (load * capacity);
    // Gaps of this kind have no memory: a new one may begin with each phase.
    if (next > until && phase < phases.length - 1) {
      at = until;
      phase++;
      continue;
    }
    at = next;
    const work = drawn();
    yield { at, client: client++, work, balancer: Math.floor(random() * balancers) };
  }
}
