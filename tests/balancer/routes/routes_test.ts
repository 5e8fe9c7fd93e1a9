import { assertEquals } from "@std/assert";
import { Routes } from "../../../src/balancer/routes/routes.ts";
import { Destination } from "../../../src/destinations/destination.ts";
import { adopt } from "../../../src/net/socket.ts";
import { BufferPool } from "../../../src/net/buffer_pool.ts";
import { Session } from "../../../src/session/session.ts";
import { configOf } from "../../support/config.ts";
import { socketPair } from "../../support/servers.ts";

Deno.test("a name that one has no more is known until all have their new ones", async () => {
  const routes = new Routes({
    serving: { reaches: () => true, members: () => [], forget() {} },
    queue: () => ({ aheadIn: () => 0, sessions: [], suspendedSessions: [], rebind() {} }),
    pool: () => ({ slots: () => 1, hasFreeFor: () => true, look() {} }),
    clock: () => 0,
  });
  const { near, far } = await socketPair();
  const session = new Session(adopt(far), { id: 1, now: 0, buffers: new BufferPool() });
  const missing = (name: string) => routes.bind(session, { name, alpn: [] });
  const configs = (...names: string[]) => {
    const texts = names.map((name, i) => `${9001 + i},sni=${name}`);
    return configOf(["127.0.0.1:0", ...texts]).destinations;
  };
  const before = configs("a.example", "b.example");
  const [one, other] = before.map((config) => new Destination(config, () => 0));
  routes.note(one!, before[0]!);
  routes.note(other!, before[1]!);
  routes.want([{ sni: ["c.example"], alpn: [] }]);
  routes.review();
  // They go over to each other's.
  const after = configs("b.example", "d.example");
  routes.note(one!, after[0]!);
  assertEquals(["a.example", "b.example", "c.example"].map(missing), Array(3).fill(undefined));
  routes.note(other!, after[1]!);
  routes.want([{ sni: ["a.example"], alpn: [] }]);
  assertEquals(missing("c.example"), undefined);
  routes.review();
  assertEquals(["a.example", "b.example", "d.example"].map(missing), Array(3).fill(undefined));
  assertEquals(missing("c.example"), "name");
  near.close();
  far.close();
});
