import type { Destination } from "../destinations/destination.ts";
import type { Session } from "../session/session.ts";

/** Learns what comes of connecting sessions to destinations. */
export interface ConnectObserver {
  /** A session was connected. */
  onConnected(session: Session, destination: Destination): void;
  /** A connect has failed. */
  onFailure(destination: Destination, error: Error): void;
  /** A destination could not take one more connection. */
  onFull(destination: Destination, error: Error): void;
  /** A connect has failed for want of this machine's descriptors or memory. */
  onShortage(error: Error): void;
  /** A destination has reset a session before its first byte. */
  onReset(session: Session, destination: Destination, error: Error): void;
  /** A destination of UDP has answered nothing to a session. */
  onSilence(destination: Destination): void;
}
