import { formatSocketAddress } from "./address.ts";
import type { BufferPool } from "./buffers.ts";
import { closeQuietly } from "./sockets.ts";
import { type Departure, ReadAhead } from "./read_ahead.ts";

/** Why a session ended, as the access log and the counters name it. */
export const END_REASONS = {
  "refused-address": "not let in: --deny",
  "refused-per-ip": "not let in: --max-per-ip",
  "refused-rate": "not let in: --rate-per-ip",
  "refused-overflow": "not let in: --overflow reject, and the line is full",
  "done": "both sides finished sending and everything was delivered",
  "client-gone": "the client left before it had a destination",
  "client-reset": "the client's connection failed while it was being served",
  "server-reset": "the destination's connection failed while it was serving, or every one did " +
    "that was tried",
  "connect-failed": "no connect succeeded within the retries",
  "queue-timeout": "no destination within --queue-timeout",
  "idle-timeout": "no byte in either direction for --idle-timeout",
  "half-close-timeout": "one side had finished and no byte came for --half-close-timeout",
  "answer-timeout": "no byte from the destination within --answer-timeout",
  "session-timeout": "longer than --session-timeout",
  "drain-timeout": "still unfinished at --drain-timeout, cut",
  "quit": "cut by a second signal",
  "error": "a defect in iawlb; the log has the details",
} as const;

/** What an end reason means for the books. */
export type Outcome = "finished" | "cut" | "refused" | "timed out" | "aborted";

/** The outcome that a reason counts as. */
export function outcomeOf(reason: EndReason): Outcome {
  if (reason === "done") return "finished";
  if (reason === "drain-timeout" || reason === "quit") return "cut";
  if (reason.startsWith("refused-")) return "refused";
  return reason.endsWith("-timeout") ? "timed out" : "aborted";
}

/** One of the documented codes in {@linkcode END_REASONS}. */
export type EndReason = keyof typeof END_REASONS;

/**
 * Where a session is: in the line, being connected, being relayed, or over.
 *
 * A connect that fails leads from `connecting` back to `waiting`.
 */
export type Stage = "waiting" | "connecting" | "relaying" | "ended";

/** One direction of a session. */
export interface Flow {
  /** Bytes that were read from the sender. */
  received: number;
  /** Bytes of these that were written to the receiver. */
  bytes: number;
  /** Whether the sender has finished and the receiver was told so. */
  ended: boolean;
}

/**
 * One client connection from accept to close: its identity, timings, byte counts and end reason.
 *
 * The session owns the client's socket. Whoever holds the session (line, worker, relay) sets
 * {@linkcode onAbort} to learn that it has to let go, and finishes it in the ledger.
 */
export class Session {
  /** Counts up from 1 in the order of accept. */
  readonly id: number;
  readonly client: Deno.Conn;
  /** The client's address as text. */
  readonly clientName: string;
  /** When it was accepted; this and the other times are the clock's milliseconds. */
  readonly acceptedAt: number;
  /** Client to destination. */
  readonly up: Flow = { received: 0, bytes: 0, ended: false };
  /** Destination to client. */
  readonly down: Flow = { received: 0, bytes: 0, ended: false };
  stage: Stage = "waiting";
  /** Connects begun for it so far. */
  attempts = 0;
  /** The destination of the latest connect. */
  destination: string | undefined;
  /** When the latest connect began. */
  connectStartedAt: number | undefined;
  /** When it was connected. */
  connectedAt: number | undefined;
  /** When it was over. */
  endedAt: number | undefined;
  /** What the latest sweep over the live sessions saw; see `timeouts.ts`. */
  readonly seen = { moved: -1, activeAt: 0, requestAt: undefined as number | undefined };
  /** Set by whoever holds the session; called at most once, when it is aborted. */
  onAbort: (() => void) | undefined;
  /** Set while a connect is under way; called when it has taken too long. */
  onConnectTimeout: (() => void) | undefined;
  /** Reads the client until a destination has begun to answer. */
  readonly ahead: ReadAhead;
  #reason: EndReason | undefined;

  constructor(
    client: Deno.Conn,
    options: { id: number; now: number; buffers: BufferPool },
  ) {
    this.id = options.id;
    this.client = client;
    this.clientName = formatSocketAddress(client.remoteAddr);
    this.acceptedAt = options.now;
    this.seen.activeAt = options.now;
    this.ahead = new ReadAhead(client, {
      buffers: options.buffers,
      onDeparture: (how) => this.#onDeparture(how),
    });
  }

  /** Why it ended or is about to; `undefined` while it is to go on. */
  get reason(): EndReason | undefined {
    return this.#reason;
  }

  /** Records why the session ends; the first reason stays. */
  conclude(reason: EndReason): void {
    this.#reason ??= reason;
  }

  /** Ends the session before its time: records the reason and tells its holder to let go. */
  abort(reason: EndReason): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.onAbort?.();
  }

  /** A place in the line, again if a connect failed. Ends a session whose client has left. */
  wait(onAbort: () => void): void {
    this.stage = "waiting";
    this.onConnectTimeout = undefined;
    this.onAbort = onAbort;
    if (this.ahead.closedEmpty) this.abort("client-gone");
  }

  /** Closes the client's socket; the last thing that happens to a session. */
  close(now: number): void {
    this.stage = "ended";
    this.endedAt = now;
    this.onAbort = this.onConnectTimeout = undefined;
    closeQuietly(this.client);
    this.ahead.release();
  }

  #onDeparture(how: Departure): void {
    const connecting = this.stage === "connecting" && how === "reset";
    if (this.stage === "waiting" || connecting) this.abort("client-gone");
  }
}
