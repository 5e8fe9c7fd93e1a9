import type { Audience } from "../../src/async/audience.ts";
import { Queue, type QueueOptions } from "../../src/balancer/queue.ts";
import { SessionRegistry } from "../../src/session/registry.ts";
import type { Session } from "../../src/session/session.ts";

/** A queue that admits everybody, for sessions that are made with {@linkcode sessionOf}. */
export function queueOf(
  options: Partial<Pick<QueueOptions, "capacity" | "onWaiting">> = {},
): Queue {
  const clock = () => 0;
  return new Queue({
    capacity: 10_000,
    registry: new SessionRegistry({ clock, observer: { onEnd: () => {} } }),
    admission: {
      open: true,
      affordable: true,
      below: () => Promise.resolve(),
      afford: () => Promise.resolve(),
    },
    clock,
    ...options,
  });
}

/** As much of a session as a queue and a worker pool look at. */
export function sessionOf(
  id: number,
  options: { audience?: Audience; moved?: boolean } = {},
): Session {
  const { audience, moved = false } = options;
  const session = { id, arrival: 0, audience, moved, reason: undefined, wait() {} };
  return session as unknown as Session;
}
