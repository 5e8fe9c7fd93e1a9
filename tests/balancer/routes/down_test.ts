// Two groups of which one is down, or has only a part that is up.
import { assert, assertEquals } from "@std/assert";
import { Front } from "../../support/front.ts";
import { NamedClient, namedClients } from "../../support/named_client.ts";
import { answer, freePort, TestServer, until } from "../../support/servers.ts";

const NO_PROXY = { acceptProxy: "none" };

function route(front: Front, name: string) {
  return front.balancer.status().routes.find((one) => one.name === name)!;
}

for (const balance of ["fifo", "least-conn", "round-robin", "random", "hash"] as const) {
  Deno.test(`a group that is down waits for its own servers, and no other one does (${balance})`, async () => {
    const ports = [freePort(), freePort()];
    await using up = new TestServer(answer("up"));
    await using front = await Front.start([
      ...ports.map((port) => `127.0.0.1:${port},sni=down.example`),
      `${up.address},sni=up.example`,
    ], { ...NO_PROXY, balance });
    using waiting = await namedClients(front.port, 10, "down.example");
    await until(() => {
      const { destinations } = front.balancer.status();
      return destinations.filter(({ state }) => state === "down").length === 2;
    }, "they are down");
    for (let i = 0; i < 10; i++) {
      using client = await NamedClient.connect(front.port, "up.example");
      assertEquals(await client.answer, "up");
    }
    assertEquals([up.accepted, route(front, "down.example").waiting], [10, 10]);
    assertEquals(route(front, "up.example").expected_wait_ms, 0);
    assertEquals(waiting.all.some(({ answered }) => answered), false);
    await using back = new TestServer(answer("back"), { port: ports[1]! });
    assertEquals(new Set(await waiting.answers()), new Set(["back"]));
    assertEquals([back.accepted >= 10, up.accepted], [true, 10]);
    // One of two is enough for all of them.
    using more = await namedClients(front.port, 10, "down.example");
    assertEquals(new Set(await more.answers()), new Set(["back"]));
    assertEquals(front.ended, { done: 30 });
  });
}

Deno.test("who has waited too long for a group that is down ends, and others are served", async () => {
  await using up = new TestServer(answer("up"));
  await using front = await Front.start([
    `127.0.0.1:${freePort()},sni=down.example`,
    `${up.address},sni=up.example`,
  ], { ...NO_PROXY, queueTimeout: "300ms", overflow: "reject", queue: "5", maxWait: "10s" });
  using waiting = await namedClients(front.port, 8, "down.example");
  await until(() => front.ended["refused-overflow"]! >= 1, "the queue of one group is full");
  using others = await namedClients(front.port, 5, "up.example");
  assertEquals(new Set(await others.answers()), new Set(["up"]));
  assertEquals(new Set(await waiting.answers()), new Set([""]));
  const { done, ...ended } = front.ended;
  assertEquals([done, Object.values(ended).reduce((sum, number) => sum + number)], [5, 8]);
  assert(ended["queue-timeout"]! > 0, JSON.stringify(ended));
  assertEquals([route(front, "down.example").live, route(front, "down.example").waiting], [0, 0]);
});

Deno.test("a server of two groups is back for both, in the order in which they came", async () => {
  const port = freePort();
  await using front = await Front.start([
    `127.0.0.1:${port},sni=a.example|b.example,workers=1`,
    `127.0.0.1:${freePort()},sni=b.example,backup`,
  ], NO_PROXY);
  const names = ["a", "b", "a", "a", "b", "a"];
  const order: string[] = [];
  const clients: NamedClient[] = [];
  for (const [i, name] of names.entries()) {
    const client = await NamedClient.connect(front.port, `${name}.example`);
    client.answer.then(() => order.push(`${name}${i}`));
    clients.push(client);
    await until(() => front.balancer.status().accepted === i + 1, "it has come");
    await until(() => front.greeting === 0, "it waits");
  }
  await until(() => front.balancer.status().waiting === names.length, "all wait");
  await using both = new TestServer(answer("both"), { port });
  const answers = await Promise.all(clients.map(({ answer }) => answer));
  assertEquals([new Set(answers), both.accepted >= 6], [new Set(["both"]), true]);
  assertEquals(order, names.map((name, i) => `${name}${i}`));
  for (const client of clients) client[Symbol.dispose]();
});
