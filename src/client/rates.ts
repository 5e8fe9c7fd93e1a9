import { addFine, type FineData } from "../operations/fine_counts.ts";
import type { HistogramData } from "../operations/histogram.ts";
import type { Status } from "../operations/operations.ts";
import type { DestinationStatus } from "../operations/destination_status.ts";
import type { ListenerStatus } from "../operations/listener_status.ts";

/** What happened between two looks at a listener, for each second. */
export interface ListenerRates {
  accepted: number;
  ended: number;
  up: number;
  down: number;
  datagramsUp: number;
  datagramsDown: number;
  /** Those of TLS that have succeeded. */
  handshakes: number;
  /** Durations of that time alone. */
  queue: { fine: FineData };
  session: { fine: FineData };
}

/** What happened between two looks at a destination: for each second, but for the failures. */
export interface DestinationRates {
  sessions: number;
  up: number;
  down: number;
  /** Their number. */
  failures: number;
}

/** What happened between two looks at the program. */
export interface Rates {
  /** The time between them. */
  readonly seconds: number;
  /** By id; those only that both looks have seen. */
  readonly listeners: ReadonlyMap<number, ListenerRates>;
  readonly destinations: ReadonlyMap<string, DestinationRates>;
}

/** The difference of two looks, the later one first; `undefined` if no time lies between them. */
export function rates(now: Status, before: Status | undefined): Rates | undefined {
  if (before === undefined || before.pid !== now.pid) return undefined;
  const seconds = (now.uptime_ms - before.uptime_ms) / 1000;
  if (!(seconds > 0)) return undefined;
  const listeners = new Map<number, ListenerRates>();
  const destinations = new Map<string, DestinationRates>();
  for (const listener of now.listeners) {
    const earlier = before.listeners.find(({ id }) => id === listener.id);
    if (earlier === undefined) continue;
    listeners.set(listener.id, listenerRates(listener, earlier, seconds));
    for (const destination of listener.destinations) {
      const past = earlier.destinations.find(({ id }) => id === destination.id);
      if (past) destinations.set(destination.id, destinationRates(destination, past, seconds));
    }
  }
  return { seconds, listeners, destinations };
}

function listenerRates(
  now: ListenerStatus,
  before: ListenerStatus,
  seconds: number,
): ListenerRates {
  return {
    accepted: (now.accepted - before.accepted) / seconds,
    ended: (endedOf(now) - endedOf(before)) / seconds,
    up: (now.bytes_up - before.bytes_up) / seconds,
    down: (now.bytes_down - before.bytes_down) / seconds,
    datagramsUp: (upOf(now) - upOf(before)) / seconds,
    datagramsDown: (downOf(now) - downOf(before)) / seconds,
    handshakes: (handshakesOf(now) - handshakesOf(before)) / seconds,
    queue: subtract(now.latencies.queue, before.latencies.queue),
    session: subtract(now.latencies.session, before.latencies.session),
  };
}

/** Datagrams, of which an earlier version does not tell. */
function upOf({ datagrams_up = 0 }: Partial<ListenerStatus>): number {
  return datagrams_up;
}

function downOf({ datagrams_down = 0 }: Partial<ListenerStatus>): number {
  return datagrams_down;
}

/** Handshakes of TLS, of which an earlier version does not tell. */
function handshakesOf({ tls_handshakes = 0 }: Partial<ListenerStatus>): number {
  return tls_handshakes;
}

function destinationRates(
  now: DestinationStatus,
  before: DestinationStatus,
  seconds: number,
): DestinationRates {
  return {
    sessions: (now.sessions - before.sessions) / seconds,
    up: (now.bytes_up - before.bytes_up) / seconds,
    down: (now.bytes_down - before.bytes_down) / seconds,
    failures: now.failures - before.failures,
  };
}

/** Sessions that have ended, whatever the reason. */
function endedOf({ ended }: ListenerStatus): number {
  return Object.values(ended).reduce((sum, number) => sum + number, 0);
}

function subtract(now: HistogramData, before: HistogramData): { fine: FineData } {
  // An earlier version does not tell them.
  return { fine: addFine(now.fine ?? [], before.fine ?? [], -1) };
}

/** Looks that are kept at most, however many come: one each second does. */
const MOST_LOOKS = 50;

/** The looks of the last seconds, to compare the latest one with. */
export class History {
  readonly #spanMs: number;
  #looks: Status[] = [];

  /** @param spanMs How far it reaches back. */
  constructor(spanMs: number) {
    this.#spanMs = spanMs;
  }

  /** Enters a look and returns the oldest one within the span; `undefined` if there is none. */
  add(now: Status): Status | undefined {
    // Half a beat more, because no two looks are exactly a second apart.
    const since = now.uptime_ms - this.#spanMs - 500;
    this.#looks = this.#looks.filter(({ pid, uptime_ms }) => {
      return pid === now.pid && uptime_ms >= since;
    });
    const before = this.#looks[0];
    this.#looks.push(now);
    if (this.#looks.length > MOST_LOOKS) this.#looks.shift();
    return before;
  }
}
