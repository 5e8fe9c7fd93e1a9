import type { DestinationStatus } from "../../src/operations/destination_status.ts";
import { Histogram } from "../../src/operations/histogram.ts";
import type { Mark } from "../../src/operations/history.ts";
import type { Latencies } from "../../src/operations/latencies.ts";
import type { ListenerStatus } from "../../src/operations/listener_status.ts";
import { tellLately } from "./page_lately.ts";
import { destinationOf, listenerOf } from "./statuses.ts";

/** A server that a {@linkcode Site} has. */
export interface Server {
  name: string;
  slots: number;
  /** How long a session takes, in milliseconds; without it sessions do not end. */
  ms?: number;
  /** What its status has besides. */
  status?: Partial<DestinationStatus>;
}

/** A change of a server, `at` seconds from now (negative) on. */
export interface Turn {
  at: number;
  server: string;
  status: Partial<DestinationStatus>;
}

/** A listener and what happens at it. */
export interface Site {
  name: string;
  servers: Server[];
  /** Sessions that come a second, by seconds from now: 0 is what the page first shows. */
  arrivals: (second: number) => number;
  /** Of so many sessions one is left by its client. */
  gone?: number;
  turns?: Turn[];
  /** What its status has besides. */
  status?: Partial<ListenerStatus>;
}

/** What happened within one second. */
export interface Second {
  waiting: number;
  active: number;
  accepted: number;
  ended: number;
  failed: number;
  up: number;
  down: number;
  /** Milliseconds, median and 99th percentile. */
  wait: [number, number];
  destinations: { active: number; sessions: number; failures: number; up: number; down: number }[];
}

/** Most seconds that are remembered. */
const REMEMBERED = 300;
const UP_BYTES = 640;
const DOWN_BYTES = 14_200;

/** A listener that lives a second at a time, the same each time. */
export class SimulatedListener {
  readonly status: ListenerStatus;
  /** Latest last. */
  readonly seconds: Second[] = [];
  /** What has become of its servers, with the second of each; latest last. */
  readonly marks: (Pick<Mark, "kind" | "listener" | "destination" | "text"> & { at: number })[] =
    [];
  readonly #site: Site;
  readonly #histograms = histograms();
  readonly #ofDestinations = new Map<string, ReturnType<typeof histograms>>();
  #seed = 1;

  constructor(id: number, site: Site) {
    this.#site = site;
    const destinations = site.servers.map(({ name, slots, status }, i) => {
      const address = `10.0.${id}.${i + 1}:9000`;
      const one = { id: `${id}.${i + 1}`, name, address, limit: slots, workers: slots };
      this.#ofDestinations.set(one.id, histograms());
      return destinationOf({ ...one, ...status });
    });
    const named = { id, name: site.name, address: `[::]:${8079 + id}` };
    this.status = listenerOf({ ...named, destinations, ...site.status });
  }

