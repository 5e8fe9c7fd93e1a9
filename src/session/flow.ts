/** One direction of a session. */
export interface Flow {
  /** Bytes that were read from the sender. */
  received: number;
  /** Bytes of these that were written to the receiver. */
  bytes: number;
  /** Whether the sender has finished and the receiver was told so. */
  ended: boolean;
}
