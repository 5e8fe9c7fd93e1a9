import type { LaneMaker } from "../async/lane.ts";
import type { Clock } from "../base/clock.ts";
import type { SessionRegistry } from "../session/registry.ts";
import type { Session } from "../session/session.ts";
import type { Admission } from "./admission.ts";

/** What is done when more comes than is served; see `overload/`. */
export interface OverloadHandling {
  /**
   * A worker of a destination is about to take a session; some may leave before.
   *
   * @returns Whether it is to take the newest first.
   */
  beforeTaking(destination: object): boolean;
  /** Sessions have joined, and some wait. */
  joined(): void;
  /** The client of a session that waits has finished sending. */
  finished(session: Session): void;
}

/** Options of {@linkcode Queue}. */
export interface QueueOptions {
  /** Most sessions that wait before accepting stops; see {@linkcode Queue.resize}. */
  capacity: number;
  /** In which order sessions are served; first come, first served unless given. */
  lanes?: LaneMaker<Session>;
  registry: SessionRegistry;
  admission: Pick<Admission, "open" | "below" | "affordable" | "afford">;
  clock: Clock;
  /**
   * Called when sessions wait because no idle worker may have them: the moment for more workers.
   *
   * @param sessions Those that have just come; without it all are to be looked at.
   */
  onWaiting?: (sessions?: readonly Session[]) => void;
  /** Called before sessions begin to wait, the first time or again: it may bind them. */
  bind?: (sessions: readonly Session[]) => void;
  /** Called before a session begins to wait: its audience may have to be another one by now. */
  refresh?: (session: Session) => void;
  /** Looks after what is done when more comes than is served. */
  overload?: () => OverloadHandling;
}