  /** Lives a second that ends so many seconds from now. */
  advance(second: number): void {
    const { status, seconds } = this;
    for (const turn of this.#site.turns ?? []) {
      if (turn.at !== second) continue;
      const one = this.#destination(turn.server);
      const before = one.state;
      Object.assign(one, { state_age_ms: 0 }, turn.status);
      this.#mark(second, { one, before });
    }
    const come = Math.round(this.#site.arrivals(second) * (0.9 + 0.2 * this.#random()));
    const { served, wait } = this.#serve(come);
    const failures = status.destinations.map(({ state }) => state === "down" ? 1 : 0);
    const gone = Math.floor(served.reduce(add, 0) / (this.#site.gone ?? 80));
    const ended = served.reduce(add, 0);
    status.accepted += come;
    count(status.ended, "done", ended - gone);
    count(status.ended, "client-gone", gone);
    this.#measure(served, wait);
    status.destinations.forEach((one, i) => {
      one.sessions += served[i]!;
      one.failures += failures[i]!;
      one.bytes_up += served[i]! * UP_BYTES;
      one.bytes_down += served[i]! * DOWN_BYTES;
    });
    status.bytes_up += ended * UP_BYTES;
    status.bytes_down += ended * DOWN_BYTES;
    this.#foresee(come);
    seconds.push({
      ...{ waiting: status.waiting, active: status.active, accepted: come, ended, failed: 0 },
      ...{ up: ended * UP_BYTES, down: ended * DOWN_BYTES, wait: [wait, wait * 1.6 + 0.3] },
      destinations: status.destinations.map(({ active }, i) => ({
        ...{ active, sessions: served[i]!, failures: failures[i]! },
        ...{ up: served[i]! * UP_BYTES, down: served[i]! * DOWN_BYTES },
      })),
    });
    if (seconds.length > REMEMBERED) seconds.shift();
    tellLately(status, seconds, this.#site.servers.map(({ ms }) => ms));
    status.latencies = dataOf(this.#histograms);
    for (const one of status.destinations) {
      one.latencies = dataOf(this.#ofDestinations.get(one.id)!);
    }
  }

  #mark(at: number, { one, before }: { one: DestinationStatus; before: string }): void {
    const { name, state } = one;
    const why = one.last_error ? `: ${one.last_error.text}` : "";
    const told = {
      down: { kind: "down", text: `${name} is down${why}` },
      up: { kind: before === "down" ? "up" : "ready", text: `${name} is up again` },
      drain: { kind: "drain", text: `${name} is drained` },
      maint: { kind: "maint", text: `${name} is in maintenance` },
    } as const;
    if (state === before || !(state in told)) return;
    const mark = told[state as keyof typeof told];
    this.marks.push({ at, listener: this.status.name, destination: name, ...mark });
  }

  /** Sessions each destination served, and how long those waited. */
  #serve(come: number): { served: number[]; wait: number } {
    const { status } = this;
    const rates = status.destinations.map((one, i) => this.#rateOf(one, i));
    const capacity = rates.reduce(add, 0);
    const wanted = status.waiting + come;
    const total = Math.min(wanted, Math.floor(capacity));
    const busy = wanted > capacity;
    const open = status.destinations.filter(serves).reduce((sum, { limit }) => sum + limit, 0);
    status.destinations.forEach((one, i) => {
      const { ms } = this.#site.servers[i] ?? { ms: 50 };
      if (!serves(one)) one.active = one.state === "drain" ? Math.max(0, one.active - 1) : 0;
      else if (ms === undefined) {
        one.active = Math.min(one.limit, one.active + Math.round(come * one.limit / open));
      } else {
        const used = busy ? one.limit : (total * rates[i]! / capacity) * ms / 1000;
        one.active = Math.min(one.limit, Math.floor(used + this.#random() * 0.9));
      }
    });
    const stuck = capacity === 0 ? Math.min(come, Math.max(0, open - status.active)) : 0;
    status.active = status.destinations.reduce((sum, { active }) => sum + active, 0);
    status.waiting = Math.min(status.queue, wanted - total - stuck);
    const wait = capacity > 0 && busy ? 1000 * status.waiting / capacity : 0.2;
    if (status.waiting === 0) status.oldest_waiting_ms = 0;
    else if (capacity === 0) status.oldest_waiting_ms += 1000;
    else status.oldest_waiting_ms = wait * 1.1;
    let rest = total;
    const served = rates.map((rate) => {
      const share = Math.min(rest, Math.round(total * rate / (capacity || 1)));
      rest -= share;
      return share;
    });
    if (rest > 0) served[rates.indexOf(Math.max(...rates))]! += rest;
    return { served, wait };
  }

  #rateOf(one: DestinationStatus, index: number): number {
    const { ms } = this.#site.servers[index] ?? { ms: 50 };
    return ms === undefined || !serves(one) ? 0 : one.limit * 1000 / ms;
  }

  #measure(served: number[], wait: number): void {
    this.status.destinations.forEach(({ id }, i) => {
      const { ms = 50 } = this.#site.servers[i] ?? {};
      for (let n = 0; n < Math.min(served[i]!, 4); n++) {
        const spread = 0.6 + 0.8 * this.#random() ** 3;
        for (const  of of[this.#histograms, this.#ofDestinations.get(id)!]) {
          of.queue.observe(wait * spread);
          of.connect.observe(0.3 * spread);
          of.session.observe(ms * spread + wait);
        }
      }
    });
  }

  #foresee(come: number): void {
    const { status } = this;
    const capacity = status.destinations.map((one, i) => this.#rateOf(one, i)).reduce(add, 0);
    const over = capacity - come;
    status.forecast = {
      ...status.forecast,
      offered_per_s: come,
      capacity_per_s: capacity === 0 ? null : capacity,
      load: capacity === 0 ? null : come / capacity,
      expected_wait_ms: capacity === 0 ? null : 1000 * status.waiting / capacity,
      clears_in_ms: status.waiting === 0 ? 0 : over > 0 ? 1000 * status.waiting / over : null,
    };
  }

  #destination(name: string): DestinationStatus {
    return this.status.destinations.find((one) => one.name === name)!;
  }

  #random(): number {
    this.#seed = (this.#seed * 48_271) % 2_147_483_647;
    return this.#seed / 2_147_483_647;
  }
}

/** Whether it gets new sessions: backups only if they are made to. */
function serves({ state, leaving, weight, backup }: DestinationStatus): boolean {
  return (state === "up" || state === "untried") && !leaving && weight > 0 && !backup;
}

function histograms() {
  return { queue: new Histogram(), connect: new Histogram(), session: new Histogram() };
}

function dataOf({ queue, connect, session }: ReturnType<typeof histograms>): Latencies {
  return { queue: queue.data, connect: connect.data, session: session.data };
}

function count(ended: ListenerStatus["ended"], reason: "done" | "client-gone", more: number): void {
  if (more > 0) ended[reason] = (ended[reason] ?? 0) + more;
}

function add(a: number, b: number): number {
  return a + b;
}
