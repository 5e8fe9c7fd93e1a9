import type { ListenerConfig } from "../config/config.ts";
import type { DestinationConfig } from "../config/destination_text.ts";
import type { InspectionSource, ListenerWish } from "../operations/inspection.ts";
import type { SessionInfo } from "../operations/operations.ts";
import type { AdminState } from "../operations/states.ts";
import type { DestinationStatus } from "../operations/destination_status.ts";
import type { ListenerStatus } from "../operations/listener_status.ts";
import type { ListenerSample } from "../operations/sample.ts";

/** What a listener is known by to operators. */
export interface Identity {
  /** Its number in the program, from 1. */
  readonly id: number;
  /** Its address as it was written. */
  readonly name: string;
  /** The numbers of its destinations by their `key`. */
  readonly numbers: Readonly<Record<string, number>>;
}

/** One destination that is new, different or gone. */
export interface Replacement {
  readonly number: number;
  /** Its configuration now; absent if it is gone. */
  readonly destination?: DestinationConfig | undefined;
  /** The number of the one that it has its place before, if it is new; behind all others if absent. */
  readonly before?: number | undefined;
}

type Awaitable<T> = T | Promise<T>;

/** One listener with its queue and its destinations, in this thread or in several. */
export interface Balancer {
  /** What is really bound, such as `[::]:8080`; several addresses are separated by a comma. */
  readonly address: string;
  /** Whether all of it goes on; `false` while one of several threads says nothing. */
  readonly responsive: boolean;
  status(): Awaitable<ListenerStatus>;
  /** What one of its destinations is doing; `undefined` if it is not there. */
  destination(number: number): Awaitable<DestinationStatus | undefined>;
  /**
   * What has happened since the last time that this was asked, and how it is; of its first destinations,
   * at most so many. `undefined` if nothing can be told.
   */
  sample(destinations: number): Awaitable<ListenerSample | undefined>;
  /** The oldest live sessions, at most so many. */
  sessions(limit: number): Awaitable<SessionInfo[]>;
  /** Ends a session at once. Returns whether it was there. */
  endSession(id: number): Awaitable<boolean>;
  /** Begins to note what moves in sessions, in each of its threads. */
  inspect(wish: ListenerWish): Awaitable<InspectionSource[]>;
  /** Sets what the operator wants of a destination. */
  setAdminState(destination: number, state: AdminState): Awaitable<void>;
  /** Goes over to another configuration with the same listen address. */
  reconfigure(config: ListenerConfig, identity: Pick<Identity, "numbers">): Awaitable<void>;
  /**
   * Goes over to a configuration in which no more than one destination is new, different or gone;
   * takes a time that does not depend on the number of the others.
   */
  replace(replacement: Replacement, config: ListenerConfig): Awaitable<void>;
  /** Accepts no more and resolves when all is served or cut: whether nothing was cut. */
  drain(): Promise<boolean>;
  /** Cuts everything at once. */
  quit(): Promise<boolean>;
}
