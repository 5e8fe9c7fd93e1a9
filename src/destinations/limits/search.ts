import type { LimitReason } from "../../operations/limit_reasons.ts";
import { Evidence } from "./evidence.ts";
import {
  compare,
  type Comparison,
  countedIn,
  fullShare,
  isFull,
  type Sample,
  Spread,
  sum,
} from "./sample.ts";
import { DOUBLING, Steps } from "./steps.ts";
import { Usual } from "./usual.ts";

/** How many slots there are at first. */
const FIRST = 4;
/** Fewest finished sessions of a measurement, and their multiple of the slots. */
const FEWEST = 40;
const ROUNDS = 3;
/** Shortest and longest measurement in milliseconds. */
const SHORTEST_MS = 30;
const LONGEST_MS = 1500;
/** What takes longer while slots are free is no measurement. */
const STALE_MS = 3000;
/** After so many finished sessions each it is looked whether a limit is clearly worse. */
const FEWEST_TO_LEAVE = 10;
/** A bigger limit has to serve more by so much for each doubling (a natural logarithm). */
const WORTH = 0.04;
/** How many standard errors make a difference certain enough. */
const CERTAIN = 2;
/** How many make one certain enough to go up, and down. */
const UP = 0.6;
const DOWN = 1.2;
/** Longest pause between two looks at a bigger limit that was found worse, in milliseconds. */
const LONGEST_PAUSE_MS = 2500;
/** It goes by doublings until so many sessions stand behind what is known of both sides. */
const KNOWN = 30;
/** Fewer slots are tried only if all were taken for so much of the time. */
const FULL_FOR_FEWER = 0.9;

/** When a limit beside the one in force is looked at. */
interface Look {
  /** Not before. */
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
  /** Fewest slots. */
  readonly #min: number;
  #steps: Steps;
  /** The step of the limit in force, from which others are tried. */
  #base: number;
  /** The step that is tried at the moment. */
  #tried: { direction: Direction; step: number } | undefined;
  /** Whether it goes by doublings; otherwise by single steps. */
  #wide = true;
  /** Where the latest move went. */
  #came: Direction | undefined;
  /** The latest two measurements of the limit in force, the latest first. */
  #latest: { now: Sample; before: Sample | undefined } | undefined;
  /** A limit that was tried, whose rate is to be compared with that of the base after it. */
  #pending: { direction: Direction; step: number; sample: Sample } | undefined;
  /** What is known of pairs of steps. */
  readonly #evidence = new Evidence();
  /** When more slots are looked at, and fewer. */
  #looks: Record<Direction, Look> = atOnce();
  /** How much measurements differ by chance. */
  readonly #spread = new Spread();
  /** What the base does in the long run. */
  readonly #usual = new Usual();
  /** Whether the server finishes far less than before, for which there may be too many slots. */
  #fell = false;
  /** Why it is what it is. */
  reason: LimitReason = "start";

  /** @param options.min Fewest slots, one for each thread; 1 unless given. */
  constructor({ min = 1, max }: { min?: number; max: number }) {
    this.#min = min;
    this.#steps = new Steps({ min, max });
    this.#base = this.#steps.of(FIRST);
  }

  /** The slots to use now. */
  get limit(): number {
    return this.#steps.slots(this.#tried?.step ?? this.#base);
  }

  /** The slots found so far, without what is only tried. */
  get base(): number {
    return this.#steps.slots(this.#base);
  }

  /** Most slots. */
  set max(max: number) {
    const { base } = this;
    this.#steps = new Steps({ min: this.#min, max });
    this.#evidence.clear();
    this.#move(this.#steps.of(base), base > max ? "maximum" : this.reason);
  }

  /** Connects fail: half the slots, and more only after a while. */
  failed(now: number): void {
    this.#move(this.#base - DOUBLING, "connects-failed");
    this.#looks.up.next = now + LONGEST_PAUSE_MS;
  }

