import type { ConfigInForce } from "./config_in_force.ts";
import type { DestinationStatus } from "./destination_status.ts";
import type { InspectionSource, InspectionWish } from "./inspection.ts";
import type { History, HistoryQuery, Mark } from "./history.ts";
import type { ListenerStatus } from "./listener_status.ts";
import type { AdminState, ListenerState } from "./states.ts";

/** The whole program: what `GET /status` answers. */
export interface Status {
  version: string;
  pid: number;
  /** How many processes have served in this place, each replacing the one before; 1 is the first. */
  generation: number;
  /** When this was, RFC 3339 in UTC. */
  time: string;
  uptime_ms: number;
  state: ListenerState;
  /** Lines that could not be written: of the access log, and of the log itself. */
  log_lines_lost: { access: number; log: number };
  listeners: ListenerStatus[];
  /**
   * What listeners had counted that are gone and of which there is one with the same name, as one
   * for each name: with it what is counted by name never becomes less.
   */
  departed: ListenerStatus[];
}

/** One live session: what `GET /sessions` answers a list of, oldest first. */
export interface SessionInfo {
  /** `LISTENER.SESSION`, two numbers; the second is the `id` of the access log. */
  id: string;
  listener: string;
  /** Who the client is: its connection's peer, or whom that has named. */
  client: string;
  /** The peer of its connection. */
  peer: string;
  /** The server that the client asks for in its hello of TLS, if that is read. */
  server_name: string | null;
  /** The destination of the latest connect. */
  destination: string | null;
  stage: "greeting" | "waiting" | "connecting" | "relaying";
  /** Its place in the queue by arrival, 1 has waited longest; `null` if it does not wait. */
  place: number | null;
  age_ms: number;
  bytes_up: number;
  bytes_down: number;
  /** Datagrams of the client and of the destination; only of a session of UDP. */
  datagrams_up?: number;
  datagrams_down?: number;
  /** The version of TLS; only of a session with TLS. */
  tls_version?: string;
  /** What was agreed on over TLS (ALPN), empty if nothing was; only of a session with TLS. */
  alpn?: string;
  /** The subject of the client's certificate; only if it had to show one. */
  tls_client?: string;
  /** Connects begun. */
  attempts: number;
}

/** The value of an option of a destination: a number, whether it has a mark, or a text. */
export type DestinationValue = number | boolean | string;

/**
 * Options of a destination by their fields, such as `send_proxy`; `config/options/destination.ts` has
 * all that there are.
 */
export interface DestinationValues {
  readonly [option: string]: DestinationValue | undefined;
}

/** A destination to be added. */
export interface NewDestination extends DestinationValues {
  /** Number or name of the listener; may be left out if there is only one. */
  listener?: string;
  /** Its address, as on the command line but without options: a comma in a path is `\,`. */
  address: string;
}

/** What is to be different about a destination. */
export interface DestinationChange extends DestinationValues {
  state?: AdminState;
}

/** What a reload did. */
export interface ReloadResult {
  /** A sentence for each difference that was applied; none if nothing was different. */
  changes: string[];
  /** Keys whose new value counts only after a restart. */
  needs_restart: string[];
}

/** Something that happened, as the log tells it. */
export interface LogEvent {
  /** RFC 3339 in UTC. */
  time: string;
  level: string;
  message: string;
}

/**
 * Why something that an operator asked for was not done: the thing is not there (`missing`), what was
 * asked makes no sense (`invalid`), or it cannot be done now (`conflict`).
 */
export class OperationError extends Error {
  override readonly name = "OperationError";
  readonly kind: "missing" | "invalid" | "conflict";

  constructor(kind: "missing" | "invalid" | "conflict", message: string) {
    super(message);
    this.kind = kind;
  }
}

/** Whom the log names where nobody is named. */
export const UNNAMED = "the operator";

/** Whom the log names for a change. */
export interface Asked {
  /** Such as `operator (192.0.2.7:40000)`; {@linkcode UNNAMED} if absent. */
  by?: string;
}

/**
 * What operators can see and do while the program runs: all of the admin API stands on this.
 *
 * @throws {OperationError} Every method that changes something, if it cannot be done.
 */
export interface Operations {
  status(): Promise<Status>;
  /** The oldest live sessions, at most so many. */
  sessions(options: { limit: number }): Promise<SessionInfo[]>;
  /**
   * What the program did, as it was kept; what is long in it is made only when somebody looks.
   *
   * @throws {OperationError} If there is no such listener.
   */
  history(query: HistoryQuery): History;
  /** Calls a function for each mark from now on. Returns what ends that. */
  followMarks(follower: (mark: Mark) => void): () => void;
  /** What the program runs by. */
  config(): Promise<ConfigInForce>;
  /** Ends a session at once, with the reason `killed`. */
  endSession(id: string, asked?: Asked): Promise<void>;
  /**
   * Begins to note what moves in sessions, until all of these sources are ended.
   *
   * @throws {OperationError} If there is no such session, listener or destination.
   */
  inspect(wish: InspectionWish): Promise<InspectionSource[]>;
  addDestination(destination: NewDestination, asked?: Asked): Promise<DestinationStatus>;
  changeDestination(
    id: string,
    change: DestinationChange,
    asked?: Asked,
  ): Promise<DestinationStatus>;
  /** Lets a destination finish its sessions and forgets it then. */
  removeDestination(id: string, asked?: Asked): Promise<void>;
  /** Begins to drain the whole program, which ends it. Returns at once. */
  beginDrain(asked?: Asked): void;
  /**
   * Reads the configuration again and applies what is different.
   *
   * @throws {UsageError} If the configuration is not allowed; nothing has changed then. Its message
   * has a line for each error.
   */
  reload(asked?: Asked): Promise<ReloadResult>;
}
