import type { DestinationConfig } from "./config.ts";
import { Dialer } from "./dial.ts";

/** Whether a destination takes sessions: `down` after a connect to it failed, until a probe succeeds. */
export type DestinationState = "up" | "down";

/** One server address with its state, its workers' number and its counters. */
export class Destination {
  readonly name: string;
  readonly config: DestinationConfig;
  readonly dialer: Dialer;
  /** Workers that exist, serving or waiting in the line; at most `config.workers`. */
  workers = 0;
  /** Workers that have a session. */
  active = 0;
  /** Sessions that were connected to it. */
  sessions = 0;
  /** Connects that failed, those of probes included. */
  failures = 0;
  #state: DestinationState = "up";
  #standby = new AbortController();

  constructor(config: DestinationConfig) {
    this.name = config.name;
    this.config = config;
    this.dialer = new Dialer(config.address);
  }

  get state(): DestinationState {
    return this.#state;
  }

  /** Workers that wait for a session. */
  get waiting(): number {
    return this.workers - this.active;
  }

  /** Whether it may have one more worker. */
  get hasRoom(): boolean {
    return this.#state === "up" && this.workers < this.config.workers;
  }

  /** How full it is: the share of its limit that has workers, smaller for a greater weight. */
  get load(): number {
    return this.workers / (this.config.workers * this.config.weight);
  }

  /** Aborted when its waiting workers have to leave the line. */
  get standby(): AbortSignal {
    return this.#standby.signal;
  }

  /** Sends its waiting workers away; those that have a session finish it. */
  dismiss(): void {
    this.#standby.abort();
    this.#standby = new AbortController();
  }

  /** Enters a failed connect. Returns whether it was up until now. */
  fail(): boolean {
    this.failures++;
    const changed = this.#state === "up";
    this.#state = "down";
    return changed;
  }

  /** Enters a successful probe. */
  recover(): void {
    this.#state = "up";
  }
}
