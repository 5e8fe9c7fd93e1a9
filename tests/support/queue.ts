import type { Audience } from "../../src/async/audience.ts";
import { Queue, type QueueOptions } from "../../src/balancer/queue.ts";
import { SessionRegistry } from "../../src/session/registry.ts";
import type { SocketAddress } from "../../src/net/address.ts";
import type { Session } from "../../src/session/session.ts";

/** A queue that admits everybody, for sessions that are made with {@linkcode sessionOf}. */
export function queueOf(
  options: Partial<Pick<QueueOptions, "capacity" | "onWaiting" | "bind" | "clock">> = {},
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

/** As much of a session as a queue and a worker pool look at. Its client is of a UNIX socket unless given. */
export function sessionOf(
  id: number,
  options: { audience?: Audience; moved?: boolean; client?: string } = {},
): Session {
  const { audience, moved = false, client } = options;
  const clientAddress: SocketAddress = client === undefined
    ? { transport: "unix", path: null }
    : { transport: "tcp", hostname: client, port: 1 };
  const session = { id, arrival: 0, attempts: 0, acceptedAt: 0, audience, moved, clientAddress };
  Object.assign(session, { reason: undefined, wait() {} });
  return session as unknown as Session;
}