  /** Whether what was measured so far is enough. */
  enough(sample: Sample): boolean {
    const { wall } = sample;
    if (wall < SHORTEST_MS) return false;
    const counted = countedIn(sample);
    if (counted >= Math.max(FEWEST, ROUNDS * this.limit)) return true;
    if (wall >= LONGEST_MS && counted > this.limit) return true;
    // Not each time, since a comparison costs more than all the rest.
    if (counted === 0 || counted % FEWEST_TO_LEAVE !== 0) return false;
    if (this.#tried) return this.#isClearlyWorse(sample);
    return this.#usual.isFarLess(sample, this.#spread.error(sample.finished));
  }

  /** Whether what was measured so far says nothing: hardly anybody has come for a while. */
  isStale(sample: Sample): boolean {
    return sample.wall > STALE_MS && !isFull(sample);
  }

  /** A measurement has come to nothing. */
  stop(): void {
    this.#tried = undefined;
    this.#pending = undefined;
    this.#latest = undefined;
  }

  /**
   * A measurement of the limit of the moment is over.
   *
   * @param options.wanted Whether sessions have waited, so that more slots could be used at all.
   */
  measured(sample: Sample, { now, wanted }: { now: number; wanted: boolean }): void {
    if (this.#tried) this.#afterTry(sample, now);
    else this.#afterBase(sample, now);
    if (!this.#tried && this.#pending === undefined && !this.#usual.isDoubtful) {
      this.#tryAnother(now, wanted);
    }
  }

  #afterTry(sample: Sample, now: number): void {
    const { direction, step } = this.#tried!;
    this.#tried = undefined;
    // With fewer slots than clients use it says nothing that some of them are free.
    if (direction === "down" && !isFull(sample)) return;
    const { mean, weight } = compare(sample, this.#latest!.now);
    const error = this.#spread.error(weight);
    const margin = Math.abs(mean - this.#worth(step));
    const full = isFull(sample) && isFull(this.#latest!.now);
    if (full && this.#wide && margin > (CERTAIN + 1) * error) {
      this.#learn(direction, step, { mean, weight }, sample, now);
    } else this.#pending = { direction, step, sample };
  }

  #afterBase(sample: Sample, now: number): void {
    const before = this.#latest?.now;
    this.#latest = { now: sample, before };
    if (before) this.#spread.note(before, sample);
    this.#noteChange(sample);
    const pending = this.#pending;
    this.#pending = undefined;
    if (!pending || !before || this.#usual.isDoubtful) return;
    const comparison = compare(pending.sample, sum([before, sample]));
    this.#learn(pending.direction, pending.step, comparison, pending.sample, now);
  }

  #learn(direction: Direction, step: number, seen: Comparison, sample: Sample, now: number): void {
    const { mean: gain, weight } = this.#evidence.add(step, this.#base, seen);
    const error = this.#spread.error(weight);
    const better = gain - this.#worth(step);
    const descends = direction === "down" && this.#fell && better > -CERTAIN * error;
    if (better > (direction === "up" ? UP : DOWN) * error || descends) {
      const reason = direction === "up" || gain > 0.02 ? "more-served" : "as-much-served";
      this.#move(step, reason);
      // It is far away still if it goes on in the same direction.
      this.#wide ||= direction === this.#came;
      this.#came = direction;
      // The way back is no way.
      this.#looks[direction === "up" ? "down" : "up"].next = now + LONGEST_PAUSE_MS / 4;
      this.#latest = { now: sample, before: undefined };
      this.#usual.reset(sample);
    } else {
      const sure = -better > CERTAIN * error;
      const look = this.#looks[direction];
      look.pause = sure ? Math.min(Math.max(look.pause * 2, 250), LONGEST_PAUSE_MS) : 0;
      look.next = now + look.pause;
      if (direction === "down") this.#fell = false;
      if (this.#wide && (sure || weight > 400)) this.#narrow();
    }
  }

  /** Doubling and halving are over once neither helps. */
  #narrow(): void {
    const settled = (direction: Direction) => {
      const step = this.#beside(direction);
      return step === this.#base || this.#weightOf(step) > KNOWN;
    };
    if (!settled("up") || !settled("down")) return;
    this.#wide = false;
    this.#came = undefined;
    this.#looks = atOnce();
  }

  #move(step: number, reason: LimitReason): void {
    this.#base = this.#steps.nearest(step);
    this.reason = reason;
    this.#tried = undefined;
    this.#pending = undefined;
    this.#latest = undefined;
    this.#looks = atOnce();
  }

  #tryAnother(now: number, wanted: boolean): void {
    if (!wanted || !this.#latest) return;
    const { up, down } = this.#looks;
    const [above, below] = [this.#beside("up"), this.#beside("down")];
    const mayUp = above > this.#base && now >= up.next;
    const full = fullShare(this.#latest.now) >= FULL_FOR_FEWER;
    const mayDown = below < this.#base && now >= down.next && full;
    if (!mayUp && !mayDown) return;
    const upFirst = this.#weightOf(above) <= this.#weightOf(below) && !this.#fell;
    const direction = (upFirst ? mayUp : !mayDown) ? "up" : "down";
    this.#tried = { direction, step: direction === "up" ? above : below };
  }

  #beside(direction: Direction): number {
    const by = this.#wide ? DOUBLING : 1;
    return this.#steps.nearest(this.#base + (direction === "up" ? by : -by));
  }

  /** How many sessions stand behind what is known of another step. */
  #weightOf(step: number): number {
    return this.#evidence.of(step, this.#base).weight;
  }

  /** The difference that a limit has to make, as a logarithm: below 0 for fewer slots. */
  #worth(step: number): number {
    const doublings = Math.log2(this.#steps.slots(step) / this.base);
    return (doublings > 0 ? WORTH : WORTH / 2) * doublings;
  }

  #isClearlyWorse(sample: Sample): boolean {
    if (!this.#latest) return false;
    const { mean, weight } = compare(sample, this.#latest.now);
    return mean < -0.08 - 2.5 * this.#spread.error(weight);
  }

  #noteChange(sample: Sample): void {
    const change = this.#usual.note(sample, this.#spread.error(sample.finished));
    if (!change) return;
    // What was known of it is void.
    this.#fell = change === "slower";
    this.#pending = undefined;
    this.#wide = true;
    this.#evidence.clear();
    this.#looks = atOnce();
  }
}

function atOnce(): Record<Direction, Look> {
  return { up: { next: -Infinity, pause: 0 }, down: { next: -Infinity, pause: 0 } };
}
