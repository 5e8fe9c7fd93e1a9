import type { DestinationStatus } from "../../src/operations/destination_status.ts";
import type { EndReason } from "../../src/operations/end_reasons.ts";
import type { MarkKind } from "../../src/operations/history.ts";
import { Histogram } from "../../src/operations/histogram.ts";
import type { Latencies } from "../../src/operations/latencies.ts";
import type { ListenerStatus } from "../../src/operations/listener_status.ts";
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

/** A change of a server, `at` seconds from now (negative) on, and what the chart marks it with. */
export interface Turn {
  at: number;
  server: string;
  status: Partial<DestinationStatus>;
  mark?: { kind: MarkKind; text: string };
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
  /** How its sessions ended in all, before the last five minutes. */
  past?: ListenerStatus["ended"];
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
  /** How sessions ended. */
  reasons: ListenerStatus["ended"];
  destinations: {
    active: number;
    sessions: number;
    failures: number;
    up: number;
    down: number;
    /** Milliseconds, median and 99th percentile; `null` if none has ended. */
    session: [number, number] | null;
  }[];
}

/** What happened lately at a destination that nothing has happened at. */
const NOTHING = { sessions_per_s: 0, failures: 0, session_p50_ms: null, session_p99_ms: null };

/** Most seconds that are remembered. */
const REMEMBERED = 300;
const UP_BYTES = 640;
const DOWN_BYTES = 14_200;

/** A listener that lives a second at a time, the same each time. */
export class SimulatedListener {
  readonly status: ListenerStatus;
  /** Latest last. */
  readonly seconds: Second[] = [];
  readonly #site: Site;
  readonly #histograms = histograms();
  readonly #ofDestinations = new Map<string, ReturnType<typeof histograms>>();
  #seed = 1;

  constructor(id: number, site: Site) {
    this.#site = site;
    const destinations = site.servers.map(({ name, slots, status }, i) => {
      const address = `10.0.${id}.${i + 1}:9000`;
      const one = {
        ...{ id: `${id}.${i + 1}`, name, address, limit: slots, workers: slots },
        ...{ check: "tcp", state_age_ms: 86_400_000, recent: NOTHING },
      };
      this.#ofDestinations.set(one.id, histograms());
      return destinationOf({ ...one, ...status });
    });
    const { name, past: ended = {} } = site;
    const accepted = Object.values(ended).reduce(add, 0);
    const named = { id, name, address: `[::]:${8079 + id}`, ended: { ...ended }, accepted };
    this.status = listenerOf({ ...named, destinations, recent: { ended: {} }, ...site.status });
  }

  /** What was, or will be, different. */
  get turns(): readonly Turn[] {
    return this.#site.turns ?? [];
  }

  /** Lives a second that ends so many seconds from now. */
  advance(second: number): void {
    const { status, seconds } = this;
    for (const turn of this.#site.turns ?? []) {
      if (turn.at !== second) continue;
      Object.assign(this.#destination(turn.server), { state_age_ms: 0, ...turn.status });
    }
    const come = Math.round(this.#site.arrivals(second) * (0.9 + 0.2 * this.#random()));
    const { served, wait } = this.#serve(come);
    const ended = served.reduce(add, 0);
    const gone = Math.floor(ended / (this.#site.gone ?? 80) + this.#random() * 0.5);
    const reasons = { done: ended - gone, "client-gone": gone };
    status.accepted += come;
    addTo(status.ended, reasons);
    this.#measure(served, wait);
    const destinations = status.destinations.map((one, i) => {
      const sessions = served[i]!;
      const failures = one.state === "down" && second % 2 === 0 ? 1 : 0;
      const [up, down] = [sessions * UP_BYTES, sessions * DOWN_BYTES];
      one.sessions += sessions;
      one.failures += failures;
      one.bytes_up += up;
      one.bytes_down += down;
      age(one, failures > 0 ? "connection refused (os error 111)" : undefined);
      const session = sessions === 0 ? null : this.#sessionOf(i, wait);
      return { active: one.active, sessions, failures, up, down, session };
    });
    status.bytes_up += ended * UP_BYTES;
    status.bytes_down += ended * DOWN_BYTES;
    this.#foresee(come);
    seconds.push({
      ...{ waiting: status.waiting, active: status.active, accepted: come, ended, failed: 0 },
      ...{ up: ended * UP_BYTES, down: ended * DOWN_BYTES, wait: [wait, wait * 1.6 + 0.3] },
      ...{ reasons, destinations },
    });
    if (seconds.length > REMEMBERED) seconds.shift();
  }

  /** How it is now, with what happened lately. */
  look(): ListenerStatus {
    const { status, seconds } = this;
    status.latencies = dataOf(this.#histograms);
    const ended: ListenerStatus["ended"] = {};
    for (const { reasons } of seconds) addTo(ended, reasons);
    status.recent = { ended };
    status.destinations.forEach((one, i) => {
      one.latencies = dataOf(this.#ofDestinations.get(one.id) ?? histograms());
      const own = seconds.map(({ destinations }) => destinations[i]).filter((own) => !!own);
      const session = own.findLast(({ session }) => session !== null)?.session ?? null;
      one.recent = {
        sessions_per_s: own.slice(-10).reduce((sum, { sessions }) => sum + sessions, 0) / 10,
        failures: own.reduce((sum, { failures }) => sum + failures, 0),
        session_p50_ms: session?.[0] ?? null,
        session_p99_ms: session?.[1] ?? null,
      };
    });
    return status;
  }

  #sessionOf(index: number, wait: number): [number, number] {
    const { ms = 50 } = this.#site.servers[index] ?? {};
    return [wait + ms * (0.9 + 0.1 * this.#random()), wait * 1.1 + ms * 1.4];
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
        for (const latencies of [this.#histograms, this.#ofDestinations.get(id)!]) {
          latencies.queue.observe(wait * spread);
          latencies.connect.observe(0.3 * spread);
          latencies.session.observe(ms * spread + wait);
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

/** A second passes for a destination, with a failure or without one. */
function age(one: DestinationStatus, failure: string | undefined): void {
  const { last_check, last_error } = one;
  one.state_age_ms += 1000;
  if (last_error) one.last_error = { ...last_error, age_ms: last_error.age_ms + 1000 };
  if (last_check) one.last_check = { ...last_check, age_ms: last_check.age_ms + 1000 };
  if (failure !== undefined) one.last_error = { text: failure, age_ms: 200 };
  if (one.state === "untried" || one.state === "maint") return;
  const ok = one.state !== "down";
  if (!last_check || last_check.age_ms >= 2000 || last_check.ok !== ok) {
    one.last_check = { ok, age_ms: 150, took_ms: ok ? 1.4 : 0.6 };
  }
}

function addTo(ended: ListenerStatus["ended"], more: ListenerStatus["ended"]): void {
  for (const [reason, number] of Object.entries(more) as [EndReason, number][]) {
    if (number > 0) ended[reason] = (ended[reason] ?? 0) + number;
  }
}

function add(a: number, b: number): number {
  return a + b;
}
