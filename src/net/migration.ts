import { waitAtMost } from "../async/wait_at_most.ts";
import { connect } from "./connect.ts";
import type { Stream } from "./stream.ts";

/** How many connections are tried: that the kernel deals all of them to one socket is unlikely. */
const TRIES = 12;

/** How long it may take, in milliseconds. */
const PATIENCE_MS = 200;

/**
 * Whether the kernel hands connections that wait at a socket which is closed to another one of the
 * same port: `net.ipv4.tcp_migrate_req`. That is tried, at a port of loopback, since the runtime reads
 * nothing in /proc without all permissions.
 */
export async function migratesConnections(): Promise<boolean> {
  const clients: Stream[] = [];
  const taken: Deno.Conn[] = [];
  const listeners: Deno.Listener[] = [];
  try {
    const options = { hostname: "127.0.0.1", reusePort: true } as const;
    const leaving = Deno.listen({ ...options, port: 0 });
    listeners.push(leaving);
    const { port } = leaving.addr as Deno.NetAddr;
    const staying = Deno.listen({ ...options, port });
    listeners.push(staying);
    for (let i = 0; i < TRIES; i++) {
      clients.push(await connect({ hostname: "127.0.0.1", port }));
    }
    leaving.close();
    listeners.shift();
    const lost = Promise.withResolvers<void>();
    for (const client of clients) client.read(new Uint8Array(1)).catch(() => lost.resolve());
    const accepting = (async () => {
      while (taken.length < TRIES) taken.push(await staying.accept());
    })().catch(() => {});
    await waitAtMost(PATIENCE_MS, Promise.race([accepting, lost.promise]));
    staying.close();
    listeners.shift();
    await accepting;
    return taken.length === TRIES;
  } catch {
    // Without loopback, or descriptors, there is no way to tell.
    return true;
  } finally {
    for (const one of [...listeners, ...clients, ...taken]) one.close();
  }
}
