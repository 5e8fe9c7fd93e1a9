/**
 * Where a session is: being read what stands before the payload, in the queue, being connected, being
 * relayed, or over. A connect that fails leads from `connecting` back to `waiting`.
 */
export type Stage = "greeting" | "waiting" | "connecting" | "relaying" | "ended";

/** Whoever wants to look at a session whenever those that live are swept over while it is connected. */
export interface SweepListenerOf<S> {
  onSweep(session: S): void;
}

/** Whoever has a session in hand: the queue, a connect, a relay. */
export interface HolderOf<S> {
  /** The session was aborted and has to be given up. Called at most once for a session. */
  onAbort(session: S): void;
  /** The client has finished sending, or what that means has changed. */
  onReview?(session: S): void;
}
