import type { Clock } from "../base/clock.ts";
import { type EndReason, isTurnedAway } from "../operations/end_reasons.ts";
import { type Forecast, loadOf } from "../operations/forecast.ts";
import type { Session } from "../session/session.ts";
import type { Queue } from "./queue.ts";

/** How far back rates look, in milliseconds: those that decide on a wait, and who has just come. */
const WINDOW_MS = 3000;
const LATELY_MS = 1000;

/** Shortest time between two samples, in milliseconds. */
const SAMPLE_MS = 250;

/** Over how many sessions the time is averaged that one has a slot, the latest counting most. */
const AVERAGED = 32;

/** Less than this part of the rate of service is no trend: the queue does not get shorter. */
const NO_TREND = 0.02;

/** Reasons of connections that no slot is wanted for. */
const UNWANTED = [
  "refused-address",
  "refused-per-ip",
  "refused-rate",
  "bad-proxy-header",
  "greeting-timeout",
] as const satisfies EndReason[];

/** What has been counted up to a moment. */
interface Sample {
  readonly at: number;
  /** Sessions that came and wanted a slot. */
  readonly offered: number;
  /** Those of them that were turned away at the door, and so never joined the queue. */
  readonly refused: number;
  readonly turnedAway: number;
  readonly gaveUp: number;
  /** Milliseconds in which somebody waited, and so every slot was taken. */
  readonly busyMs: number;
  /** Sessions that were served to their end meanwhile, and that left without a destination. */
  readonly served: number;
  readonly left: number;
}

/** Options of {@linkcode Forecaster}. */
export interface ForecasterOptions {
  /** Who waits. */
  queue: Pick<Queue, "size" | "aheadOf">;
  /** What has come and ended so far. */
  registry: { readonly accepted: number; readonly ended: Readonly<Record<EndReason, number>> };
  /** How many slots the destinations have that serve at the moment, taken or free. */
  slots(): number;
  /** Whether somebody who comes now gets one at once. */
  free(): boolean;
  clock: Clock;
}

/**
 * How long whoever comes now will wait, and whether the queue will ever end.
 *
 * Two things are known of how fast sessions are served. All slots together serve as many a second as
 * there are slots, by the mean time that a session has one. That holds at any load, but knows nothing
 * of sessions that keep their slot and do not end. And while somebody waits every slot is taken, so
 * what ends in that time is what can be served; that knows everything, but only of a queue that has
 * lasted for a while. The smaller of both counts.
 *
 * A session costs a few additions; a sample is taken four times a second.
 */
export class Forecaster {
  readonly #options: ForecasterOptions;
  /** The oldest first; the first one may be older than the window, the others are not. */
  readonly #samples: Sample[] = [];
  /** Milliseconds in which somebody waited, up to the latest time when nobody did. */
  #busyMs = 0;
  /** Since when somebody waits; absent if nobody does. */
  #busySince: number | undefined;
  /** Sessions that were served to their end while somebody waited. */
  #served = 0;
  /** Sessions that ended without a destination while somebody waited. */
  #left = 0;
  /** Clients that have left before they had a destination. */
  #gaveUp = 0;
  /** Mean time that a session has a slot, in milliseconds, and how many sessions that is made of. */
  #held = 0;
  #averaged = 0;
  /** What the latest sample says: sessions a second that are served, and that leave the queue. */
  #rate: number | undefined;
  #leaving = 0;

  constructor(options: ForecasterOptions) {
    this.#options = options;
    this.sample();
  }

