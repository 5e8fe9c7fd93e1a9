import { getLogger } from "@logtape/logtape";
import { assertEquals } from "@std/assert";
import { Admission } from "../../src/balancer/admission.ts";
import type { SocketAddress } from "../../src/net/address.ts";
import { BufferPool } from "../../src/net/buffer_pool.ts";
import { DescriptorBudget } from "../../src/net/descriptor_budget.ts";
import { parseNetworks } from "../../src/net/networks.ts";
import { adopt } from "../../src/net/socket.ts";
import { SessionRegistry } from "../../src/session/registry.ts";
import { Session } from "../../src/session/session.ts";
import { socketPair } from "../support/servers.ts";

function setUp() {
  const registry = new SessionRegistry({ clock: () => 0, observer: { onEnd: () => {} } });
  return new Admission({
    settings: { maxConnections: 0, maxPerIp: 1, ratePerIp: 0, perIpMask: { v4: 32, v6: 64 } },
    rules: parseNetworks("192.0.2.66", "deny")!,
    registry,
    descriptors: new DescriptorBudget({ countFree: (wanted) => wanted }),
    clock: () => 0,
    log: getLogger("test"),
  });
}

/** A session of a client on loopback. */
async function localSession(id: number): Promise<Session> {
  const { near, far } = await socketPair();
  near.close();
  return new Session(adopt(far), { id, now: 0, buffers: new BufferPool() });
}

function tcp(hostname: string): SocketAddress {
  return { transport: "tcp", hostname, port: 7 };
}

Deno.test("who a client is, is asked of the session and not of its socket", async () => {
  const admission = setUp();
  const sessions = await Promise.all([1, 2, 3].map(localSession));
  const [one, other, denied] = sessions as [Session, Session, Session];
  assertEquals(one.clientAddress, one.client.remoteAddress);
  one.clientAddress = tcp("192.0.2.1");
  other.clientAddress = tcp("::ffff:192.0.2.1");
  denied.clientAddress = tcp("192.0.2.66");
  assertEquals(one.clientName, "192.0.2.1:7");
  assertEquals(admission.enter(one), undefined);
  assertEquals(admission.enter(other), "refused-per-ip");
  assertEquals(admission.enter(denied), "refused-address");
  admission.leave(one);
  assertEquals(admission.enter(other), undefined);
  for (const session of sessions) session.close(0);
});
