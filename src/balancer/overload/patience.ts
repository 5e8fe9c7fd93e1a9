import type { Clock } from "../../base/clock.ts";

/** How long clients wait is told in steps of a quarter of an octave, from 1 ms to about an hour. */
const STEPS = 88;
const STEPS_PER_OCTAVE = 4;

/** Groups of clients, by their addresses; each has one say. */
export const GROUPS = 16;

/**
 * Seen in one step more often than this, older sights count half, but not before this time, in
 * milliseconds: of clients that came together all leave together, and then all others are answered.
 */
const MOST_SEEN = 64;
const LEAST_MEMORY_MS = 2000;

/** What was seen counts half after this time, in milliseconds. */
const HALF_LIFE_MS = 60_000;

/** Clients that have to leave before a group has shown how patient it is. */
const LEAST_LEFT = 2;

/** The patience of a group: what all but this share of its clients have. */
const IMPATIENT_SHARE = 0.25;

/** An answer is most likely in vain if fewer than this part of the clients are there until then. */
const STAYING_SHARE = 0.4;

/** It is calculated anew after so many clients, the more so the more have been seen. */
const REVIEW_AFTER = 16;

/** The patience of all: that which groups with this share of the answers do not have. */
const TEACHING_SHARE = 1 / 3;

/**
 * Who leaves sooner than this, in milliseconds, or sooner than an answer takes, has not lost patience:
 * nobody could have been answered by then. Health checks and scanners do so.
 */
const LEAST_MS = 20;

/** What a group of clients has shown. */
interface Group {
  /** Clients that have left at an age, by step. */
  readonly left: Float32Array;
  /** Clients that have stayed beyond it. */
  readonly stayed: Float32Array;
  /** When the older sights of a step last were halved. */
  readonly halvedAt: Float64Array;
  /** Answers that servers have given it lately, to whoever was there to read them. */
  answers: number;
}

/** How long answers take, in milliseconds. */
export interface Answers {
  readonly average: number;
  readonly most: number;
}

/**
 * How long clients wait before they give up, as far as they have shown it: by leaving, or by being
 * there still when they are answered or closed.
 *
 * For each age it is counted who left and who stayed longer, so that clients who are served soon do not
 * make the others look impatient (Kaplan and Meier, 1958). What was seen a minute ago counts half.
 *
 * Who leaves sooner than an answer takes does not count at all. An address alone cannot make all look
 * impatient, either: addresses are put into groups, and each has one say, weighed by the answers that
 * it has cost the servers: those who have shown less patience than the result have no more than a third
 * of the answers. With addresses enough for most groups anybody can; what is seen here is therefore
 * not believed before servers work in vain because of it.
 */
export class Patience {
  readonly #clock: Clock;
  /** Those that have shown something, by number. */
  readonly #groups: (Group | undefined)[] = [];
  /** The latest result; see {@linkcode seen}. */
  #seen = Infinity;
  /** The same for {@linkcode longest}. */
  #longest = Infinity;
  /** How long answers take, on average and most of them. */
  readonly #answers: Answers;
  /** Clients since it was calculated. */
  #news = 0;
  /** When everything was last halved. */
  #agedAt: number;

  constructor(clock: Clock, answers: Answers = { average: 0, most: 0 }) {
    this.#clock = clock;
    this.#answers = answers;
    this.#agedAt = clock();
  }

  /** How long clients wait, in milliseconds; infinite if none has shown the contrary. */
  get seen(): number {
    this.#age();
    return this.#seen;
  }

  /**
   * The longest wait after which most of those who are still there will be so when they are answered,
   * in milliseconds.
   */
  get longest(): number {
    this.#age();
    return this.#longest;
  }

  /** Whether one that leaves after so many milliseconds may have lost patience. */
  counts(age: number): boolean {
    return stepOf(age) >= this.#least;
  }

  /** A client has given up after so many milliseconds. */
  left(age: number, group: number): void {
    const step = stepOf(age);
    const seen = this.#note(step, group);
    seen.left[step]!++;
    this.#bound(seen, step);
    this.#review();
  }

