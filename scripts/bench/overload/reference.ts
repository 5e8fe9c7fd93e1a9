import type { Service } from "../destinations.ts";
import { sleep } from "../processes.ts";
import type { Bench } from "../workload.ts";

/** Loads that begin so much later than another one have a reference of their own, in milliseconds. */
const SAME_TIME_MS = 2000;

/** Clients of each server: it always has the next request at hand. */
const CLIENTS = 4;

/** When a reference is measured: `startAt` milliseconds since 1970. */
interface When {
  readonly startAt: number;
  readonly seconds: number;
}

/**
 * What servers can answer, in requests per second, when they always have the next one at hand and no
 * balancer in front of them.
 *
 * It is measured while contenders are measured in front of other servers of the same kind, once for
 * those that are measured together: whatever else the machine does meets all of them.
 */
export class Reference {
  readonly #bench: Bench;
  readonly #services: readonly Service[];
  /** The latest one, and when it began. */
  #latest: { readonly startAt: number; readonly rate: Promise<number> } | undefined;

  constructor(bench: Bench, services: readonly Service[]) {
    this.#bench = bench;
    this.#services = services;
  }

  /** Measures it now. */
  now(): Promise<number> {
    return this.#measure({ startAt: Date.now(), seconds: this.#bench.quick ? 1 : 2 });
  }

  /** Measures it beside a load that counts from a moment on, with others that begin together. */
  beside(when: When): Promise<number> {
    const latest = this.#latest;
    if (latest && Math.abs(when.startAt - latest.startAt) < SAME_TIME_MS) return latest.rate;
    const rate = this.#measure(when);
    this.#latest = { startAt: when.startAt, rate };
    return rate;
  }

  async #measure({ startAt, seconds }: When): Promise<number> {
    const { destinations, load } = this.#bench;
    const { ports, child } = await destinations.serial(this.#services, 1, { notes: true });
    try {
      await sleep(Math.max(0, startAt - Date.now()));
      const loop = { clients: CLIENTS, close: true, seconds: Math.max(1, Math.floor(seconds)) };
      const results = await Promise.all(ports.map((port) => load.closedLoop(port, loop)));
      return results.reduce((sum, { requests, seconds }) => sum + requests / seconds, 0);
    } finally {
      await child.stop();
    }
  }
}
