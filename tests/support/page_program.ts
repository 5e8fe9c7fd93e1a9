import {
  type DestinationChange,
  type NewDestination,
  OperationError,
  type Operations,
  type ReloadResult,
  type SessionInfo,
  type Status,
} from "../../src/operations/operations.ts";
import type { DestinationStatus } from "../../src/operations/destination_status.ts";
import { RecentEvents } from "../../src/logging/recent_events.ts";
import type { ConfigInForce } from "../../src/operations/config_in_force.ts";
import { configInForceOf } from "./config_in_force.ts";
import type { History, HistoryQuery } from "../../src/operations/history.ts";
import { playedPast } from "./page_past.ts";
import { SimulatedListener, type Site } from "./page_listener.ts";
import { destinationOf, statusOf } from "./statuses.ts";

/** A program for the page to show. */
export interface Play {
  /** How long it has been running when the page is opened, in seconds; a day if not given. */
  uptime?: number;
  sites: Site[];
  state?: Status["state"];
  /** Lines of its log, with how many seconds ago. */
  log?: { ago: number; level?: string; message: string }[];
  sessions?: SessionInfo[];
}

const DAY_S = 86_400;
/** So much of its past is lived through, in seconds. */
const PAST_S = 300;

/**
 * A program of which the page is shown: nothing of it is real, but what it tells fits together. Each
 * look at its status is a second of its life.
 */
export class PlayedProgram implements Operations {
  readonly events = new RecentEvents();
  readonly #listeners: SimulatedListener[];
  readonly #uptime: number;
  readonly #live: SessionInfo[];
  #state: Status["state"];
  /** Seconds from when the page is opened. */
  #now: number;
  readonly #begun = Date.now();

  /** @param options.early So many seconds before: a page that looks on sees what leads to it. */
  constructor(play: Play, options: { early?: number } = {}) {
    const { early = 0 } = options;
    this.#uptime = play.uptime ?? DAY_S;
    this.#state = play.state ?? "running";
    this.#live = play.sessions ?? [];
    this.#listeners = play.sites.map((site, i) => new SimulatedListener(i + 1, site));
    for (const { status } of this.#listeners) {
      for (const one of status.destinations) {
        one.state_age_ms = Math.max(0, this.#uptime - PAST_S) * 1000;
      }
    }
    this.#now = -Math.min(PAST_S, Math.floor(this.#uptime));
    while (this.#now < -early) this.#advance();
    for (const { ago, level = "info", message } of play.log ?? []) {
      this.events.add({ time: this.#timeOf(-ago), level, message });
    }
  }

  /** Seconds from when the page is opened, or is thought to be. */
  get now(): number {
    return this.#now;
  }

  beginDrain(): void {
    this.#state = "draining";
    for (const { status } of this.#listeners) status.state = "draining";
  }

  status(): Promise<Status> {
    this.#advance();
    return Promise.resolve(structuredClone(statusOf({
      version: "0.2.0",
      pid: 4711,
      time: this.#timeOf(this.#now),
      uptime_ms: (this.#uptime + this.#now) * 1000,
      state: this.#state,
      listeners: this.#listeners.map((listener) => listener.look()),
    })));
  }

  config(): Promise<ConfigInForce> {
    return Promise.resolve(configInForceOf(this.#listeners.map(({ status }) => status)));
  }

  history({ span, listener }: HistoryQuery): History {
    return playedPast(this.#listeners, {
      span,
      listener,
      uptime: this.#uptime + this.#now,
      now: this.#now,
      timeOf: (second) => this.#timeOf(second),
    });
  }

  followMarks(): () => void {
    return () => {};
  }

  sessions({ limit }: { limit: number }): Promise<SessionInfo[]> {
    return Promise.resolve(this.#live.slice(0, limit));
  }

  inspect(): Promise<never[]> {
    return Promise.resolve([]);
  }

  endSession(id: string): Promise<void> {
    const at = this.#live.findIndex((session) => session.id === id);
    if (at < 0) return missing(`there is no session ${id}`);
    this.#live.splice(at, 1);
    return Promise.resolve();
  }

  addDestination(wanted: NewDestination): Promise<DestinationStatus> {
    const { status } = this.#listeners[Number(wanted.listener ?? 1) - 1]!;
    const id = `${status.id}.${status.destinations.length + 1}`;
    const added = destinationOf({ id, name: wanted.address, limit: Number(wanted.workers) || 16 });
    status.destinations.push(added);
    return Promise.resolve(added);
  }

  changeDestination(id: string, change: DestinationChange): Promise<DestinationStatus> {
    const found = this.#find(id);
    if (!found) return missing(`there is no destination ${id}`);
    if (change.state) {
      found.admin = change.state;
      found.state = change.state === "ready" ? "up" : change.state;
    }
    return Promise.resolve(found);
  }

  removeDestination(id: string): Promise<void> {
    const found = this.#find(id);
    if (!found) return missing(`there is no destination ${id}`);
    found.leaving = true;
    return Promise.resolve();
  }

  reload(): Promise<ReloadResult> {
    return Promise.resolve({ changes: [], needs_restart: [] });
  }

  #advance(): void {
    this.#now++;
    for (const listener of this.#listeners) listener.advance(this.#now);
  }

  #timeOf(second: number): string {
    return new Date(this.#begun + second * 1000).toISOString();
  }

  #find(id: string): DestinationStatus | undefined {
    return this.#listeners.flatMap(({ status }) => status.destinations)
      .find((one) => one.id === id);
  }
}

function missing(what: string): Promise<never> {
  return Promise.reject(new OperationError("missing", what));
}
