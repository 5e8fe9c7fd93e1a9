import type { Clock } from "../../base/clock.ts";
import { type Bounds, type Candidate, OverloadController, type Post } from "./controller.ts";

/** A queue from which nobody takes a session for so many times the interval is not judged any more. */
const LASTS_INTERVALS = 10;

/** What is done when more sessions come than are served; see `--when-overloaded`. */
export type WhenOverloaded = "hold" | "shed" | "newest";

/** A session that waits. */
export interface Waiter {
  /** When it was accepted. */
  readonly acceptedAt: number;
  /** Whether its client was seen giving up; not, if it is not looked at. */
  readonly signs: { readonly gaveUp: boolean } | undefined;
}

/** Those that wait. */
export interface Line<T> {
  /** How many classes of them there are, each with a share of what is served. */
  readonly classes: number;
  /** The one that has waited longest of those that a taker may have, or of all; of a class, if given. */
  oldestFor(taker: object | undefined, of?: number): T | undefined;
  /** The one of these that leaves first if not all can be served. */
  nextToShedFor(taker: object | undefined, of?: number): T | undefined;
  /** Whether a taker may have one of them. */
  mayHave(taker: object, item: T): boolean;
  /** Whether more wait for a taker, who is about to take one, than have a free slot together with this one. */
  isCrowded(taker: object, item: T): boolean;
  /** The one that has waited longest of those that wait for the same takers, for each of these. */
  oldests(): Iterable<T>;
  /** Whether one of the takers that may have it has others. */
  isServed(item: T): boolean;
  /** Everybody. */
  all(): Iterable<T>;
  /** Takes one out and closes it. */
  shed(item: T): void;
}

/** Options of {@linkcode Relief}. */
export interface ReliefOptions<T> {
  line: Line<T>;
  clock: Clock;
  /** What is done at the moment. */
  mode: () => WhenOverloaded;
  /** What of it is set. */
  bounds: () => Bounds;
}

/**
 * Relieves a queue: sheds those that wait in vain, and says who is next.
 *
 * Each class of sessions is judged by itself: none is shed because another one has a long queue.
 *
 * It acts when a worker takes a session, so that nothing is shed while nothing is served, and, while
 * servers have sessions and finish none, when one joins.
 */
export class Relief<T extends Waiter> {
  readonly controller: OverloadController;
  /** Those that wait, and how one is closed. */
  readonly #line: Line<T>;
  readonly #clock: Clock;
  readonly #mode: ReliefOptions<T>["mode"];
  /** What is known of the sessions for each destination, by their class. */
  readonly #posts = new WeakMap<object, Post[]>();
  /** Destinations whose queue is under pressure. */
  readonly #pressed = new Set<object>();
  /** Until when that is so, unless it is seen again. */
  #until = 0;
  /** When workers last took a session for whom, the latest last; without those who did long ago. */
  readonly #taken = new Map<object, number>();
  /** For whom a worker last took one. */
  #takenFor: object | undefined;

  constructor({ line, clock, mode, bounds }: ReliefOptions<T>) {
    this.controller = new OverloadController(clock, bounds);
    this.#line = line;
    this.#clock = clock;
    this.#mode = mode;
  }

