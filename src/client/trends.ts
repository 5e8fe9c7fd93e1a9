import type { Status } from "../operations/operations.ts";
import type { Past, PastValues } from "./shapes.ts";
import { rates } from "./rates.ts";

/** Seconds that are kept. */
const KEPT = 300;

/** What the trend of a listener is made of. */
export const LISTENER_TRENDS = ["waiting", "ended/s", "active", "accepted/s"] as const;

/** One of {@linkcode LISTENER_TRENDS}. */
export type TrendName = typeof LISTENER_TRENDS[number];

/** Where the history of the program has it. */
const SERIES: Readonly<Record<TrendName, string>> = {
  "waiting": "waiting",
  "ended/s": "ended_per_s",
  "active": "active",
  "accepted/s": "accepted_per_s",
};

/** A value for each of the latest seconds, by the uptime of the program. */
class Track {
  readonly #values = new Float64Array(KEPT).fill(NaN);
  #last = -Infinity;

  put(second: number, value: number): void {
    for (let s = Math.max(this.#last + 1, second - KEPT + 1); s < second; s++) this.#set(s, NaN);
    if (second > this.#last || (this.#last - second < KEPT && Number.isNaN(this.at(second)))) {
      this.#set(second, value);
    }
    this.#last = Math.max(this.#last, second);
  }

  at(second: number): number {
    return second > this.#last || this.#last - second >= KEPT ? NaN : this.#values[place(second)]!;
  }

  #set(second: number, value: number): void {
    this.#values[place(second)] = value;
  }
}

function place(second: number): number {
  return ((second % KEPT) + KEPT) % KEPT;
}

/** How many steps are looked at, and how many seconds each has. */
export interface Steps {
  readonly columns: number;
  readonly per: number;
}

/** What listeners and destinations did in the latest five minutes, second by second. */
export class Trends {
  readonly #tracks = new Map<string, Track>();
  #latest: Status | undefined;

  /** Enters what the program is doing now; that of another process begins anew. */
  add(now: Status): void {
    if (this.#latest?.pid !== now.pid || now.uptime_ms < this.#latest.uptime_ms) {
      this.#tracks.clear();
    }
    const between = rates(now, this.#latest?.pid === now.pid ? this.#latest : undefined);
    const second = Math.round(now.uptime_ms / 1000);
    for (const { id, waiting, active, destinations } of now.listeners) {
      this.#put(id, "waiting", second, waiting);
      this.#put(id, "active", second, active);
      const rate = between?.listeners.get(id);
      if (rate) {
        this.#put(id, "ended/s", second, rate.ended);
        this.#put(id, "accepted/s", second, rate.accepted);
      }
      for (const { id } of destinations) {
        const rate = between?.destinations.get(id);
        if (rate) this.#put(id, "sessions/s", second, rate.sessions);
      }
    }
    this.#latest = now;
  }

  /** Enters what the program remembers of the time before. */
  fill({ uptime_ms, listeners }: Past): void {
    const end = Math.round(uptime_ms / 1000);
    const enter = (id: number | string, name: string, values: PastValues = []) => {
      values.forEach((value, i) => {
        if (value !== null) this.#put(id, name, end - (values.length - 1 - i), value);
      });
    };
    for (const { id, series, destinations = [] } of listeners) {
      for (const name of LISTENER_TRENDS) enter(id, name, series[SERIES[name]]);
      for (const { id, series } of destinations) enter(id, "sessions/s", series.sessions_per_s);
    }
  }

  /** The trend of a listener, oldest first, each the highest of its seconds; `null` where none is known. */
  listener(id: number, name: TrendName, steps: Steps): (number | null)[] {
    return this.#read(`${id} ${name}`, steps);
  }

  /** The same of how many sessions a destination gets in a second. */
  destination(id: string, steps: Steps): (number | null)[] {
    return this.#read(`${id} sessions/s`, steps);
  }

  #put(id: number | string, name: string, second: number, value: number): void {
    const key = `${id} ${name}`;
    let track = this.#tracks.get(key);
    if (!track) this.#tracks.set(key, track = new Track());
    track.put(second, value);
  }

  #read(key: string, { columns, per }: Steps): (number | null)[] {
    const track = this.#tracks.get(key);
    const now = Math.round((this.#latest?.uptime_ms ?? 0) / 1000);
    // A step keeps its seconds while the picture moves on.
    const last = Math.floor(now / per);
    return Array.from({ length: columns }, (_, i) => {
      const from = (last - (columns - 1 - i)) * per;
      let highest = NaN;
      for (let s = from; s < from + per; s++) {
        const value = track?.at(s) ?? NaN;
        if (!Number.isNaN(value)) {
          highest = Number.isNaN(highest) ? value : Math.max(highest, value);
        }
      }
      return Number.isNaN(highest) ? null : highest;
    });
  }
}
