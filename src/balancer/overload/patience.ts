import type { Clock } from "../../base/clock.ts";

/** How long clients wait is told in steps of a quarter of an octave, from 1 ms to about an hour. */
const STEPS = 88;
const STEPS_PER_OCTAVE = 4;

/** Groups of clients, by their addresses; each has one say. */
export const GROUPS = 16;

/** Seen in one step more often than this, older sights count half. */
const MOST_SEEN = 64;

/** What was seen counts half after this time, in milliseconds. */
const HALF_LIFE_MS = 60_000;

/** Clients that have to leave before a group has shown how patient it is. */
const LEAST_LEFT = 2;

/** The patience of a group: what all but this share of its clients have. */
const IMPATIENT_SHARE = 0.25;

/** It is calculated anew after so many clients, the more so the more have been seen. */
const REVIEW_AFTER = 16;

/** The patience of all: that which groups with this share of the answers do not have. */
const TEACHING_SHARE = 1 / 3;

/** What a group of clients has shown. */
interface Group {
  /** Clients that have left at an age, by step. */
  readonly left: Float32Array;
  /** Clients that have stayed beyond it. */
  readonly stayed: Float32Array;
  /** Answers that servers have given it lately, to whoever was there to read them. */
  answers: number;
}

/**
 * How long clients wait before they give up, as far as they have shown it: by leaving, or by being
 * there still when they are answered or closed.
 *
 * For each age it is counted who left and who stayed longer, so that clients who are served soon do not
 * make the others look impatient (Kaplan and Meier, 1958). What was seen a minute ago counts half.
 *
 * An address alone cannot make all look impatient. Addresses are put into groups, and each has one say,
 * weighed by the answers that it has cost the servers: those who have shown less patience than the
 * result have no more than a third of the answers. Whoever comes and leaves at once again and again has
 * hardly any.
 */
export class Patience {
  readonly #clock: Clock;
  /** Those that have shown something, by number. */
  readonly #groups: (Group | undefined)[] = [];
  /** The latest result; see {@linkcode seen}. */
  #seen = Infinity;
  /** Clients since it was calculated. */
  #news = 0;
  /** When everything was last halved. */
  #agedAt: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#agedAt = clock();
  }

  /** How long clients wait, in milliseconds; infinite if none has shown the contrary. */
  get seen(): number {
    this.#age();
    return this.#seen;
  }

  /** A client has given up after so many milliseconds. */
  left(age: number, group: number): void {
    const { left, stayed } = this.#note(age, group);
    const step = stepOf(age);
    if (++left[step]! + stayed[step]! > MOST_SEEN) {
      stayed[step]! /= 2;
      left[step]! /= 2;
    }
    this.#review();
  }

  /** A client was there after so many milliseconds when it was answered, or closed unanswered. */
  stayed(age: number, group: number): void {
    this.#note(age, group);
    this.#review();
  }

  /** A server has answered, whether the client was still there or not. */
  answered(group: number): void {
    this.#groupOf(group).answers++;
  }

  #groupOf(number: number): Group {
    return this.#groups[number] ??= {
      left: new Float32Array(STEPS),
      stayed: new Float32Array(STEPS),
      answers: 0,
    };
  }

  #note(age: number, number: number): Group {
    const group = this.#groupOf(number);
    const { left, stayed } = group;
    const last = stepOf(age);
    for (let step = 0; step < last; step++) {
      if (++stayed[step]! + left[step]! > MOST_SEEN) {
        stayed[step]! /= 2;
        left[step]! /= 2;
      }
    }
    return group;
  }

  #review(): void {
    if (++this.#news < REVIEW_AFTER) return;
    this.#news = 0;
    this.#seen = this.#calculate();
  }

  #age(): void {
    const halvings = Math.floor((this.#clock() - this.#agedAt) / HALF_LIFE_MS);
    if (halvings < 1) return;
    this.#agedAt += halvings * HALF_LIFE_MS;
    const share = 2 ** -halvings;
    for (const group of this.#groups) {
      if (!group) continue;
      for (let step = 0; step < STEPS; step++) {
        group.left[step]! *= share;
        group.stayed[step]! *= share;
      }
      group.answers *= share;
    }
    this.#seen = this.#calculate();
  }

  #calculate(): number {
    const votes: { patience: number; weight: number }[] = [];
    let all = 0;
    for (const group of this.#groups) {
      if (!group) continue;
      const weight = group.answers + 1;
      all += weight;
      votes.push({ patience: patienceOf(group), weight });
    }
    votes.sort((a, b) => a.patience - b.patience);
    let less = 0;
    for (const { patience, weight } of votes) {
      less += weight;
      if (less > all * TEACHING_SHARE) return patience;
    }
    return Infinity;
  }
}

/** The age that a share of a group's clients does not reach. */
function patienceOf({ left, stayed }: Group): number {
  let there = 1;
  let number = 0;
  for (let step = 0; step < STEPS; step++) {
    const gone = left[step]!;
    if (gone === 0) continue;
    number += gone;
    there *= 1 - gone / (gone + stayed[step]!);
    if (there <= 1 - IMPATIENT_SHARE && number >= LEAST_LEFT) return ageAt(step);
  }
  return Infinity;
}

function stepOf(age: number): number {
  const step = Math.floor(Math.log2(Math.max(age, 1)) * STEPS_PER_OCTAVE);
  return Math.min(step, STEPS - 1);
}

/** The least age of a step. */
function ageAt(step: number): number {
  return 2 ** (step / STEPS_PER_OCTAVE);
}
