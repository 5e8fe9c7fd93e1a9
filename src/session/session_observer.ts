import type { Session } from "./session.ts";

/** Learns of every session that has ended. */
export interface SessionObserver {
  /** It is closed, and counted with its reason; called once for each. */
  onEnd(session: Session): void;
}
