import { assert, assertEquals } from "@std/assert";
import { slowServer } from "../../support/crowd.ts";
import { Front } from "../../support/front.ts";
import { hello } from "../../support/hellos.ts";
import { heldServer } from "../../support/instance.ts";
import { NamedClient, namedClients } from "../../support/named_client.ts";
import { joined } from "../../support/proxy_headers.ts";
import { answer, freePort, readAll, TestServer, until, writeAll } from "../../support/servers.ts";

const NO_PROXY = { acceptProxy: "none" };

/** A route in the status, by its name. */
function route(front: Front, name: string) {
  return front.balancer.status().routes.find((one) => one.name === name);
}

for (const balance of ["fifo", "least-conn", "round-robin", "random", "hash"] as const) {
  Deno.test(`a group that is overloaded holds up no other one (${balance})`, async () => {
    const busy = heldServer("busy");
    await using _busy = busy.server;
    await using calm = new TestServer(answer("calm"));
    await using calm2 = new TestServer(answer("calm"));
    await using front = await Front.start([
      `${busy.server.address},sni=busy.example,workers=2`,
      `${calm.address},sni=calm.example,workers=1`,
      `${calm2.address},sni=calm.example,workers=1`,
    ], { ...NO_PROXY, balance });
    using many = await namedClients(front.port, 20, "busy.example");
    await until(() => route(front, "busy.example")?.waiting === 18, "all wait");
    for (let i = 0; i < 10; i++) {
      using client = await NamedClient.connect(front.port, "calm.example");
      assertEquals(await client.answer, "calm");
    }
    assertEquals(many.all.some(({ answered }) => answered), false);
    assert(calm.accepted > 0 && calm2.accepted > 0 || balance === "hash" || balance === "random");
    const { waiting, queue } = front.balancer.status();
    assertEquals([waiting, queue], [18, 1024]);
    busy.release();
    assertEquals(new Set(await many.answers()), new Set(["busy"]));
    await until(() => route(front, "busy.example")!.live === 0, "all are over");
    assertEquals(route(front, "calm.example")!.sessions, 10);
  });
}

Deno.test("with --overflow reject the queue of each group is as long as is said", async () => {
  const busy = heldServer("busy");
  await using _busy = busy.server;
  await using calm = slowServer(30);
  await using front = await Front.start([
    `${busy.server.address},sni=busy.example,workers=1`,
    `${calm.address},sni=calm.example,workers=1`,
  ], { ...NO_PROXY, overflow: "reject", queue: "3" });
  using many = await namedClients(front.port, 20, "busy.example");
  // The one that is taken may still count as waiting when the next ones come.
  await until(() => front.ended["refused-overflow"]! >= 16, "who has no room is closed");
  const refused = front.ended["refused-overflow"]!;
  using others = await namedClients(front.port, 2, "calm.example");
  assertEquals(await others.answers(), ["ok", "ok"]);
  assertEquals(front.ended["refused-overflow"], refused);
  busy.release();
  assertEquals((await many.answers()).filter((text) => text === "busy").length, 20 - refused);
});

Deno.test("a group with room is served though others have filled the whole queue", async () => {
  const busy = heldServer("busy");
  await using _busy = busy.server;
  await using calm = slowServer(10);
  await using front = await Front.start([
    `${busy.server.address},sni=busy.example,workers=1`,
    `${calm.address},sni=calm.example,workers=1`,
  ], { ...NO_PROXY, queue: "2", balance: "round-robin" });
  // They are accepted together, and their hellos come later.
  const conns = await Promise.all(Array.from({ length: 3 }, () => front.connect()));
  await until(() => front.greeting === 3, "they are greeted");
  using many = await namedClients(front.port, 8, "busy.example");
  await until(() => front.balancer.status().waiting >= 4, "the queue is full");
  for (const conn of conns) {
    await writeAll(conn, hello({ names: ["calm.example"] }));
    await conn.closeWrite();
  }
  for (const conn of conns) {
    assertEquals(new TextDecoder().decode(await readAll(conn)), "ok");
    conn.close();
  }
  assertEquals(many.all.some(({ answered }) => answered), false);
  busy.release();
  assertEquals(new Set(await many.answers()), new Set(["busy"]));
});

