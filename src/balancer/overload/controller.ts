import type { Clock } from "../../base/clock.ts";
import { AnswerTime } from "./answer_time.ts";
import { Patience, roughly } from "./patience.ts";
import { Proof } from "./proof.ts";
import { Target } from "./target.ts";

/** What is set, in milliseconds; 0 for what adapts. */
export interface Bounds {
  readonly shedTarget: number;
  readonly shedInterval: number;
}

/** The interval is the patience, and no less than so many answers take. */
const LEAST_ANSWERS = 4;

/** The interval where nobody has left: so many answers, and no less than so many milliseconds. */
const UNKNOWN_ANSWERS = 64;
const UNKNOWN_MS = 2000;

/** The target at first: this part of the patience; so many answers where nobody has left. */
const TARGET_SHARE = 1 / 4;
const TARGET_ANSWERS = 16;

/** It becomes no less than this part of what it is at first. */
const LEAST_TARGET_SHARE = 1 / 4;

/**
 * After a standing queue, for so many times the interval, the next one is looked for from this part of
 * the longest wait on, and the target is what it was: it is the same overload.
 */
const RECENT_INTERVALS = 8;
const RECENT_SHARE = 1 / 2;

/**
 * That servers work in vain is believed for as many intervals, and no less than so many milliseconds,
 * after it was seen the last time, or a queue stood for longer than both one interval and two seconds.
 */
const LEAST_BELIEF_MS = 20_000;

/** The target is remembered for so many times the interval. */
const MEMORY_INTERVALS = 32;

/** What is known of the sessions that wait for one destination. */
export interface Post {
  /** When the session that was next had waited so long that its client might leave; absent otherwise. */
  pressedAt: number | undefined;
  /** The latest time at which the one that was next had waited less than the target. */
  shortAt: number;
  /** When there was a standing queue the last time, and since when there is one. */
  stoodAt: number | undefined;
  standsSince: number | undefined;
  /** The longest wait in a standing queue. */
  readonly target: Target;
}

/** The session of which it is to be decided: the one that has waited longest. */
export interface Candidate {
  /** Milliseconds since it was accepted. */
  readonly age: number;
  /** Whether its client was seen giving up. */
  readonly gaveUp: boolean;
  /** Whether more wait than have a free slot. */
  readonly crowded: boolean;
}

/**
 * Decides when there is a standing queue, and who has waited in vain.
 *
 * A queue that is worked off within the patience of the clients, as they have shown it, does good: it
 * is left alone, however long it is. Once the session that is next has waited so long that its client
 * may leave before the answer, the queue is under pressure. Whoever has waited so long that an answer
 * would most likely be in vain is shed then. If none of those that are next has waited less than a
 * target, for an interval, more come than are served: that is a standing queue, in which everybody
 * waits for nothing. From then on those that have waited longer than the target are shed, and the rest
 * is answered soon.
 *
 * That is RFC 8289 with the patience of the clients as its interval, and a part of it as the target at
 * first. The target becomes as small as the servers can be kept busy with, see {@linkcode Target}.
 * Where nobody has left, both follow the time that an answer takes.
 *
 * That clients leave is believed once servers are seen working in vain for it, see {@linkcode Proof}.
 * Until then it is as if nobody had left.
 */
export class OverloadController {
  readonly patience: Patience;
  readonly answers = new AnswerTime();
  readonly #proof = new Proof();
  readonly #clock: Clock;
  readonly #bounds: () => Bounds;

  constructor(clock: Clock, bounds: () => Bounds) {
    this.patience = new Patience(clock, this.answers);
    this.#clock = clock;
    this.#bounds = bounds;
  }

  newPost(): Post {
    return {
      pressedAt: undefined,
      shortAt: -Infinity,
      stoodAt: undefined,
      standsSince: undefined,
      target: new Target(),
    };
  }

  /** For how long a queue has to stand before something is done about it, in milliseconds. */
  get interval(): number {
    const { shedInterval } = this.#bounds();
    if (shedInterval > 0) return shedInterval;
    const patience = this.#believed;
    if (patience < Infinity) return Math.max(patience, LEAST_ANSWERS * this.answers.average);
    return this.#unknownInterval;
  }

