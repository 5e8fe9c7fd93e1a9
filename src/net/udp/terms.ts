/** How much is kept of what clients have sent and nobody has taken. */
export interface HeldLimits {
  /** Most datagrams of one client. */
  readonly datagrams: number;
  /** Most bytes of one client. */
  readonly bytes: number;
  /** Most bytes of all clients together. */
  readonly total: number;
}

/** The settings that UDP sockets look at; they may change. */
export interface UdpSettings {
  /** How much is kept of what waits. */
  readonly udpBuffer: HeldLimits;
  /** Whether a server may answer from another port than it was asked at. */
  readonly udpReplyPort: "same" | "any";
  /** Most clients that wait to be accepted. */
  readonly backlog: number;
  /** How long a client may wait, in milliseconds; 0 = for ever. */
  readonly queueTimeout: number;
}

/** What became of datagrams, counted from the start. */
export class DatagramCounts {
  /** From clients to destinations. */
  up = 0;
  /** From destinations to clients. */
  down = 0;
  /** Dropped because too many waited, or for too long, or their session was over. */
  dropped = 0;
  /** Dropped because somebody else had sent them to where a destination answers. */
  foreign = 0;
  /** Not sent, since the system had no way for them. */
  unsent = 0;
}