Deno.test("--max-wait turns away who would wait for its own group, and nobody else", async () => {
  await using busy = slowServer(100);
  await using calm = slowServer(100);
  await using front = await Front.start([
    `${busy.address},sni=busy.example,workers=1`,
    `${calm.address},sni=calm.example,workers=1`,
  ], { ...NO_PROXY, overflow: "reject", maxWait: "500ms" });
  for (const name of ["busy.example", "calm.example"]) {
    using first = await NamedClient.connect(front.port, name);
    assertEquals(await first.answer, "ok");
  }
  using many = await namedClients(front.port, 40, "busy.example");
  await until(() => (front.ended["refused-wait"] ?? 0) > 20, "they would wait too long");
  const { expected_wait_ms } = route(front, "busy.example")!;
  assert(expected_wait_ms! > 200, `${expected_wait_ms}`);
  assertEquals(route(front, "calm.example")!.expected_wait_ms, 0);
  const { forecast } = front.balancer.status();
  assert(forecast.expected_wait_ms! > 200, "the listener tells the longest one");
  const refused = front.ended["refused-wait"];
  using others = await namedClients(front.port, 3, "calm.example");
  assertEquals(await others.answers(), ["ok", "ok", "ok"]);
  assertEquals(front.ended["refused-wait"], refused);
  await many.answers();
});

Deno.test("who is turned away from a full group makes nobody wait less", async () => {
  await using slow = slowServer(100);
  await using front = await Front.start([`${slow.address},sni=a.example,workers=1`], {
    ...NO_PROXY,
    overflow: "reject",
    queue: "10",
  });
  using first = await NamedClient.connect(front.port, "a.example");
  assertEquals(await first.answer, "ok");
  using many = await namedClients(front.port, 150, "a.example");
  await until(() => front.ended["refused-overflow"]! > 100, "most are turned away");
  const { expected_wait_ms, waiting } = route(front, "a.example")!;
  assert(expected_wait_ms! > 50 * waiting, `${expected_wait_ms} ms, ${waiting} wait`);
  await many.answers();
});

Deno.test("--when-overloaded sheds who waits for an overloaded group, and nobody else", async () => {
  await using busy = slowServer(50);
  await using calm = slowServer(50);
  await using front = await Front.start([
    `${busy.address},sni=busy.example,workers=1`,
    `${calm.address},sni=calm.example,workers=1`,
  ], {
    ...NO_PROXY,
    whenOverloaded: "shed",
    shedTarget: "100ms",
    shedInterval: "100ms",
  });
  using many = await namedClients(front.port, 60, "busy.example");
  let calmly = 0;
  while (!(front.ended.shed! > 10)) {
    using client = await NamedClient.connect(front.port, "calm.example");
    assertEquals(await client.answer, "ok");
    calmly++;
  }
  await many.answers();
  await until(() => route(front, "busy.example")!.live === 0, "all are over");
  assertEquals(route(front, "calm.example")!.sessions, calmly);
  assertEquals(front.ended.done! + front.ended.shed!, 60 + calmly);
});

Deno.test("clients take turns within a group, and classes count there", async () => {
  for (const options of [{ queueOrder: "fair" }, { priority: "203.0.113.9=0,0.0.0.0/0=3" }]) {
    const held = heldServer("a");
    await using _held = held.server;
    await using b = new TestServer(answer("b"));
    await using front = await Front.start([
      `${held.server.address},sni=a.example,workers=1`,
      `${b.address},sni=b.example`,
    ], options);
    const served: string[] = [];
    const visits: Promise<void>[] = [];
    const visit = async (client: string) => {
      const conn = await front.connect();
      const header = `PROXY TCP4 ${client} 198.51.100.1 1000 443\r\n`;
      await writeAll(conn, joined(header, hello({ names: ["a.example"] })));
      await conn.closeWrite();
      const arrived = front.balancer.status().accepted;
      visits.push(
        readAll(conn).then(() => {
          served.push(client);
          conn.close();
        }),
      );
      await until(() => (route(front, "a.example")?.sessions ?? 0) >= arrived, "it has come");
    };
    for (let i = 0; i < 5; i++) await visit("203.0.113.1");
    await visit("203.0.113.9");
    await until(() => route(front, "a.example")!.waiting === 5, "they wait");
    held.release();
    await Promise.all(visits);
    assert(served.indexOf("203.0.113.9") <= 2, `${JSON.stringify(options)}: ${served}`);
  }
});

Deno.test("a backup serves its own names while others are up", async () => {
  const port = freePort();
  await using other = new TestServer(answer("other"));
  await using backup = new TestServer(answer("backup"));
  await using front = await Front.start([
    `127.0.0.1:${port},sni=a.example`,
    `${other.address},sni=b.example`,
    `${backup.address},sni=a.example|b.example,backup`,
  ], NO_PROXY);
  using first = await NamedClient.connect(front.port, "a.example");
  assertEquals(await first.answer, "backup");
  for (let i = 0; i < 5; i++) {
    using client = await NamedClient.connect(front.port, "b.example");
    assertEquals(await client.answer, "other");
  }
  await using back = new TestServer(answer("a"), { port });
  assert(back);
  await until(async () => {
    using client = await NamedClient.connect(front.port, "a.example");
    return await client.answer === "a";
  }, "it is back");
  using last = await NamedClient.connect(front.port, "a.example");
  assertEquals(await last.answer, "a");
});
