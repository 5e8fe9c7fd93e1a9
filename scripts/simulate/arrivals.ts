import { seededRandom } from "../bench/statistics.ts";

/** Clients that come at random, at a rate that may change. */
export interface Crowd {
  /** One after the other: arrivals per second on average, with exponential gaps, for so long. */
  readonly phases: readonly { readonly rate: number; readonly seconds: number }[];
  /** Each client draws its own, in milliseconds: evenly over the octaves between these. */
  readonly patience: { readonly least: number; readonly most: number };
  readonly seed: number;
  /** This share of them is one client that comes again and again; the others are so many others. */
  readonly greedy?: { readonly share: number; readonly others: number };
}

/** A client that comes: `at` milliseconds after the beginning, for as long as its patience lasts. */
export interface Arrival {
  readonly at: number;
  readonly patience: number;
  /** Which client it is, where that matters: 0 is the greedy one. */
  readonly client?: number;
}

/** The same clients for the same seed, whoever asks. */
export function* arrivals({ phases, patience, seed, greedy }: Crowd): Generator<Arrival> {
  const random = seededRandom(seed);
  const { least, most } = patience;
  let begin = 0;
  for (const { rate, seconds } of phases) {
    const end = begin + seconds * 1000;
    // Gaps of this kind have no memory: a new one may begin with each phase.
    for (let at = begin + gap(rate); at < end; at += gap(rate)) {
      const arrival = { at, patience: least * (most / least) ** random() };
      yield greedy ? { ...arrival, client: clientOf(greedy) } : arrival;
    }
    begin = end;
  }

  function clientOf({ share, others }: { share: number; others: number }): number {
    return random() < share ? 0 : 1 + Math.floor(random() * others);
  }

  function gap(rate: number): number {
    return -Math.log(1 - random()) * 1000 / rate;
  }
}

/** How long they come, in seconds. */
export function lengthOf({ phases }: Pick<Crowd, "phases">): number {
  return phases.reduce((sum, { seconds }) => sum + seconds, 0);
}
