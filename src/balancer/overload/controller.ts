import type { Clock } from "../../base/clock.ts";
import { Patience } from "./patience.ts";

/** How much the latest answer counts in the average time of an answer. */
const LATEST_SHARE = 1 / 16;

/** The target: this part of the patience, and no less than so many answers take. */
const TARGET_SHARE = 1 / 4;
const TARGET_ANSWERS = 2;

/** Patience that does not last for so many answers is taken for so much: no queue would be left. */
const LEAST_ANSWERS = 4;

/** Answers that have to fit into the patience after the wait: some take longer than the average. */
const SPARE_ANSWERS = 1.5;

/**
 * After a standing queue, for so many times the patience, the next one is looked for from this part of
 * the longest wait on: it is the same overload.
 */
const RECENT_PATIENCES = 8;
const RECENT_SHARE = 1 / 2;

/** What is known of the sessions that wait for one destination. */
export interface Post {
  /**
   * When the session that was next had waited too long for an answer in time; absent unless those after
   * it had waited longer than the target, all of them.
   */
  pressedAt: number | undefined;
  /** When there was a standing queue the last time. */
  stoodAt: number | undefined;
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
 * may leave before the answer, the queue is under pressure, and whoever has waited that long is shed,
 * for it would be served in vain. If none of those that are next, for as long as clients are patient,
 * has waited less than a target, more come than are served: that is a standing queue, in which
 * everybody waits for nothing. From then on those that have waited longer than the target are shed, and
 * the rest is answered soon. It is over when the one that is next has waited less than half the target,
 * or nobody waits; if it comes back soon, that is seen earlier.
 *
 * That is RFC 8289 with the patience of the clients as its interval, and a part of it as the target.
 * Where nobody has left, nobody is served in vain, and nobody is shed.
 */
export class OverloadController {
  readonly patience: Patience;
  readonly #clock: Clock;
  /** How long an answer takes from when a session has its slot, in milliseconds. */
  #answerTime = 0;

  constructor(clock: Clock) {
    this.patience = new Patience(clock);
    this.#clock = clock;
  }

  /** How long an answer takes on the average, in milliseconds; 0 if there was none. */
  get answerTime(): number {
    return this.#answerTime;
  }

  /** A session was answered so many milliseconds after it got its slot. */
  answered(time: number): void {
    const share = this.#answerTime === 0 ? 1 : LATEST_SHARE;
    this.#answerTime += (time - this.#answerTime) * share;
  }

  /** How long clients wait, in milliseconds; infinite if none has shown the contrary. */
  get patienceSeen(): number {
    return Math.max(this.patience.seen, LEAST_ANSWERS * this.#answerTime);
  }

  /** The longest wait after which an answer is in time, in milliseconds. */
  get longest(): number {
    return this.patienceSeen - SPARE_ANSWERS * this.#answerTime;
  }

  /** The longest wait in a standing queue, in milliseconds. */
  get target(): number {
    const wanted = Math.max(
      this.patienceSeen * TARGET_SHARE,
      TARGET_ANSWERS * this.#answerTime,
    );
    return Math.min(wanted, this.longest);
  }

  /** Notes who is next when a worker takes a session; nobody if nobody waits. */
  observe(post: Post, next: Candidate | undefined): void {
    const now = this.#clock();
    const stands = this.isStanding(post);
    if (stands) post.stoodAt = now;
    if (!next) post.pressedAt = undefined;
    else if (post.pressedAt === undefined) {
      const { patienceSeen, longest } = this;
      const recent = now - (post.stoodAt ?? -Infinity) < RECENT_PATIENCES * patienceSeen;
      if (next.age < longest * (recent ? RECENT_SHARE : 1) || !next.crowded) return;
      post.pressedAt = now;
    } else if (next.age < this.target / (stands ? 2 : 1)) post.pressedAt = undefined;
  }

  /** Whether there is a standing queue. */
  isStanding({ pressedAt }: Post): boolean {
    return pressedAt !== undefined && this.#clock() - pressedAt >= this.patienceSeen;
  }

  /** Whether a session has waited too long. One for which a slot is free is served, however long it has. */
  isInVain(post: Post, candidate: Candidate): boolean {
    if (post.pressedAt === undefined) return false;
    if (candidate.gaveUp) return true;
    const most = this.isStanding(post) ? this.target : this.longest;
    return candidate.age > most && candidate.crowded;
  }
}
