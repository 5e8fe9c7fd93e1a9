import type { WhenOverloaded } from "../../src/balancer/overload/relief.ts";
import type { Random } from "../../tests/support/random.ts";
import type { Try } from "../bench/tally.ts";
import type { Arrival } from "./arrivals.ts";

/** When a client came, and when it leaves. */
interface Came {
  readonly cameAt: number;
  readonly leavesAt: number;
}

/** What is simulated; times are milliseconds. */
export interface Scenario {
  /**
   * What is done about overload; `foreseeing` is for comparison: whoever leaves first is next, of those
   * that can be answered before they do, which nobody can know.
   */
  readonly mode: WhenOverloaded | "foreseeing";
  /** What `--shed-target` and `--shed-interval` say; they adapt unless given. */
  readonly target?: number;
  readonly interval?: number;
  /** Offered load as a multiple of what the servers can do, at a time. */
  readonly load: number | ((now: number) => number);
  /** How long clients wait; each draws its own. */
  readonly patience: (random: Random) => number;
  /** How long an answer takes; exactly 10 unless given. */
  readonly service?: ((random: Random) => number) | undefined;
  /** The average of these. */
  readonly meanService?: number;
  /** Sessions that are served at a time; 1 unless given. */
  readonly slots?: number;
  /** How long it goes on, 60 s unless given, and from when on it counts, 5 s unless given. */
  readonly duration?: number;
  readonly warmUp?: number;
  /** How often a client that has failed comes back, within a second each; never unless given. */
  readonly retries?: number;
  /** Arrivals come so many at a time; 1 unless given. */
  readonly burst?: number;
  /** When servers answer nothing: what they have waits as long. */
  readonly stall?: { readonly from: number; readonly to: number };
  /** Sessions come at these times as well. */
  readonly extra?: readonly { readonly at: number; readonly number: number }[];
  /** The group of addresses of a client; one for all unless given. */
  readonly group?: (random: Random) => number;
  /** Who is out of the queue at once on leaving; for others a server works all the same. */
  readonly closes?: (client: Came) => boolean;
  /** The patience by group, instead. */
  readonly patienceOf?: (group: number, random: Random) => number;
  readonly queue?: number;
  /** After so long in the queue a session is turned away; never unless given. */
  readonly queueTimeout?: number | undefined;
  readonly seed?: number;
  /** Who comes when, instead of what `load` and `patience` say. */
  readonly clients?: Iterable<Arrival>;
  /** How much longer than an answer takes a session has its slot; no longer unless given. */
  readonly overhead?: number;
  /** How long connecting and the answer are on their way to the client beyond that. */
  readonly travel?: number;
}

/** What came of it. */
export interface Outcome {
  /** Answers in time, as a share of what the servers could have given, and of what was offered. */
  readonly goodput: number;
  readonly served: number;
  /** Clients that came after the warm-up and were not answered in time. */
  readonly failed: number;
  /** Answers that the servers could have given. */
  readonly possible: number;
  /** The smaller one of capacity and offered load is what can be had; the share of that. */
  readonly ofPossible: number;
  /** Waits of those who were answered in time. */
  readonly p50: number;
  readonly p99: number;
  /** Share of the servers' time that was spent for clients that had left. */
  readonly wasted: number;
  readonly shed: number;
  readonly answered: number;
  readonly offered: number;
  /** Patience as it was seen at the end. */
  readonly patience: number;
  /** When answers in time were given, for recovery. */
  readonly answers: readonly number[];
  /** Everybody who came, and when they were answered in time, if they were. */
  readonly tries: readonly (Try & Came)[];
}
