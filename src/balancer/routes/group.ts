import type { HelloTerms } from "../../config/hello_terms.ts";
import type { Destination } from "../../destinations/destination.ts";
import { END_REASONS, type EndReason } from "../../operations/end_reasons.ts";
import type { RouteStatus } from "../../operations/route_status.ts";
import type { Route } from "../../session/route.ts";
import type { Session } from "../../session/session.ts";
import type { Forecaster } from "../forecaster.ts";
import { keysOf, partsOf } from "./keys.ts";

/** Says whether the clients of a key may have a destination now, as far as its tier is concerned. */
export type Reach = (key: string, destination: Destination) => boolean;

/**
 * The destinations that serve one configured name or protocol, and what their sessions come to. Who
 * belongs to it is what the destinations' own options say at the moment.
 */
export class Group implements Route {
  readonly key: string;
  /** Sessions that wait for it. */
  waiting = 0;
  /** Sessions that have asked for it. */
  accepted = 0;
  /** How many of these are not over. */
  live = 0;
  /** When it was last seen that some are not over, by the clock's milliseconds. */
  liveAt = -Infinity;
  /** Whether nobody can ask for it any more. */
  gone = false;
  /** How these ended, by reason. */
  readonly ended: Record<EndReason, number>;
  /** How long whoever comes now will wait; set as soon as it is there. */
  forecaster!: Forecaster;
  readonly #reaches: Reach;

  constructor(key: string, reaches: Reach) {
    this.key = key;
    this.#reaches = reaches;
    const reasons = Object.keys(END_REASONS) as EndReason[];
    this.ended = Object.fromEntries(reasons.map((reason) => [reason, 0])) as Group["ended"];
  }

  has(taker: object): boolean {
    const { config } = taker as { config?: HelloTerms };
    return config !== undefined && keysOf(config).has(this.key) &&
      this.#reaches(this.key, taker as Destination);
  }

  /** A session of it is over, admitted or not. */
  noteEnd({ reason }: Session): void {
    this.live--;
    this.ended[reason!]++;
  }

  get status(): RouteStatus {
    const [pattern, protocol] = partsOf(this.key);
    return {
      name: pattern,
      protocol,
      sessions: this.accepted,
      waiting: this.waiting,
      live: this.live,
      expected_wait_ms: this.forecaster.expectedWait() ?? null,
    };
  }
}
