import type { Audience } from "../../async/audience.ts";
import type { Destination } from "../../destinations/destination.ts";
import type { Session } from "../../session/session.ts";

/**
 * Which destination gets the next session while several have a free slot. While none has, nobody is
 * asked: the queue gives each slot that becomes free to the oldest session that may have it.
 */
export interface Policy {
  /**
   * Workers that a destination keeps waiting for sessions. Those of all destinations get sessions in
   * the order in which they became idle, before the policy is asked; 0 = it is asked for every one.
   */
  idleWorkers(destination: Destination): number;
  /** A destination is there from now on, behind all others; it has no free slot yet. */
  add(destination: Destination): void;
  /** It is not there any more. */
  remove(destination: Destination): void;
  /** Its load, or whether it has a free slot, may have changed. */
  update(destination: Destination, free: boolean): void;
  /**
   * Who gets the next session of an audience, which is everybody unless it is given; `undefined` if
   * none of these has a free slot. To ask changes nothing.
   *
   * @param session The one it is, for a policy to which that matters.
   */
  next(audience?: Audience, session?: Session): Destination | undefined;
  /** How it binds sessions to destinations, if it does. */
  readonly binding?: Binding;
}

/** How a policy binds sessions: each waits for one destination alone, for a while. */
export interface Binding {
  /** How long a session waits for that one, from when it joined the queue, in milliseconds. */
  readonly patience: number;
  /** Whether a destination serves, with a free slot or without, or its weight, may have changed. */
  note(destination: Destination, serves: boolean): void;
  /** Whether it serves. */
  serves(destination: object): boolean;
  /**
   * Who is to have a session, of those in its audience that serve; `undefined` if none does, or it is
   * all the same.
   */
  choose(session: Session): Destination | undefined;
}
