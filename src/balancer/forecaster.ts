import type { Clock } from "../base/clock.ts";
import { type EndReason, isTurnedAway } from "../operations/end_reasons.ts";
import { type Forecast, loadOf } from "../operations/forecast.ts";
import type { Session } from "../session/session.ts";
import type { Queue } from "./queue.ts";
import { type Pause, Pauses } from "./pauses.ts";
import { Standstills } from "./standstills.ts";
import { UsualTime } from "./usual_time.ts";

/** How far back rates look, in milliseconds: those that decide on a wait, and who has just come. */
const WINDOW_MS = 3000;
const LATELY_MS = 1000;

/** Shortest time between two samples, in milliseconds. */
const SAMPLE_MS = 250;

/** While sessions end and somebody may be turned away, what is known is this new, in milliseconds. */
const RECENT_MS = 20;

/** Less than this part of the rate of service is no trend: the queue does not get shorter. */
const NO_TREND = 0.02;

/** Reasons of connections that no slot is wanted for. */
const UNWANTED = [
  "refused-address",
  "refused-per-ip",
  "refused-rate",
  "refused-guard",
  "bad-proxy-header",
  "tls-failed",
  "greeting-timeout",
  "unknown-name",
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
  /** The longest pause that has ended since the sample before, if there was any. */
  readonly pause: Pause | undefined;
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
 * What is not the rule says little of those who come: a session that is far longer than others
 * counts as one of the longer ones, time in which the program itself stood still does not count, and
 * the longest pause of the destinations no more once it is clear that it is over.
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
  /** How long a session has a slot. */
  readonly #held = new UsualTime();
  readonly #standstills: Standstills;
  readonly #pauses = new Pauses();
  /** Sessions that were served to their end, whether or not somebody waited. */
  #ends = 0;
  /** When it was looked at what is known, and how many sessions had ended by then. */
  #learntAt = 0;
  #learntEnds = 0;
  /** What the latest sample says: sessions a second that are served, and that leave the queue. */
  #rate: number | undefined;
  #leaving = 0;

  constructor(options: ForecasterOptions) {
    this.#options = options;
    this.#standstills = new Standstills(options.clock());
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
    const now = endedAt!;
    this.#noteRunning(now);
    const busy = this.#busySince !== undefined;
    if (connectedAt !== undefined) {
      const heldMs = now - connectStartedAt! - this.#standstills.within(connectStartedAt!, now);
      this.#held.add(heldMs);
      this.#ends++;
      if (busy) this.#served++;
      this.#pauses.noteEnd({ busyMs: this.#busyUntil(now), served: this.#served }, heldMs);
    } else {
      if (reason === "client-gone") this.#gaveUp++;
      if (busy) this.#left++;
    }
    this.#noteQueue(now);
  }

  /** Notes what has been counted so far, if the latest sample is old enough. */
  sample(): void {
    const now = this.#options.clock();
    const samples = this.#samples;
    const latest = samples.at(-1);
    if (latest && now - latest.at < SAMPLE_MS) return;
    this.#noteQueue(now);
    // With no slot at all nothing is seen of how fast slots become free.
    if (this.#busySince !== undefined && this.#options.slots() === 0) this.#busySince = now;
    const sample = this.#count(now);
    this.#pauses.take();
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
    this.#learnAnew();
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

  /** What stood still before does not count as busy. */
  #noteRunning(now: number): void {
    const stood = this.#standstills.seen(now);
    if (stood > 0 && this.#busySince !== undefined) {
      this.#busySince = Math.min(this.#busySince + stood, now);
    }
  }

  #busyUntil(now: number): number {
    return this.#busyMs + (this.#busySince === undefined ? 0 : Math.max(now - this.#busySince, 0));
  }

  /** Whether somebody waits may have changed. */
  #noteQueue(now: number): void {
    this.#noteRunning(now);
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
      busyMs: this.#busyUntil(at),
      served: this.#served,
      left: this.#left,
      pause: this.#pauses.longest,
    };
  }

  /** What has ended since the latest sample may say more than that. */
  #learnAnew(): void {
    if (this.#ends === this.#learntEnds) return;
    const now = this.#options.clock();
    if (this.#rate !== undefined && now - this.#learntAt < RECENT_MS) return;
    this.#noteRunning(now);
    this.#learn(this.#count(now));
  }

  #learn(sample: Sample): void {
    this.#learntAt = sample.at;
    this.#learntEnds = this.#ends;
    const [first] = this.#samples;
    const slots = this.#options.slots();
    const held = this.#held.value;
    const busyMs = sample.busyMs - first!.busyMs;
    this.#rate = held === undefined || slots === 0
      ? undefined
      : Math.min(1000 * slots / held, this.#rateOfQueue(sample, first!));
    this.#leaving = busyMs > 0
      ? 1000 * (sample.left - first!.left) / Math.max(busyMs, SAMPLE_MS)
      : 0;
  }

  /** Sessions a second that ended while somebody waited: infinitely many if nobody did. */
  #rateOfQueue(sample: Sample, first: Sample): number {
    const pauses = [...this.#samples.slice(1), sample].map(({ pause }) => pause);
    const exception = this.#pauses.exception(pauses, sample);
    let busyMs = sample.busyMs - first.busyMs;
    // One more than have ended: of the next one it is known only that it has not come yet.
    let served = sample.served - first.served + 1;
    if (exception) {
      // It may have begun before that.
      busyMs -= Math.min(exception.ms, exception.busyMs - first.busyMs);
      served--;
    }
    return busyMs > 0 ? 1000 * Math.max(served, 1) / busyMs : Infinity;
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
