import type { EndReason } from "./end_reasons.ts";

/** `up` is from the client to the destination, `down` back. */
export type Direction = "up" | "down";

/**
 * Of which sessions the bytes are to be seen: those with these numbers, and, if there are terms, those
 * that meet all of them, live ones as well as those that come.
 */
export interface InspectionWish {
  /** `LISTENER.SESSION`, as the list of sessions has it. */
  readonly sessions: readonly string[];
  /** Number or name of a listener. */
  readonly listener?: string | undefined;
  /** Id or name of a destination, or the name that it is a record of. */
  readonly destination?: string | undefined;
  /** Address or network of a client. */
  readonly client?: string | undefined;
}

/** The part of it that concerns one listener. */
export interface ListenerWish extends Pick<InspectionWish, "destination" | "client"> {
  /** Numbers of sessions. */
  readonly sessions: readonly number[];
  /** Whether those are meant, too, that meet the terms; all if there are none. */
  readonly others: boolean;
}

/** What has begun at one listener, in one of its threads. */
export interface InspectionBegun {
  /** What it is read and ended by. */
  readonly number: number;
  /** Which of the wanted sessions are here. */
  readonly found: readonly number[];
}

/** A session of which bytes are told from now on; again when it is connected, if it was not before. */
export interface InspectedSession {
  readonly kind: "session";
  readonly session: string;
  /** When that began: microseconds since 1970, as in all records. */
  readonly time_us: number;
  readonly listener: string;
  readonly transport: "tcp" | "udp" | "unix";
  /** Who the client is, and the address that it has connected to. */
  readonly client: string;
  readonly local: string;
  /** `null` while it is not connected. */
  readonly destination: string | null;
  /** Since it was accepted. */
  readonly age_ms: number;
  /** Bytes that had moved before, which are not told. */
  readonly bytes_up: number;
  readonly bytes_down: number;
  /** The version of TLS that ends here: what is told is what the client has sent over it, in clear. */
  readonly tls: string | null;
}

/** Bytes of a session in one direction; of UDP a whole datagram. */
export interface InspectedBytes {
  readonly kind: "bytes";
  readonly session: string;
  readonly time_us: number;
  readonly direction: Direction;
  /** How many bytes of that direction came before; where it jumps, some were left out. */
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** What happens in sessions whose bytes are to be seen, in the order in which it does. */
export type InspectionRecord =
  | InspectedSession
  | InspectedBytes
  /** A direction has come to its end: its sender has finished. */
  | {
    readonly kind: "end";
    readonly session: string;
    readonly time_us: number;
    readonly direction: Direction;
  }
  /** A session is over. */
  | {
    readonly kind: "over";
    readonly session: string;
    readonly time_us: number;
    readonly reason: EndReason;
    readonly bytes_up: number;
    readonly bytes_down: number;
  }
  /** So much was left out, since more came than was read, or than may come in a second. */
  | {
    readonly kind: "lost";
    readonly time_us: number;
    readonly lost_bytes: number;
    readonly lost_sessions: number;
  };

/** What is looked into: one of the parts, each in a thread of its own, that serve sessions. */
export interface InspectionSource {
  /** Which of the wanted sessions are here. */
  readonly found: readonly number[];
  /**
   * What has happened since it was last asked; nothing after a second in which nothing has. What is not
   * asked for is kept within bounds, and left out beyond them. `undefined` once it is over.
   */
  read(): Promise<readonly InspectionRecord[] | undefined>;
  /** Ends it; nothing is noted any more. Returns how many bytes have come and were not read. */
  end(): number | Promise<number>;
}
