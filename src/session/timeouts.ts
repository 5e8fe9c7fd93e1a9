import type { Clock } from "../base/clock.ts";
import type { Settings } from "../config/options.ts";
import type { Session } from "./session.ts";
import type { EndReason } from "../operations/end_reasons.ts";
import { every, type Timer } from "../base/timer.ts";

/** The timeouts of sessions, in milliseconds; 0 = off. */
export type Timeouts = Pick<
  Settings,
  | "queueTimeout"
  | "connectTimeout"
  | "idleTimeout"
  | "halfCloseTimeout"
  | "answerTimeout"
  | "sessionTimeout"
  | "udpIdle"
  | "udpRequestTimeout"
>;

/** Longest and shortest time between two sweeps, in milliseconds. */
const LONGEST_SWEEP_MS = 250;
const SHORTEST_SWEEP_MS = 10;

/**
 * Looks at all live sessions a few times a second and ends the overdue ones.
 *
 * One timer for everything, so that the relay reads no clock and arms no timer: the sweep itself
 * notices whether bytes have moved since the one before. A timeout fires late by at most two
 * intervals: a tenth of the shortest timeout, between 10 and 250 ms. Who waits in the queue is ended
 * sooner than that, by `WaitingTimeouts`.
 */
export class TimeoutSweep {
  /** The live ones. */
  readonly #sessions: Iterable<Session>;
  readonly #timeouts: Timeouts;
  readonly #clock: Clock;
  #timer: Timer;
  /** Called for every session at every sweep. */
  readonly #onSeen: ((session: Session) => void) | undefined;
  /** Called at every sweep. */
  readonly #onSweep: (() => void) | undefined;

  /**
   * @param options.onSeen Called for every session that is alive at a sweep.
   * @param options.onSweep Called once at every sweep, at least four times a second.
   */
  constructor(
    sessions: Iterable<Session>,
    options: {
      timeouts: Timeouts;
      clock: Clock;
      onSeen?: ((session: Session) => void) | undefined;
      onSweep?: (() => void) | undefined;
    },
  ) {
    this.#sessions = sessions;
    this.#timeouts = options.timeouts;
    this.#clock = options.clock;
    this.#onSeen = options.onSeen;
    this.#onSweep = options.onSweep;
    this.#timer = every(sweepInterval(options.timeouts), () => this.run());
  }

  /** Call it when the timeouts have changed. */
  restart(): void {
    this.#timer.stop();
    this.#timer = every(sweepInterval(this.#timeouts), () => this.run());
  }

  /** Ends what is overdue now. */
  run(): void {
    const now = this.#clock();
    this.#onSweep?.();
    for (const session of this.#sessions) {
      this.#onSeen?.(session);
      const late = check(session, now, this.#timeouts);
      if (late === "connect-timeout") session.attempt?.abort(new ConnectTimeout(this.#timeouts));
      else if (late) session.abort(late);
    }
  }

  stop(): void {
    this.#timer.stop();
  }
}

class ConnectTimeout extends Error {
  constructor({ connectTimeout }: Timeouts) {
    super(`no connection within ${connectTimeout} ms`);
  }
}

function sweepInterval(timeouts: Timeouts): number {
  const { queueTimeout, connectTimeout, idleTimeout } = timeouts;
  const { halfCloseTimeout, answerTimeout, sessionTimeout } = timeouts;
  const { udpIdle, udpRequestTimeout } = timeouts;
  const all = [queueTimeout, connectTimeout, idleTimeout].concat(
    [halfCloseTimeout, answerTimeout, sessionTimeout, udpIdle, udpRequestTimeout],
  );
  const shortest = Math.min(...all.filter((ms) => ms > 0));
  return Math.min(Math.max(shortest / 10, SHORTEST_SWEEP_MS), LONGEST_SWEEP_MS);
}

/**
 * Which timeout a session has exceeded, if any. Also takes note of what has moved since the last
 * check, in `session.activity`.
 */
export function check(
  session: Session,
  now: number,
  timeouts: Timeouts,
): EndReason | "connect-timeout" | undefined {
  if (exceeded(session.acceptedAt, now, timeouts.sessionTimeout)) return "session-timeout";
  switch (session.stage) {
    case "greeting":
      return undefined;
    case "waiting":
      if (exceeded(session.acceptedAt, now, timeouts.queueTimeout)) return "queue-timeout";
      return undefined;
    case "connecting":
      if (exceeded(session.acceptedAt, now, timeouts.queueTimeout)) return "queue-timeout";
      if (exceeded(session.connectStartedAt!, now, timeouts.connectTimeout)) {
        return "connect-timeout";
      }
      return undefined;
    case "relaying":
      if (session.exchange) return session.exchange.check(now);
      return checkRelay(session, now, timeouts);
    case "ended":
      return undefined;
  }
}

function checkRelay(session: Session, now: number, timeouts: Timeouts): EndReason | undefined {
  const { up, down, activity, client: { passedOn = 0 } } = session;
  const moved = up.bytes + down.bytes + Number(up.ended) + Number(down.ended) + passedOn;
  if (moved !== activity.moved) {
    activity.moved = moved;
    activity.activeAt = now;
  }
  if (up.bytes > 0) activity.requestAt ??= now;
  if (down.bytes === 0 && activity.requestAt !== undefined) {
    if (exceeded(activity.requestAt, now, timeouts.answerTimeout)) return "answer-timeout";
  }
  if ((up.ended || down.ended) && exceeded(activity.activeAt, now, timeouts.halfCloseTimeout)) {
    return "half-close-timeout";
  }
  if (exceeded(activity.activeAt, now, timeouts.idleTimeout)) return "idle-timeout";
  return undefined;
}

function exceeded(since: number, now: number, timeout: number): boolean {
  return timeout > 0 && now - since >= timeout;
}
