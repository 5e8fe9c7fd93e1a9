import type { LimitReason } from "../../operations/limit_reasons.ts";
import { logRatio, rate, type Sample, Spread, sum, weightOf } from "./sample.ts";

/** How many slots there are at first. */
const FIRST = 4;
/** Fewest finished sessions of a measurement, and their multiple of the slots. */
const FEWEST = 40;
const ROUNDS = 3;
/** Shortest and longest measurement in milliseconds. */
const SHORTEST_MS = 30;
const LONGEST_MS = 1500;
/** After so many finished sessions each it is looked whether a limit is clearly worse. */
const FEWEST_TO_LEAVE = 10;
/** A bigger limit has to serve more by so much for each doubling (a natural logarithm). */
const WORTH = 0.04;
/** How many standard errors make a difference certain enough. */
const CERTAIN = 2;
/** How many make one certain enough to go up, and down. */
const UP = 0.6;
const DOWN = 0.8;
/** Longest pause between two looks at a bigger limit that was found worse, in milliseconds. */
const LONGEST_PAUSE_MS = 2500;
/** A rate that differs by so much from what it was is that of another server. */
const ANOTHER_SERVER = 0.3;
/** What is left of the weight of earlier comparisons after each further one. */
const KEPT = 0.95;

/** What is known of a limit beside the one in force. */
interface Evidence {
  /** Mean logarithm of its rate over the rate of the limit in force. */
  mean: number;
  /** How many sessions stand behind that. */
  weight: number;
  /** When it may be looked at again. */
  next: number;
  /** The pause before the latest look. */
  pause: number;
}

type Direction = "up" | "down";

/**
 * Looks for the least number of slots with which a server finishes most sessions per second.
 *
 * It compares: for a short time it uses more slots, or fewer, and sees whether the server finishes
 * more or fewer sessions per second than before and after that. It goes where more is finished, by
 * doubling and halving as long as that helps, then by smaller steps. This needs no idea of how long a
 * session should take, so that clients that are slow to speak or to read do not mislead it: with more
 * slots more of them are finished as well.
 *
 * Pure: all that happens is a measurement that ends, at a time that is given.
 */
export class LimitSearch {
  /** Most slots. */
  #max: number;
  /** How many threads share the server, with limits like this one. */
  readonly #threads: number;
  /** The limit in force, from which others are tried. */
  #base: number;
  /** The limit that is tried at the moment. */
  #tried: { direction: Direction; limit: number } | undefined;
  /** Whether steps are doublings; otherwise they are a third or so. */
  #wide = true;
  /** The latest two measurements of the limit in force, the latest first. */
  #latest: { now: Sample; before: Sample | undefined } | undefined;
  /** A limit that was tried, whose rate is to be compared with that of the base after it. */
  #pending: { direction: Direction; limit: number; sample: Sample } | undefined;
  /** What is known of more slots, and of fewer. */
  readonly #evidence: Record<Direction, Evidence> = { up: nothing(), down: nothing() };
  /** How much measurements differ by chance. */
  readonly #spread = new Spread();
  /** Long-term rate of the base. */
  #usual: number | undefined;
  /** Measurements in a row that differ from it. */
  #strange = 0;
  /** Whether the server finishes far less than before, for which there may be too many slots. */
  #fell = false;
  /** Why it is what it is. */
  reason: LimitReason = "start";

  constructor(options: { max: number; threads?: number }) {
    this.#max = options.max;
    this.#base = Math.min(FIRST, options.max);
    this.#threads = options.threads ?? 1;
  }

  /** The slots to use now. */
  get limit(): number {
    return this.#tried?.limit ?? this.#base;
  }

  /** The slots found so far, without what is only tried. */
  get base(): number {
    return this.#base;
  }

