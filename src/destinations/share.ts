import { UNREPORTED } from "./agent_report.ts";
import type { Clock } from "../base/clock.ts";
import type { DestinationConfig } from "../config/destination_text.ts";
import { AutoLimit } from "./limits/auto_limit.ts";
import type { LimitBoard } from "./limits/limit_boards.ts";

/**
 * Weights are multiples of one in so many: enough for the steps of a slow start and for percentages,
 * and a power of two, so that sums and products of them are exact.
 */
const WEIGHT_SCALE = 64;

/** The greatest weight that a server can give itself, as in HAProxy. */
const MOST_WEIGHT = 256;

/** What is configured of it. */
type ShareConfig =
  & Pick<DestinationConfig, "weight" | "workers">
  & Partial<Pick<DestinationConfig, "workers-max">>;

/**
 * How much of the sessions a destination may have: what is configured, what its server makes of that,
 * and less of it for a while after it has come back.
 */
export class Share {
  /** The configuration in force. */
  readonly #config: () => ShareConfig;
  /** Tells how far a slow start is. */
  readonly #clock: Clock;
  /** What threads share of the search for a number of workers; nothing if there is one thread. */
  readonly #board: (() => LimitBoard) | undefined;
  /** Finds the number of workers, if it is not configured. */
  auto: AutoLimit | undefined;
  /** Called when it has found another one. */
  onLimit: (() => void) | undefined;
  /** What its server says. */
  report = UNREPORTED;
  /** The latest return to full use, which takes a while: when it began and how long it takes. */
  #ramp: { since: number; length: number } | undefined;

  constructor(
    config: () => ShareConfig,
    clock: Clock,
    board?: () => LimitBoard,
  ) {
    this.#config = config;
    this.#clock = clock;
    this.#board = board;
    this.review();
  }

  /** The configuration may have changed. */
  review(): void {
    const { workers, "workers-max": max = workers } = this.#config();
    if (workers > 0) this.auto = undefined;
    else if (this.auto) this.auto.max = max;
    else {
      const board = this.#board?.();
      this.auto = new AutoLimit({ max, clock: this.#clock, ...board && { board } });
      this.auto.onChange = () => this.onLimit?.();
    }
  }

  /** The weight of the moment; 0 only if that is so in full use. */
  get weight(): number {
    const full = this.fullWeight;
    return full === 0 || !this.#ramp ? full : atLeastOneStep(full * this.#grown);
  }

  /** The weight in full use. */
  get fullWeight(): number {
    const { weight } = this.#config();
    const { share, weight: said = weight } = this.report;
    // What the operator does not want, no server can.
    if (weight === 0) return 0;
    if (share === 1 || share === 0) return said * share;
    return Math.min(atLeastOneStep(said * share), MOST_WEIGHT);
  }

  /** Most workers in full use. */
  get fullLimit(): number {
    const workers = this.auto?.limit ?? this.#config().workers;
    const { slots = workers } = this.report;
    return Math.min(workers, slots);
  }

  /** Most workers of the moment, at least 1. */
  get limit(): number {
    const full = this.fullLimit;
    return Math.max(1, this.#ramp ? Math.ceil(full * this.#grown) : full);
  }

  /** Whether it is not in full use yet. */
  get starting(): boolean {
    return this.#grown < 1;
  }

  /** It comes back into full use little by little, over so many milliseconds. */
  startSlowly(length: number): void {
    this.#ramp = length > 0 ? { since: this.#clock(), length } : undefined;
  }

  /** How far a slow start is, up to 1. */
  get #grown(): number {
    if (!this.#ramp) return 1;
    const part = (this.#clock() - this.#ramp.since) / this.#ramp.length;
    if (part < 1) return part;
    this.#ramp = undefined;
    return 1;
  }
}

function atLeastOneStep(weight: number): number {
  return Math.max(1, Math.round(weight * WEIGHT_SCALE)) / WEIGHT_SCALE;
}
