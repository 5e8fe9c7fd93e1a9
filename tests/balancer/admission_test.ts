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

const MASK = { v4: 32, v6: 64 };

function setUp(
  settings = { maxConnections: 0, maxPerIp: 1, ratePerIp: 0, perIpMask: MASK, rateGuard: null },
) {
  const registry = new SessionRegistry({ clock: () => 0, observer: { onEnd: () => {} } });
  const admission = new Admission({
    settings,
    rules: parseNetworks("192.0.2.66", "deny")!,
    registry,
    descriptors: new DescriptorBudget({ countFree: (wanted) => wanted }),
    clock: () => 0,
    log: getLogger("test"),
  });
  return { admission, registry };
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
  const { admission } = setUp();
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

Deno.test("who comes while a limit by address is being set counts once, and is forgotten", async () => {
  const settings = {
    maxConnections: 0,
    maxPerIp: 0,
    ratePerIp: 0,
    perIpMask: MASK,
    rateGuard: null,
  };
  const { admission, registry } = setUp(settings);
  const [before, meanwhile, later, last] = await Promise.all([1, 2, 3, 4].map(localSession));
  const enter = (session: Session) => {
    const refusal = admission.enter(session);
    if (!refusal) registry.open(session);
    return refusal;
  };
  assertEquals(enter(before!), undefined);
  // Other destinations are made in turns of the event loop between these two.
  const old = { ...settings };
  settings.maxPerIp = 3;
  assertEquals(enter(meanwhile!), undefined);
  admission.apply({ rules: [], before: old });
  assertEquals(enter(later!), undefined);
  assertEquals(enter(last!), "refused-per-ip");
  for (const session of [before!, meanwhile!, later!]) {
    registry.finish(session);
    admission.leave(session);
  }
  settings.maxPerIp = 1;
  assertEquals(enter(last!), undefined);
  registry.finish(last!);
});

Deno.test("who is turned away for want of room is known by its network, too", async () => {
  const settings = {
    maxConnections: 0,
    maxPerIp: 1,
    ratePerIp: 0,
    perIpMask: MASK,
    rateGuard: null,
  };
  const { admission } = setUp(settings);
  const [one, neighbour, stranger] = await Promise.all([1, 2, 3].map(localSession));
  one!.clientAddress = tcp("2001:db8::1");
  neighbour!.clientAddress = tcp("2001:db8::2");
  stranger!.clientAddress = tcp("2001:db8:0:1::1");
  assertEquals(admission.enter(one!), undefined);
  assertEquals(admission.refusalOf(neighbour!), "refused-per-ip");
  assertEquals(admission.refusalOf(stranger!), undefined);
  const before = { ...settings };
  Object.assign(settings, { maxPerIp: 0, ratePerIp: 2 });
  admission.apply({ rules: [], before });
  assertEquals(admission.refusalOf(one!), undefined);
  assertEquals(admission.refusalOf(neighbour!), undefined);
  assertEquals(admission.refusalOf(one!), "refused-rate");
  assertEquals(admission.enter(neighbour!), "refused-rate");
  assertEquals(admission.refusalOf(stranger!), undefined);
  for (const session of [one!, neighbour!, stranger!]) session.close(0);
});