  set max(max: number) {
    this.#max = max;
    if (this.#base > max) this.#move(max, "maximum");
    else if (this.#tried && this.#tried.limit > max) this.#tried = undefined;
  }

  /** Connects fail: half the slots, and more only after a while. */
  failed(now: number): void {
    this.#move(Math.ceil(this.#base / 2), "connects-failed");
    this.#evidence.up.next = now + LONGEST_PAUSE_MS;
  }

  /** Whether what was measured so far is enough: so many that ended, in so many milliseconds. */
  enough(finished: number, time: number): boolean {
    if (time < SHORTEST_MS) return false;
    const wanted = Math.max(FEWEST * this.#threads, ROUNDS * this.limit);
    if (finished >= wanted || (time >= LONGEST_MS && finished > this.limit)) return true;
    // Not each time, since a comparison costs more than all the rest.
    return finished % FEWEST_TO_LEAVE === 0 && this.#isClearlyWorse({ finished, time });
  }

  /**
   * A measurement of the limit of the moment is over.
   *
   * @param options.wanted Whether sessions have waited, so that more slots could be used at all.
   */
  measured(sample: Sample, { now, wanted }: { now: number; wanted: boolean }): void {
    if (this.#tried) this.#afterTry(sample, now);
    else this.#afterBase(sample, now);
    if (!this.#tried && this.#pending === undefined) this.#tryAnother(now, wanted);
  }

  #afterTry(sample: Sample, now: number): void {
    const { direction, limit } = this.#tried!;
    this.#tried = undefined;
    const { mean, weight } = this.#compare(limit, sample, [this.#latest!.now]);
    const error = this.#spread.error(weight);
    const margin = Math.abs(mean - this.#worth(limit));
    if (this.#wide && margin > (CERTAIN + 1) * error) {
      this.#learn(direction, limit, { mean, weight }, sample, now);
    } else this.#pending = { direction, limit, sample };
  }

  #afterBase(sample: Sample, now: number): void {
    const before = this.#latest?.now;
    this.#latest = { now: sample, before };
    if (before) this.#spread.note(before, sample);
    this.#noteChange(sample, now);
    const pending = this.#pending;
    if (!pending || !before) return;
    this.#pending = undefined;
    const comparison = this.#compare(pending.limit, pending.sample, [before, sample]);
    this.#learn(pending.direction, pending.limit, comparison, pending.sample, now);
  }

  #learn(
    direction: Direction,
    limit: number,
    { mean, weight }: { mean: number; weight: number },
    sample: Sample,
    now: number,
  ): void {
    const known = this.#evidence[direction];
    const old = known.weight * KEPT;
    known.mean = (known.mean * old + mean * weight) / (old + weight);
    known.weight = old + weight;
    const error = this.#spread.error(known.weight);
    const worth = this.#worth(limit);
    const better = known.mean - worth;
    const descends = direction === "down" && this.#fell && better > -CERTAIN * error;
    if (better > (direction === "up" ? UP : DOWN) * error || descends) {
      const reason = direction === "up" ? "more-served" : "as-much-served";
      // A decline of the rate says that the way back is no way.
      const mean = known.mean;
      const kept = known.weight / 2;
      this.#move(limit, mean > 0.02 ? "more-served" : reason);
      const back = this.#evidence[direction === "up" ? "down" : "up"];
      back.mean = -mean;
      back.weight = kept;
      back.next = now + LONGEST_PAUSE_MS / 4;
      this.#latest = { now: sample, before: undefined };
      this.#usual = rate(sample);
    } else {
      const sure = -better > CERTAIN * error;
      known.pause = sure ? Math.min(Math.max(known.pause * 2, 250), LONGEST_PAUSE_MS) : 0;
      known.next = now + known.pause;
      if (direction === "down") this.#fell = false;
      if (this.#wide && (sure || known.weight > 400)) this.#narrow();
    }
  }

  /** Doubling and halving are over once neither helps. */
  #narrow(): void {
    const { up, down } = this.#evidence;
    const settled = (one: Evidence, end: boolean) => end || one.weight > 0;
    if (!settled(up, this.#base >= this.#max) || !settled(down, this.#base <= 1)) return;
    this.#wide = false;
    this.#forget();
  }

  #move(limit: number, reason: LimitReason): void {
    this.#base = Math.min(Math.max(1, limit), this.#max);
    this.reason = reason;
    this.#tried = undefined;
    this.#pending = undefined;
    this.#latest = undefined;
    this.#forget();
  }

  #forget(): void {
    this.#evidence.up = nothing();
    this.#evidence.down = nothing();
  }

  #tryAnother(now: number, wanted: boolean): void {
    if (!wanted || !this.#latest) return;
    const { up, down } = this.#evidence;
    const mayUp = this.#base < this.#max && now >= up.next;
    const mayDown = this.#base > 1 && now >= down.next;
    if (!mayUp && !mayDown) return;
    const preferred = up.weight <= down.weight && !this.#fell ? mayUp : !mayDown;
    const direction = preferred ? "up" : "down";
    this.#tried = { direction, limit: this.#beside(direction) };
  }

  #beside(direction: Direction): number {
    const base = this.#base;
    const factor = this.#wide ? 2 : 1.45;
    const limit = direction === "up"
      ? Math.max(base + 1, Math.round(base * factor))
      : Math.min(base - 1, Math.round(base / factor));
    return Math.min(Math.max(1, limit), this.#max);
  }

  /** The difference that a limit has to make, as a logarithm: below 0 for fewer slots. */
  #worth(limit: number): number {
    const doublings = Math.log2(this.#total(limit));
    return (doublings > 0 ? WORTH : WORTH / 2) * doublings;
  }

  /** By what factor all threads together have more slots. */
  #total(limit: number): number {
    const factor = limit / this.#base;
    return (this.#threads - 1 + factor) / this.#threads;
  }

  #compare(
    limit: number,
    tried: Sample,
    others: readonly Sample[],
  ): { mean: number; weight: number } {
    const all = sum(others);
    const factor = limit / this.#base;
    // What a thread gains by more slots it takes from the others as well, where the server is full.
    const shared = Math.log(this.#total(limit) / factor);
    const mean = logRatio(tried, all) + shared;
    return { mean, weight: weightOf(tried, all) };
  }

  #isClearlyWorse(sample: Sample): boolean {
    if (!this.#tried || !this.#latest || sample.finished === 0) return false;
    const { mean, weight } = this.#compare(this.#tried.limit, sample, [this.#latest.now]);
    return mean < -0.08 - 2.5 * this.#spread.error(weight);
  }

  #noteChange(sample: Sample, now: number): void {
    const present = rate(sample);
    this.#usual ??= present;
    const difference = Math.abs(Math.log(present / this.#usual));
    const noise = 3 * this.#spread.error(sample.finished);
    if (difference > Math.max(ANOTHER_SERVER, noise)) this.#strange++;
    else {
      this.#strange = 0;
      this.#usual += (present - this.#usual) * 0.1;
    }
    if (this.#strange < 4) return;
    // Another server, as it were: what was known of it is void.
    this.#strange = 0;
    this.#fell = present < this.#usual;
    this.#usual = present;
    this.#pending = undefined;
    this.#wide = true;
    this.#forget();
    this.#evidence.up.next = this.#evidence.down.next = now;
  }
}

function nothing(): Evidence {
  return { mean: 0, weight: 0, next: -Infinity, pause: 0 };
}
