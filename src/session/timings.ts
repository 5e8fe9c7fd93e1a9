import { Histogram } from "../operations/histogram.ts";
import {
  type Duration,
  type Durations,
  eachDuration,
  type Latencies,
} from "../operations/latencies.ts";
import type { Session } from "./session.ts";

/** How long sessions took, stage by stage. */
export class Timings implements Record<Duration, Histogram> {
  readonly queue = new Histogram();
  readonly connect = new Histogram();
  readonly session = new Histogram();

  get data(): Latencies {
    return eachDuration((name) => this[name].data);
  }
}

/** Notes how long the sessions of a listener take, for it and for their destinations. */
export class Timekeeper {
  readonly timings = new Timings();
  readonly #listener: string;
  readonly #durations: Durations | undefined;

  /** @param options.durations Gets the same durations one by one. */
  constructor(options: { listener: string; durations: Durations | undefined }) {
    this.#listener = options.listener;
    this.#durations = options.durations;
  }

  /** A session was connected. */
  connected(session: Session, destination: { name: string; timings: Timings }): void {
    const { connectStartedAt, connectedAt } = session;
    const waited = this.#waited(session);
    const connecting = connectedAt! - connectStartedAt!;
    this.timings.queue.observe(waited);
    this.timings.connect.observe(connecting);
    destination.timings.queue.observe(waited);
    destination.timings.connect.observe(connecting);
    if (!this.#durations) return;
    const place = { listener: this.#listener, destination: destination.name };
    this.#durations.record("queue", waited, place);
    this.#durations.record("connect", connecting, place);
  }

  /** A session has ended; what it waited since the latest connect counts, too. */
  ended(session: Session): void {
    const { acceptedAt, connectedAt, endedAt, destination } = session;
    const lived = endedAt! - acceptedAt;
    const waitedOnly = connectedAt === undefined;
    const waited = waitedOnly ? this.#waited(session) : 0;
    this.timings.session.observe(lived);
    if (waitedOnly) this.timings.queue.observe(waited);
    if (!this.#durations) return;
    const listener = this.#listener;
    const place = destination ? { listener, destination: destination.name } : { listener };
    this.#durations.record("session", lived, place);
    if (waitedOnly) this.#durations.record("queue", waited, { listener });
  }

  /** The part of a session's waiting that is in no histogram yet: each wait counts once. */
  #waited(session: Session): number {
    const waited = session.queued - session.queuedNoted;
    session.queuedNoted = session.queued;
    return waited;
  }
}
