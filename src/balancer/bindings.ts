import { type Audience, only, Without } from "../async/audience.ts";
import type { Clock } from "../base/clock.ts";
import { after, type Timer } from "../base/timer.ts";
import type { Session } from "../session/session.ts";
import type { Binding, Policy } from "./policies/policy.ts";
import type { Queue } from "./queue.ts";

/** How late a session may be free: a part of the patience, at most so many milliseconds. */
const LATE_SHARE = 0.01;
const LATEST_MS = 10;

/** Options of {@linkcode Bindings}. */
export interface BindingsOptions {
  policy: Policy;
  queue: Pick<Queue, "suspendedSessions" | "audiences" | "reassign">;
  clock: Clock;
  /** Begins a timer of so many milliseconds of that clock; the runtime's unless given. */
  after?: typeof after;
}

/**
 * The sessions that wait for one destination alone because the policy wants that: whom each is bound
 * to, and for how long.
 *
 * They are bound when they begin to wait; anew at once when theirs serves no more, or with another
 * policy; and to nobody when the policy's patience is over, counted from when they joined. From then on
 * whoever may have them and has a free slot gets them, in order of arrival.
 *
 * One timer for all: who joined first is free first. Without a policy that binds there is none, and
 * nothing is done for a session.
 */
export class Bindings {
  /** Sessions that have waited in vain for the one that they were bound to. */
  unbound = 0;
  /** Where they wait. */
  readonly #queue: BindingsOptions["queue"];
  /** Tells how long they have waited. */
  readonly #clock: Clock;
  /** Begins a timer. */
  readonly #after: typeof after;
  /** What the policy says, if it binds. */
  #binding: Binding | undefined;
  /** Whether those that wait were bound by another policy. */
  #outdated = false;
  /** Runs until the first one is to be free. */
  #timer: Timer | undefined;
  /** When that is, while it runs. */
  #due = Infinity;
  /** Whether there were sessions of groups, of which a member may leave: then all are looked at. */
  #grouped = false;
  /** Whether everything is over. */
  #stopped = false;

  constructor(options: BindingsOptions) {
    const { policy, queue, clock } = options;
    this.#queue = queue;
    this.#clock = clock;
    this.#after = options.after ?? after;
    this.#binding = policy.binding;
  }

  /** Goes over to another policy, at the next {@linkcode review}. */
  use(policy: Policy): void {
    this.#binding = policy.binding;
    this.#outdated = true;
    this.#endTimer();
  }

  /** Binds sessions that begin to wait, again if a connect failed. */
  bind(sessions: readonly Session[]): void {
    if (!this.#binding) {
      for (const session of sessions) if (session.bound) session.bound = undefined;
      return;
    }
    const now = this.#clock();
    for (const session of sessions) {
      // One that comes back from a connect may have joined under another policy, which took no note.
      session.joinedAt ??= session.attempts > 0 ? session.acceptedAt : now;
      session.bound = this.#boundOf(session, now);
      // One that comes back joined before those that wait already.
      if (this.#timer && session.bound && this.#endOf(session) < this.#due) {
        this.#startTimer(this.#endOf(session));
      }
      if (session.audience && !(session.audience instanceof Without)) this.#grouped = true;
    }
  }

  /** Sessions wait: those among them that are bound have to be free in time. */
  watch(): void {
    if (!this.#binding || this.#timer || this.#stopped) return;
    const first = this.#firstEnd();
    if (first < Infinity) this.#startTimer(first);
  }

  /** Destinations, audiences or the policy have changed: whoever is bound wrongly is bound anew. */
  review(): void {
    if (this.#binding || this.#outdated) this.#renew();
  }

  /** Ends the timer. */
  stop(): void {
    this.#stopped = true;
    this.#endTimer();
  }

  #startTimer(due: number): void {
    this.#endTimer();
    this.#due = due;
    // Many that come one after the other are not looked for one by one.
    const least = Math.min(Math.max(this.#binding!.patience * LATE_SHARE, 1), LATEST_MS);
    this.#timer = this.#after(Math.max(Math.ceil(due - this.#clock()), least), () => {
      this.#timer = undefined;
      this.#renew();
      this.watch();
    });
  }

  #endTimer(): void {
    this.#timer?.stop();
    this.#timer = undefined;
  }

  /** Binds anew whoever is bound wrongly now. */
  #renew(): void {
    const now = this.#clock();
    const wrong: Session[] = [];
    for (const [audience, sessions] of this.#queue.audiences()) {
      if (!audience.only) continue;
      for (const session of bound(sessions)) {
        if (this.#isWrong(session, now)) wrong.push(session);
        else if (!this.#grouped) break;
      }
    }
    // Those that have no room yet stand in no lane.
    for (const session of bound(this.#queue.suspendedSessions)) {
      if (this.#isWrong(session, now)) wrong.push(session);
    }
    this.#outdated = false;
    if (wrong.length === 0) return;
    this.bind(wrong);
    this.#queue.reassign(wrong);
  }

  /** Whether one that is bound must not be so any more, or to another one; counts those in vain. */
  #isWrong(session: Session, now: number): boolean {
    const one = session.bound!.only!;
    if (this.#outdated || !this.#binding!.serves(one)) return true;
    if (this.#endOf(session) > now) return session.audience?.has(one) === false;
    this.unbound++;
    return true;
  }

  /** Whom a session waits for now: one, if it is to. */
  #boundOf(session: Session, now: number): Audience | undefined {
    if (this.#endOf(session) <= now) return undefined;
    const chosen = this.#binding!.choose(session);
    return chosen && only(chosen);
  }

  /** When a session is bound no more. */
  #endOf({ joinedAt }: Session): number {
    return joinedAt! + this.#binding!.patience;
  }

  /** When the first one is bound no more. */
  #firstEnd(): number {
    let first = this.#endOfFirst(this.#queue.suspendedSessions);
    for (const [audience, sessions] of this.#queue.audiences()) {
      if (audience.only) first = Math.min(first, this.#endOfFirst(sessions));
    }
    return first;
  }

  /** When the first one of some that are bound is so no more. */
  #endOfFirst(sessions: Iterable<Session>): number {
    for (const session of bound(sessions)) return this.#endOf(session);
    return Infinity;
  }
}

/** Those among some that the policy has bound: the first of them joined first. */
function* bound(sessions: Iterable<Session>): Iterable<Session> {
  for (const session of sessions) if (session.bound) yield session;
}
