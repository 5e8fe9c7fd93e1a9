import type { Destination } from "../destinations/destination.ts";
import type { Session } from "../session/session.ts";
import type { Bindings } from "./bindings.ts";
import type { Policy } from "./policies/policy.ts";
import type { Queue } from "./queue.ts";
import type { Serving } from "./serving.ts";

/** Begins one worker of a destination, which runs until it retires; see `worker.ts`. */
export type Spawn = (destination: Destination) => void;

/** Options of {@linkcode WorkerPool}. */
export interface WorkerPoolOptions {
  queue: Pick<Queue, "hasFor" | "hasSuspendedFor" | "firstOf" | "audiences">;
  policy: Policy;
  spawn: Spawn;
  /** Who is bound to whom, if the policy binds. */
  bindings?: Pick<Bindings, "use" | "review">;
  /** Which destinations take part; one of its own unless given. */
  serving?: Serving;
  /** Gets a session that was moved and waits though no destination serves that may have it. */
  onStranded?: (session: Session) => void;
}