  /** A client was there after so many milliseconds when it was answered, or closed unanswered. */
  stayed(age: number, group: number): void {
    const step = stepOf(age);
    const seen = this.#note(step, group);
    // It has been through a part of this one. Without that, a step in which all are closed who do not
    // leave would look as if nobody stayed.
    const from = ageAt(step);
    seen.stayed[step]! += Math.min(Math.max((age - from) / (ageAt(step + 1) - from), 0), 1);
    this.#bound(seen, step);
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
      halvedAt: new Float64Array(STEPS).fill(this.#clock()),
      answers: 0,
    };
  }

  /** It has stayed through all steps before this one. */
  #note(last: number, number: number): Group {
    const group = this.#groupOf(number);
    const { stayed } = group;
    for (let step = 0; step < last; step++) {
      stayed[step]!++;
      this.#bound(group, step);
    }
    return group;
  }

  /** What is seen more often than is needed counts half, if it is older. */
  #bound({ left, stayed, halvedAt }: Group, step: number): void {
    if (left[step]! + stayed[step]! <= MOST_SEEN) return;
    const now = this.#clock();
    if (now - halvedAt[step]! < LEAST_MEMORY_MS) return;
    halvedAt[step] = now;
    stayed[step]! /= 2;
    left[step]! /= 2;
  }

  #review(): void {
    if (++this.#news < REVIEW_AFTER) return;
    this.#news = 0;
    this.#calculate();
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
    this.#calculate();
  }

  #calculate(): void {
    const from = this.#least;
    this.#seen = this.#decide((group) => patienceOf(group, from));
    const answer = this.#answers.most;
    this.#longest = this.#decide((group) => longestOf(group, { answer, from }));
  }

  /** The first step in which one that leaves counts. */
  get #least(): number {
    return stepOf(Math.max(this.#answers.average, LEAST_MS));
  }

  /** What groups with a share of the answers vote for at most. */
  #decide(voteOf: (group: Group) => number): number {
    const votes: { vote: number; weight: number }[] = [];
    let all = 0;
    // Where nobody was answered each has the same say.
    const answered = this.#groups.some((group) => group && group.answers > 0);
    for (const group of this.#groups) {
      if (!group) continue;
      const weight = answered ? group.answers : 1;
      all += weight;
      votes.push({ vote: voteOf(group), weight });
    }
    votes.sort((a, b) => a.vote - b.vote);
    let less = 0;
    for (const { vote, weight } of votes) {
      less += weight;
      if (less > all * TEACHING_SHARE) return vote;
    }
    return Infinity;
  }
}

/** The age that a share of a group's clients does not reach. */
function patienceOf({ left, stayed }: Group, from: number): number {
  let there = 1;
  let number = 0;
  for (let step = from; step < STEPS; step++) {
    const gone = left[step]!;
    if (gone === 0) continue;
    number += gone;
    there *= 1 - gone / (gone + stayed[step]!);
    if (there <= 1 - IMPATIENT_SHARE && number >= LEAST_LEFT) return ageAt(step);
  }
  return Infinity;
}

/** The wait after which fewer than a share are there until an answer that takes so long. */
function longestOf(
  { left, stayed }: Group,
  { answer, from }: { answer: number; from: number },
): number {
  for (let step = from; step < STEPS; step++) {
    if (left[step] === 0) continue;
    const wait = ageAt(step) - answer;
    let there = 1;
    let number = 0;
    for (let during = step; during >= from && ageAt(during + 1) > wait; during--) {
      const gone = left[during]!;
      if (gone === 0) continue;
      number += gone;
      there *= 1 - gone / (gone + stayed[during]!);
    }
    if (there < STAYING_SHARE && number >= LEAST_LEFT) return Math.max(wait, 0);
  }
  return Infinity;
}

/** An age as exactly as it is told: the least one of its step. */
export function roughly(age: number): number {
  return ageAt(stepOf(age));
}

function stepOf(age: number): number {
  const step = Math.floor(Math.log2(Math.max(age, 1)) * STEPS_PER_OCTAVE);
  return Math.min(step, STEPS - 1);
}

/** The least age of a step. */
function ageAt(step: number): number {
  return 2 ** (step / STEPS_PER_OCTAVE);
}