  /** The longest wait after which an answer is not most likely in vain, in milliseconds. */
  get longest(): number {
    if (this.#believed === Infinity) return Infinity;
    const { average, most } = this.answers;
    return Math.max(this.patience.longest, roughly(this.#proof.age) - most, average);
  }

  /**
   * The longest wait while servers have sessions and finish none, in milliseconds: with a target that is
   * set a queue has to stand for the interval before.
   */
  get longestStalled(): number {
    const { shedTarget } = this.#bounds();
    return shedTarget > 0 ? shedTarget + this.interval : this.longest;
  }

  /** The target at first, in milliseconds. */
  get initialTarget(): number {
    const { shedTarget } = this.#bounds();
    if (shedTarget > 0) return shedTarget;
    const patience = this.#believed;
    const { average } = this.answers;
    // Until something was answered nothing is known at all.
    if (patience === Infinity) return average > 0 ? TARGET_ANSWERS * average : Infinity;
    return Math.min(patience * TARGET_SHARE, this.longest);
  }

  /** The longest wait in a standing queue, in milliseconds. */
  targetOf({ target }: Post): number {
    if (this.#bounds().shedTarget > 0) return this.initialTarget;
    return Math.min(target.now ?? this.initialTarget, this.longest);
  }

  /**
   * Notes who was served: how long it had waited for that, and after how long its client had left, if it
   * was not there for the answer; in milliseconds.
   */
  served({ wait, left }: { wait: number; left: number | undefined }): void {
    if (wait < this.#pressureOf(this.patience.seen)) return;
    if (left !== undefined && !this.patience.counts(left)) return;
    this.#proof.note({ at: this.#clock(), left }, this.#lasts);
  }

  /** Notes who is next when a worker takes a session; nobody if nobody waits. */
  observe(post: Post, next: Candidate | undefined, { sheds = true } = {}): void {
    const now = this.#clock();
    const stands = this.isStanding(post);
    if (stands) {
      post.stoodAt = now;
      if (post.standsSince === undefined) {
        post.standsSince = now;
        post.target.begin(now, this.initialTarget);
      }
      const isProven = this.#believed < Infinity;
      const stood = now - post.standsSince;
      if (isProven && stood >= Math.max(this.interval, UNKNOWN_MS)) this.#proof.renew(now);
      if (sheds) {
        if (this.#isOver(post, next)) this.release(post);
        return;
      }
    }
    if (!next) return this.release(post);
    const recent = this.#isWithin(post.stoodAt, RECENT_INTERVALS);
    if (post.pressedAt === undefined) {
      if (next.age < this.#pressure * (recent ? RECENT_SHARE : 1) || !next.crowded) return;
      post.pressedAt = now;
      if (!this.#isWithin(post.stoodAt, MEMORY_INTERVALS)) post.target.forget();
    }
    if (next.age < this.targetOf(post)) post.shortAt = now;
    if (next.age < this.initialTarget / 2) this.release(post);
  }

  /** Notes whom a worker takes after all. */
  taken(post: Post, age: number): void {
    if (post.standsSince !== undefined) post.target.taken(age);
  }

  /** Notes who was shed. */
  shed(post: Post, { age }: Candidate): void {
    if (post.standsSince !== undefined) post.target.shed(this.#clock() - age, this.#clock());
  }

  /** Nothing is known of a queue any more. */
  release(post: Post): void {
    post.pressedAt = post.standsSince = undefined;
    post.shortAt = -Infinity;
  }

  /** Whether there is a standing queue. */
  isStanding({ pressedAt, shortAt, standsSince }: Post): boolean {
    if (pressedAt === undefined) return false;
    return standsSince !== undefined ||
      this.#clock() - Math.max(pressedAt, shortAt) >= this.interval;
  }

  /**
   * Whether something is to be done: under pressure, or in a standing queue if it is not known, or does
   * not matter, when clients leave.
   */
  acts(post: Post): boolean {
    return (this.#followsPatience ? post.pressedAt : post.standsSince) !== undefined;
  }

  /** Whether a session has waited too long. One for which a slot is free is served, however long it has. */
  isInVain(post: Post, candidate: Candidate): boolean {
    const most = post.standsSince === undefined ? this.longest : this.targetOf(post);
    return this.#isBeyond(most, post, candidate);
  }

  /** Whether it has waited so long that the answer would most likely be in vain; likewise. */
  isLate(post: Post, candidate: Candidate): boolean {
    return this.#isBeyond(this.longest, post, candidate);
  }

  #isBeyond(most: number, post: Post, candidate: Candidate): boolean {
    if (!this.acts(post)) return false;
    return candidate.gaveUp || (candidate.age > most && candidate.crowded);
  }

  /** From which wait on a client may leave before its answer, in milliseconds. */
  get #pressure(): number {
    return this.#followsPatience ? this.#pressureOf(this.#believed) : this.initialTarget;
  }

  #pressureOf(patience: number): number {
    return Math.max(patience - this.answers.most, this.answers.average);
  }

  get #followsPatience(): boolean {
    return this.#bounds().shedTarget === 0 && this.#believed < Infinity;
  }

  /** The patience that was seen, if servers were seen working in vain because of it; infinite otherwise. */
  get #believed(): number {
    if (!this.#proof.holds(this.#clock(), this.#lasts)) return Infinity;
    return Math.max(this.patience.seen, roughly(this.#proof.age));
  }

  /** For how long it is believed that servers work in vain, in milliseconds. */
  get #lasts(): number {
    const { seen } = this.patience;
    const interval = Math.max(seen, LEAST_ANSWERS * this.answers.average);
    return Math.max(RECENT_INTERVALS * interval, LEAST_BELIEF_MS);
  }

  /** For how long a queue has to stand where it is not known for how long clients wait, in milliseconds. */
  get #unknownInterval(): number {
    return Math.max(UNKNOWN_MS, UNKNOWN_ANSWERS * this.answers.average);
  }

  #isOver(post: Post, next: Candidate | undefined): boolean {
    const { target } = post;
    const now = this.#clock();
    if (!next) return !target.regret(now, this.longest);
    const least = this.initialTarget * LEAST_TARGET_SHARE;
    return !target.review(now, { interval: this.interval, least });
  }

  #isWithin(at: number | undefined, intervals: number): boolean {
    return at !== undefined && this.#clock() - at < intervals * this.interval;
  }
}
