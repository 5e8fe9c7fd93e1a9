import type { Stream } from "../../net/stream.ts";
import type { Session } from "../../session/session.ts";
import type { Opening } from "./opening.ts";

/** Reads something that stands before the payload of a connection, such as a PROXY header. */
export interface Greeting {
  /** Longest time that it may take, in milliseconds; may change with the settings. */
  readonly timeout: number;
  /** Whether a connection has to begin with it. Asked for every one, at accept. */
  concerns(stream: Stream): boolean;
  /**
   * Reads it, notes in the session what it says, and leaves what comes behind it. It may put another
   * stream in the place of the opening's, such as what TLS makes of it.
   *
   * @throws {GreetingFailure} If that cannot be.
   */
  greet(opening: Opening, session: Session): Promise<void>;
  /**
   * Its time is over. Returns whether the session goes on all the same, with what it has sent;
   * otherwise, and where this is absent, it ends with `greeting-timeout`.
   */
  late?(session: Session): boolean;
}
