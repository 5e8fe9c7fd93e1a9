import type { Audience } from "../../async/audience.ts";
import { mix32, murmur3 } from "../../base/murmur.ts";
import type { Destination } from "../../destinations/destination.ts";

interface Entry {
  readonly destination: Destination;
  /** Decides between equal hashes. */
  readonly tie: number;
  readonly seed: number;
  /** Its share of the clients; 0 while it serves nobody. */
  weight: number;
  /** Whether it has a free slot. */
  free: boolean;
  /** Its index in the group of its weight. */
  at: number;
}

/** Destinations of the same weight. */
interface Group {
  readonly weight: number;
  readonly entries: Entry[];
  /** The seeds of these, in the same order; those behind them do not count. */
  seeds: Uint32Array;
}

/** Who comes into question: those of an audience, those that have a free slot; all unless given. */
export interface Terms {
  readonly audience?: Audience | undefined;
  readonly free?: boolean;
}

/**
 * The order in which each client prefers the destinations: weighted rendezvous hashing, also called
 * highest random weight.
 *
 * A destination counts by its configured address alone. The score of one of weight w for a client is
 * w / -ln(u), where u = (h + ½) / 2³² and h = mix32(client ⊕ murmur3(address)); the highest comes first.
 * So each destination is the first of a share of the clients that is its share of the weights, and when
 * one comes, goes or changes its weight, only clients move that it gets or loses by that.
 *
 * Logarithms are taken once for each weight that there is: among equals the greatest hash wins.
 *
 * Sources: Thaler and Ravishankar, "Using name-based mappings to increase hit rates", 1998; Schindelhauer
 * and Schomaker, "Weighted distributed hash tables", 2005 (the logarithmic method).
 */
export class Rendezvous {
  readonly #entries = new Map<object, Entry>();
  /** Those that serve, by their weights. */
  readonly #groups = new Map<number, Group>();

  /** Adds a destination, which serves nobody yet. */
  add(destination: Destination): void {
    const key = new TextEncoder().encode(destination.config.key);
    const [seed, tie] = [murmur3(key), murmur3(key, { seed: 1 })];
    this.#entries.set(destination, { destination, seed, tie, weight: 0, free: false, at: -1 });
  }

  /** Forgets a destination. */
  remove(destination: Destination): void {
    this.weigh(destination, 0);
    this.#entries.delete(destination);
  }

  /** Notes the weight of a destination at the moment; 0 = it serves nobody. */
  weigh(destination: Destination, weight: number): void {
    const entry = this.#entries.get(destination);
    if (!entry || entry.weight === weight) return;
    if (entry.weight > 0) this.#leave(entry);
    entry.weight = weight;
    if (weight > 0) this.#join(entry);
  }

  /** Notes whether a destination has a free slot. */
  mark(destination: Destination, free: boolean): void {
    const entry = this.#entries.get(destination);
    if (entry) entry.free = free;
  }

  /** Whether a destination serves, with a free slot or without. */
  serves(destination: object): boolean {
    return (this.#entries.get(destination)?.weight ?? 0) > 0;
  }

  /** The first one that serves, in the order of a client that has this hash. */
  first(client: number, terms: Terms): Destination | undefined {
    let first: Entry | undefined;
    let highest = 0;
    for (const group of this.#groups.values()) {
      const best = greatest(group, client, terms);
      if (!best) continue;
      if (this.#groups.size === 1) return best.destination;
      const score = group.weight / -Math.log((hashOf(client, best.seed) + 0.5) / 2 ** 32);
      if (first && (score < highest || (score === highest && best.tie < first.tie))) continue;
      first = best;
      highest = score;
    }
    return first?.destination;
  }

  #join(entry: Entry): void {
    let group = this.#groups.get(entry.weight);
    if (!group) {
      group = { weight: entry.weight, entries: [], seeds: new Uint32Array(4) };
      this.#groups.set(entry.weight, group);
    }
    entry.at = group.entries.push(entry) - 1;
    if (entry.at === group.seeds.length) {
      const larger = new Uint32Array(2 * entry.at);
      larger.set(group.seeds);
      group.seeds = larger;
    }
    group.seeds[entry.at] = entry.seed;
  }

  #leave(entry: Entry): void {
    const group = this.#groups.get(entry.weight)!;
    const last = group.entries.pop()!;
    if (last !== entry) {
      group.entries[entry.at] = last;
      group.seeds[entry.at] = last.seed;
      last.at = entry.at;
    }
    if (group.entries.length === 0) this.#groups.delete(entry.weight);
  }
}

/** The one of a group that comes first in the order of a client. */
function greatest(group: Group, client: number, terms: Terms): Entry | undefined {
  const { seeds, entries } = group;
  const number = entries.length;
  let best: Entry | undefined;
  let greatest = 0;
  for (let i = 0; i < number; i++) {
    const hash = hashOf(client, seeds[i]!);
    if (hash < greatest) continue;
    // Seldom so far: the greatest of n numbers changes ln(n) times.
    const entry = entries[i]!;
    if (best && hash === greatest && entry.tie < best.tie) continue;
    if (terms.free && !entry.free) continue;
    if (terms.audience?.has(entry.destination) === false) continue;
    best = entry;
    greatest = hash;
  }
  return best;
}

function hashOf(client: number, seed: number): number {
  return mix32(client ^ seed);
}
