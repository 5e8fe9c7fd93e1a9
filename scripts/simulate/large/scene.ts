import type { Settings } from "../../../src/config/options.ts";

/** Servers that are alike. */
export interface Servers {
  readonly number: number;
  /** How long one of them takes for work of one unit, in milliseconds. */
  readonly ms: number;
  /** Sessions that it works on at a time; others wait there, in the order in which they came. */
  readonly slots: number;
  /** The port of the only one of them on loopback, for policies that look at addresses. */
  readonly port?: number;
}

/**
 * Whether each balancer has all slots of each server to itself, as if there were no other, or its part
 * of them: `--workers` divided by the number of balancers; or any number, as one without slots.
 */
export type Share = "all" | "split" | "unbounded";

/** So much load, as a part of what the servers can do, until so many milliseconds after the beginning. */
export interface Phase {
  readonly until: number;
  readonly load: number;
}

/** Who comes: how many milliseconds after the beginning, the number of the client, and to which balancer. */
export interface Visit {
  readonly at: number;
  readonly client: number;
  readonly balancer: number;
  /** How much work it brings: that many times the `ms` of the server. */
  readonly work: number;
}

/** Balancers in front of the same servers. Times are milliseconds. */
export interface Scene {
  readonly servers: readonly Servers[];
  readonly policy: Settings["balance"];
  /** How many there are, and how many slots each of them has. */
  readonly balancers: number;
  readonly share: Share;
  /** Who comes, the earliest first. */
  readonly visits: Iterable<Visit>;
  /** How many that are. */
  readonly clients: number;
  /** Those who come before do not count. */
  readonly warmUp: number;
  /** Draws what the policy `random` draws. */
  readonly seed: number;
  /** What `--hash-wait` says. */
  readonly hashWait?: number;
  /** These servers take so many times as long from a moment on. */
  readonly slow?: Slow | undefined;
  /** So much longer than a server works a session has its slot at the balancer; 0 unless given. */
  readonly overhead?: number;
  /** So much longer than that an answer is on its way to the client; 0 unless given. */
  readonly travel?: number;
}

/** The first so many servers become slower. */
export interface Slow {
  readonly servers: number;
  readonly from: number;
  readonly factor: number;
}

/** What one unit of work a millisecond comes to at all servers together: sessions per millisecond. */
export function capacityOf(servers: readonly Servers[]): number {
  return servers.reduce((sum, { number, ms, slots }) => sum + number * slots / ms, 0);
}
