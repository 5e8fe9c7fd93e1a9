import type { Logger } from "@logtape/logtape";
import type { Clock } from "../base/clock.ts";
import type { LimitBoards } from "../destinations/limits/limit_boards.ts";
import type { AccessLog } from "../logging/access_log.ts";
import type { AcceptingSocket } from "../net/accepting_socket.ts";
import type { DescriptorBudget } from "../net/descriptor_budget.ts";
import type { NameLookups } from "../net/names.ts";
import type { Trails } from "../net/trails.ts";
import type { Durations } from "../operations/latencies.ts";
import type { ServiceContext } from "../services/service.ts";
import type { Identity } from "./balancer.ts";

/** What a balancer is made with, beside its configuration. */
export interface WiringOptions {
  identity: Identity;
  log: Logger;
  /** Gets every session that ended. */
  access?: Pick<AccessLog, "add">;
  /** Gets the same durations as the histograms, one by one. */
  durations?: Durations | undefined;
  clock?: Clock;
  /** What all that want descriptors share; all that there are, if absent. */
  descriptors?: DescriptorBudget;
  /** Its number among threads that share the address, and how many there are; alone if absent. */
  thread?: { index: number; number: number };
  /** What listeners and threads know together of the ways of sessions; only this one's if absent. */
  trails?: Trails;
  /** What its threads share of how much destinations can take. */
  boards?: LimitBoards;
  /** Looks names up, instead of what the settings say. */
  names?: NameLookups;
  /**
   * The one client that there is, instead of those of the address, and whether it waits for a
   * destination to come back when none can be connected. Destinations are connected for it alone.
   */
  only?: { readonly socket: AcceptingSocket; readonly waits: boolean } | undefined;
  /** Shows lines that services of this program have got; nobody sees them if absent. */
  show?: ServiceContext["show"];
}
