import { arrivals, type Crowd, lengthOf } from "../simulate/arrivals.ts";
import { quantile, seededRandom } from "./statistics.ts";
import { type Tally, tally, type Try } from "./tally.ts";

/** Requests of clients that leave when their patience is over, each on a connection of its own. */
export interface Impatient extends Crowd {
  /** What comes and is answered in the first so many seconds does not count. */
  readonly warmUp: number;
  /** Until when it counts, in seconds; to the end unless given. */
  readonly until?: number;
  /** When it is calm again, in seconds from the beginning; the recovery begins then. */
  readonly calmAt?: number;
  /** How often one that failed comes back, each time within a second. */
  readonly retries: number;
  /** When it begins, as milliseconds since 1970; at once unless given. */
  readonly startAt?: number;
}

/** What became of them. */
export interface ImpatientResult extends Tally {
  /** How much later than it should the slowest hundredth of the clients came, in milliseconds. */
  readonly lateness: number;
  /** The time that counted, as milliseconds since 1970. */
  readonly from: number;
  readonly to: number;
  /** Milliseconds of servers that clients had who were answered in time. */
  readonly useful: number;
}

/** Longest that a client stays away, in milliseconds. */
const AWAY_MS = 1000;

/**
 * Lets the clients come.
 *
 * @param ask Has one request answered, and tells how many milliseconds the server took for it; for that
 * client, where it matters who it is.
 */
export async function impatient(
  loop: Impatient,
  ask: (signal: AbortSignal, client?: number) => Promise<number>,
): Promise<ImpatientResult> {
  // Not the one that the arrivals are from: when somebody comes back depends on much.
  const random = seededRandom(loop.seed + 1_000_000);
  const seconds = lengthOf(loop);
  const { warmUp, until = seconds, calmAt, startAt } = loop;
  if (startAt !== undefined) await pause(startAt - Date.now());
  const started = performance.now();
  const now = () => performance.now() - started;
  const tries: Try[] = [];
  const late: number[] = [];
  const pending: Promise<void>[] = [];
  let useful = 0;
  for (const { at, patience, client } of arrivals(loop)) {
    if (at > now()) await pause(at - now());
    late.push(now() - at);
    pending.push(come(patience, client));
  }
  await Promise.all(pending);
  const began = performance.timeOrigin + started;
  return {
    ...tally(tries, { from: warmUp, to: until, calmAt }),
    lateness: quantile(late, 0.99),
    from: began + warmUp * 1000,
    to: began + until * 1000,
    useful,
  };

  async function come(patience: number, client?: number): Promise<void> {
    for (let left = loop.retries; !await isAnswered(patience, client) && left > 0; left--) {
      await pause(random() * AWAY_MS);
      if (now() > seconds * 1000) return;
    }
  }

  async function isAnswered(patience: number, client?: number): Promise<boolean> {
    const cameAt = now();
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(), patience);
    let answeredAt: number | undefined;
    try {
      const took = await ask(controller.signal, client);
      const at = now();
      if (at - cameAt <= patience) {
        answeredAt = at;
        if (at >= warmUp * 1000 && at < until * 1000) useful += took;
      }
    } catch {
      // It has left, or was turned away.
    }
    clearTimeout(timer);
    tries.push({ cameAt, answeredAt, client });
    return answeredAt !== undefined;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
