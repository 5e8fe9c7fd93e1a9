import type { Client } from "./client.ts";
import type { Clockwork } from "./clockwork.ts";
import type { Server, ServerObserver } from "./server.ts";

/** How many parts the time in which clients come is divided into. */
export const PARTS = 40;

/** The middle and the ends of many values, in milliseconds. */
export interface Quantiles {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}

/** What a simulation comes to, of those who came after the warm-up. */
export interface Measures {
  readonly clients: number;
  /** From coming until a server begins to work: in the queue, and at the server. */
  readonly wait: Quantiles;
  /** From coming until the answer is there. */
  readonly response: Quantiles;
  /** Share of the slots of a server in use: on average, of the busiest and of the idlest server. */
  readonly utilisation: { readonly mean: number; readonly most: number; readonly least: number };
  /** The share of those who had to wait. */
  readonly waited: number;
  /** The share of those before whom somebody was served who had come later. */
  readonly jumped: number;
  /** How much later than those whoever came who was served before them. */
  readonly lead: Quantiles;
  /** The share of those who did not get the destination that the policy had bound them to. */
  readonly unbound: number;
  /** The time in which clients came in {@linkcode PARTS}: until when, and what those waited. */
  readonly timeline: readonly {
    readonly until: number;
    readonly p50: number;
    readonly p99: number;
  }[];
}

/** Notes when who is served. */
export class Measuring implements ServerObserver {
  readonly #clockwork: Clockwork;
  readonly #warmUp: number;
  readonly #travel: number;
  /** By the order in which they came. */
  readonly #arrivals: Float64Array;
  readonly #waits: Float64Array;
  readonly #responses: Float64Array;
  /** How much later somebody came who was served before, or 0. */
  readonly #leads: Float64Array;
  /** How long a server works on each, and which one it is. */
  readonly #work: Float64Array;
  readonly #servers: Int32Array;
  /** Who came latest of those that are or were served. */
  #latest = -1;
  #number = 0;
  /** When the last one came. */
  #end = 0;

  constructor(
    clockwork: Clockwork,
    { number, warmUp, travel }: { number: number; warmUp: number; travel: number },
  ) {
    this.#clockwork = clockwork;
    this.#warmUp = warmUp;
    this.#travel = travel;
    this.#arrivals = new Float64Array(number);
    this.#waits = new Float64Array(number);
    this.#responses = new Float64Array(number);
    this.#leads = new Float64Array(number);
    this.#work = new Float64Array(number);
    this.#servers = new Int32Array(number);
  }

  onArrival({ number }: Client): void {
    this.#number++;
    this.#arrivals[number] = this.#clockwork.now;
  }

  /** All have come. */
  end(): void {
    this.#end = this.#clockwork.now;
  }

  onBegin({ number, acceptedAt }: Client, server: Server, took: number): void {
    const { now } = this.#clockwork;
    this.#waits[number] = now - acceptedAt;
    if (number > this.#latest) this.#latest = number;
    else this.#leads[number] = this.#arrivals[this.#latest]! - acceptedAt;
    this.#work[number] = took;
    this.#servers[number] = server.number;
  }

  onAnswer({ number, acceptedAt }: Client): void {
    this.#responses[number] = this.#clockwork.now - acceptedAt + this.#travel;
  }

  /** How long each server has worked in the time that counts. */
  #busy(servers: number): Float64Array {
    const busy = new Float64Array(servers);
    for (let i = 0; i < this.#number; i++) {
      const from = this.#arrivals[i]! + this.#waits[i]!;
      const to = Math.min(from + this.#work[i]!, this.#end);
      busy[this.#servers[i]!]! += Math.max(0, to - Math.max(from, this.#warmUp));
    }
    return busy;
  }

  /** All that was noted. */
  of(servers: readonly Server[], unbound: number): Measures {
    const first = this.#arrivals.findIndex((at, i) => at >= this.#warmUp && i < this.#number);
    const waits = this.#waits.slice(first, this.#number);
    const clients = waits.length;
    const leads = this.#leads.slice(first, this.#number);
    const length = this.#end - this.#warmUp;
    const times = this.#busy(servers.length);
    const shares = servers.map(({ number, slots }) => times[number]! / (length * slots));
    const slots = servers.reduce((sum, { slots }) => sum + slots, 0);
    const busy = times.reduce((sum, ms) => sum + ms, 0);
    return {
      clients,
      response: quantiles(this.#responses.slice(first, this.#number)),
      utilisation: {
        mean: round(busy / (length * slots)),
        most: round(Math.max(...shares)),
        least: round(Math.min(...shares)),
      },
      waited: round(positive(waits) / clients),
      jumped: round(positive(leads) / clients),
      lead: quantiles(leads),
      unbound: round(unbound / this.#number),
      timeline: this.#timeline(),
      wait: quantiles(waits),
    };
  }

  #timeline(): Measures["timeline"] {
    let from = 0;
    return Array.from({ length: PARTS }, (_, i) => {
      const until = this.#end * (i + 1) / PARTS;
      let to = from;
      while (to < this.#number && this.#arrivals[to]! <= until) to++;
      const { p50, p99 } = quantiles(this.#waits.slice(from, to));
      from = to;
      return { until: round(until), p50, p99 };
    });
  }
}

function positive(values: Float64Array): number {
  return values.reduce((sum, value) => sum + (value > 0 ? 1 : 0), 0);
}

/** Sorts the values. */
function quantiles(values: Float64Array): Quantiles {
  values.sort();
  const at = (share: number) => {
    return round(values[Math.min(values.length - 1, Math.floor(share * values.length))] ?? 0);
  };
  return { p50: at(0.5), p99: at(0.99), p999: at(0.999) };
}

function round(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}