  /** Whether anything is done at the moment. */
  get acts(): boolean {
    if (this.#pressed.size === 0) return false;
    const now = this.#clock();
    for (const taker of this.#pressed) {
      if (now <= this.#until && this.#isPressed(taker)) return true;
    }
    // Nobody takes sessions any more of those who did, or clients have turned out to be patient.
    for (const taker of this.#pressed) {
      for (const post of this.#postsOf(taker)) this.controller.release(post);
    }
    this.#pressed.clear();
    return false;
  }

  /**
   * A worker is about to take a session: sheds those that have waited in vain.
   *
   * @returns Whether it is to take the newest first.
   */
  next(taker: object): boolean {
    const { controller } = this;
    const posts = this.#postsOf(taker);
    // What was seen too long ago counts no more, as when another mode was in force meanwhile.
    const { acts } = this;
    this.#taken.delete(taker);
    this.#taken.set(taker, this.#clock());
    this.#forgetTaken();
    this.#takenFor = taker;
    const sheds = this.#mode() === "shed";
    for (const [of, post] of posts.entries()) {
      const oldest = this.#line.oldestFor(taker, of);
      controller.observe(post, oldest && this.#candidate(oldest, taker), { sheds });
    }
    if (!this.#isPressed(taker)) {
      if (acts) this.#pressed.delete(taker);
      return false;
    }
    this.#until = this.#clock() + LASTS_INTERVALS * controller.interval;
    if (!this.#pressed.has(taker)) this.#begin(taker);
    if (!sheds) return true;
    this.#shedInVain(taker);
    for (const [of, post] of posts.entries()) {
      const first = this.#line.oldestFor(taker, of);
      if (first) controller.taken(post, this.#clock() - first.acceptedAt);
    }
    return false;
  }

  /**
   * A session has joined while servers have sessions: under pressure, sheds those that have waited in
   * vain, so that a worker that takes one is not held up by that, and, while there is no room, the
   * oldest of those that wait for a destination under pressure. Otherwise others would wait in the
   * kernel's backlog, where it cannot be seen for how long, nor that they leave. If no worker takes any
   * who may have them, it sheds those that have waited too long for an answer in time, or by what is set.
   */
  joined(hasRoom: () => boolean): void {
    const now = this.#clock();
    const sheds = this.#mode() === "shed";
    const taker = this.#takenFor;
    if (sheds && this.acts && taker && this.#pressed.has(taker)) {
      this.#shedInVain(taker);
    }
    if (sheds) this.#shedStalled(now);
    while (this.acts && !hasRoom()) {
      const first = this.#nextToShed();
      if (!first) return;
      this.#line.shed(first);
    }
  }

  /** Sheds those that have waited too long where no worker takes any who may have them. */
  #shedStalled(now: number): void {
    const { longestStalled } = this.controller;
    this.#forgetTaken();
    for (let shed = true; shed;) {
      shed = false;
      for (const item of [...this.#line.oldests()]) {
        if (now - item.acceptedAt <= longestStalled || this.#isTaken(item)) continue;
        if (!this.#line.isServed(item)) continue;
        this.#line.shed(item);
        shed = true;
      }
    }
  }

  /** Forgets those for whom none was taken lately. */
  #forgetTaken(): void {
    const since = this.#clock() - this.controller.initialTarget;
    for (const [taker, at] of this.#taken) {
      if (at >= since) break;
      this.#taken.delete(taker);
    }
  }

  /** Whether a worker has taken a session lately for somebody who may have this one. */
  #isTaken(item: T): boolean {
    for (const taker of this.#taken.keys()) if (this.#line.mayHave(taker, item)) return true;
    return false;
  }

  /** The client of one that waits was seen giving up. */
  gaveUp(item: T): void {
    if (!this.acts) return;
    for (const taker of this.#pressed) {
      if (this.#line.mayHave(taker, item)) return this.#line.shed(item);
    }
  }

  /** Sheds who has waited in vain for a taker; those of the lowest class leave first. */
  #shedInVain(taker: object): void {
    const posts = this.#postsOf(taker);
    for (let of = posts.length - 1; of >= 0; of--) this.#shedOf(of, taker, posts[of]!);
  }

  #shedOf(of: number, taker: object, post: Post): void {
    const { controller } = this;
    for (;;) {
      const first = this.#line.oldestFor(taker, of);
      if (!first) return;
      const greediest = this.#line.nextToShedFor(taker, of)!;
      const candidate = this.#candidate(greediest, taker);
      if (controller.isInVain(post, candidate)) {
        controller.shed(post, candidate);
        this.#line.shed(greediest);
        // Where clients take turns, others wait for these, and not because more come than are served.
      } else if (first !== greediest && controller.isLate(post, this.#candidate(first, taker))) {
        this.#line.shed(first);
      } else return;
    }
  }

  #begin(taker: object): void {
    this.#pressed.add(taker);
    for (const item of [...this.#line.all()]) {
      if (item.signs?.gaveUp && this.#line.mayHave(taker, item)) this.#line.shed(item);
    }
  }

  /** The one that leaves first of those that wait for destinations under pressure. */
  #nextToShed(): T | undefined {
    let first: T | undefined;
    for (const taker of this.#pressed) {
      const item = this.#line.nextToShedFor(taker);
      if (item && !(first && first.acceptedAt <= item.acceptedAt)) first = item;
    }
    return first;
  }

  #candidate(item: T, taker: object): Candidate {
    const line = this.#line;
    return {
      age: this.#clock() - item.acceptedAt,
      gaveUp: item.signs?.gaveUp ?? false,
      get crowded() {
        return line.isCrowded(taker, item);
      },
    };
  }

  #isPressed(taker: object): boolean {
    return this.#postsOf(taker).some((post) => this.controller.acts(post));
  }

  /** As many as there are classes now. */
  #postsOf(taker: object): readonly Post[] {
    let posts = this.#posts.get(taker);
    if (!posts) this.#posts.set(taker, posts = []);
    while (posts.length < this.#line.classes) posts.push(this.controller.newPost());
    posts.length = this.#line.classes;
    return posts;
  }
}
