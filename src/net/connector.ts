import type { Stream } from "./stream.ts";
import type { Trail } from "./trails.ts";

/** Options of {@linkcode Connector.connect}. */
export interface ConnectOptions {
  /** Gives the connect up. */
  signal: AbortSignal;
  /**
   * Milliseconds that a name's addresses share, so that one that swallows packets leaves time for the
   * next; 0 = unlimited. The caller aborts the signal at its end.
   */
  timeout: number;
  /** The way of the session that it is for; absent if it is for none. */
  trail?: Trail;
}

/** What connects to one destination: sessions, probes and checks all use the same. */
export interface Connector {
  /**
   * A new connection, which is the caller's.
   *
   * @throws {LoopError} If it is certain beforehand that this session would come back.
   * @throws {DialError} If it could not be connected; says who is at fault.
   * @throws The signal's reason, if it is aborted first.
   */
  connect(options: ConnectOptions): Promise<Stream>;
}