  /** Somebody may have begun to wait. */
  noteWaiting(): void {
    if (this.#busySince !== undefined || this.#waiting === 0) return;
    // Who waits for one destination alone does not mean that all slots are taken.
    if (!this.#options.free()) this.#busySince = this.#options.clock();
  }

  /** A session has been connected. */
  noteConnected(session: Session): void {
    if (this.#busySince !== undefined) this.#noteQueue(session.connectStartedAt!);
  }

  /** A session that was admitted is over. */
  noteEnd({ connectedAt, connectStartedAt, endedAt, reason }: Session): void {
    const busy = this.#busySince !== undefined;
    if (connectedAt !== undefined) {
      if (this.#averaged < AVERAGED) this.#averaged++;
      this.#held += (endedAt! - connectStartedAt! - this.#held) / this.#averaged;
      if (busy) this.#served++;
    } else {
      if (reason === "client-gone") this.#gaveUp++;
      if (busy) this.#left++;
    }
    if (busy) this.#noteQueue(endedAt!);
  }

  /** Notes what has been counted so far, if the latest sample is old enough. */
  sample(): void {
    const now = this.#options.clock();
    const samples = this.#samples;
    const latest = samples.at(-1);
    if (latest && now - latest.at < SAMPLE_MS) return;
    this.#noteQueue(now);
    const sample = this.#count(now);
    samples.push(sample);
    while (samples.length > 2 && samples[1]!.at <= now - WINDOW_MS) samples.shift();
    this.#learn(sample);
  }

  /**
   * How long a session that comes now will wait, in milliseconds; `undefined` if nothing is known.
   *
   * @param session That of a client who has nobody waiting and is in no class of its own unless given.
   */
  expectedWait(session?: Session): number | undefined {
    if (this.#waiting === 0 && this.#options.free()) return 0;
    // The first session that ends says more than nothing, before the next sample.
    if (this.#rate === undefined && this.#averaged > 0) {
      this.#learn(this.#count(this.#options.clock()));
    }
    if (this.#rate === undefined) return undefined;
    const ahead = this.#options.queue.aheadOf(session);
    // Only those who leave from before it make it wait less.
    const leaving = ahead === 0 ? 0 : this.#leaving * Math.min(ahead / this.#waiting, 1);
    return 1000 * (ahead + 1) / (this.#rate + leaving);
  }

  /** Clients so far that have left before they had a destination. */
  get gaveUp(): number {
    return this.#gaveUp;
  }

  /** Everything that can be said now. */
  get data(): Forecast {
    const now = this.#options.clock();
    this.#noteQueue(now);
    const sample = this.#count(now);
    this.#learn(sample);
    const [first] = this.#samples;
    const perSecond = (name: "offered" | "turnedAway" | "gaveUp" | "refused", since = first!) => {
      return 1000 * (sample[name] - since[name]) / Math.max(now - since.at, SAMPLE_MS);
    };
    const lately = this.#samples.findLast(({ at }) => at <= now - LATELY_MS) ?? first;
    const joining = perSecond("offered", lately) - perSecond("refused", lately);
    const offered = perSecond("offered");
    const capacity = this.#rate ?? null;
    const load = loadOf(offered, capacity);
    // What only turning away keeps short does not clear, whatever the latest second looks like.
    const keptShort = (load ?? 0) > 1 && perSecond("turnedAway", lately) > 0;
    return {
      expected_wait_ms: this.expectedWait() ?? null,
      clears_in_ms: keptShort && this.#waiting > 0 ? null : this.#clearsIn(joining),
      offered_per_s: offered,
      capacity_per_s: capacity,
      load,
      gave_up_per_s: perSecond("gaveUp"),
      turned_away_per_s: perSecond("turnedAway"),
    };
  }

  get #waiting(): number {
    return this.#options.queue.size;
  }

  /** Whether somebody waits may have changed. */
  #noteQueue(now: number): void {
    if (this.#busySince === undefined || this.#waiting > 0) return;
    this.#busyMs += Math.max(now - this.#busySince, 0);
    this.#busySince = undefined;
  }

  #count(at: number): Sample {
    const { accepted, ended } = this.#options.registry;
    const number = (reasons: readonly EndReason[]) => {
      return reasons.reduce((sum, reason) => sum + ended[reason], 0);
    };
    return {
      at,
      offered: accepted - number(UNWANTED),
      refused: number(["refused-overflow", "refused-wait"]),
      turnedAway: number((Object.keys(ended) as EndReason[]).filter(isTurnedAway)),
      gaveUp: this.#gaveUp,
      busyMs: this.#busyMs + (this.#busySince === undefined ? 0 : at - this.#busySince),
      served: this.#served,
      left: this.#left,
    };
  }

  #learn(sample: Sample): void {
    const [first] = this.#samples;
    const busyMs = sample.busyMs - first!.busyMs;
    const slots = this.#options.slots();
    const bySlots = this.#averaged > 0 && slots > 0 ? 1000 * slots / this.#held : undefined;
    // One more than have ended: of the next one it is known only that it has not come yet.
    const byQueue = busyMs > 0 ? 1000 * (sample.served - first!.served + 1) / busyMs : undefined;
    this.#rate = bySlots === undefined ? byQueue : Math.min(bySlots, byQueue ?? bySlots);
    this.#leaving = busyMs > 0
      ? 1000 * (sample.left - first!.left) / Math.max(busyMs, SAMPLE_MS)
      : 0;
  }

  #clearsIn(joining: number): number | null {
    const waiting = this.#waiting;
    if (waiting === 0) return 0;
    if (this.#rate === undefined) return null;
    const going = this.#rate + this.#leaving;
    const shorter = going - joining;
    return shorter > going * NO_TREND ? 1000 * waiting / shorter : null;
  }
}
