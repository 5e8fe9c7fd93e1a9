import { type Found, placeOf } from "./found.ts";

/** The greatest weight of a destination. */
const MOST = 256;

/** How far a weight may be from what it would be exactly, as a part of it. */
const TOLERANCE = 0.01;

/** One address of a target of SRV records. */
export interface Candidate {
  readonly hostname: string;
  readonly port: number;
  readonly target: string;
  /** Lower ones go first. */
  readonly priority: number;
  /** In proportion to the others of the same priority. */
  readonly weight: number;
}

/**
 * Servers with tiers and weights, from the first tier to the last.
 *
 * Each priority is a tier. In a tier the weights become numbers from 1 to 256, the smallest ones in
 * that proportion, since a policy may keep as many workers waiting; 0 counts as 1. A server that
 * several records name has the lowest of their priorities, and the greatest weight there.
 */
export function weigh(candidates: readonly Candidate[]): Found[] {
  const best = new Map<string, Candidate>();
  for (const one of candidates) {
    const place = placeOf(one);
    const other = best.get(place);
    if (!other || goesBefore(one, other)) best.set(place, one);
  }
  const byPriority = Map.groupBy(best.values(), ({ priority }) => priority);
  const tiers = [...byPriority].sort(([a], [b]) => a - b);
  return tiers.flatMap(([, servers], tier) => {
    const weights = inSmallNumbers(servers.map(({ weight }) => weight || 1));
    return servers.map(({ hostname, port, target }, i): Found => {
      return { hostname, port, target, weight: weights[i]!, tier };
    });
  });
}

/** Whole numbers from 1 to 256 in the same proportion, or as near to it as these can be. */
function inSmallNumbers(weights: readonly number[]): number[] {
  const distinct = [...new Set(weights)];
  const [least, most] = [Math.min(...distinct), Math.max(...distinct)];
  const isGood = (scale: number) => {
    return distinct.every((weight) => {
      const exact = weight * scale;
      return Math.abs(exact - Math.round(exact)) <= exact * TOLERANCE;
    });
  };
  let scale = MOST / most;
  for (let lowest = 1; lowest * most <= MOST * least; lowest++) {
    if (!isGood(lowest / least)) continue;
    scale = lowest / least;
    break;
  }
  return weights.map((weight) => Math.max(1, Math.round(weight * scale)));
}

function goesBefore(one: Candidate, other: Candidate): boolean {
  if (one.priority !== other.priority) return one.priority < other.priority;
  return one.weight > other.weight;
}
