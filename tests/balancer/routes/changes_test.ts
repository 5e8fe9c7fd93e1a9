import { assertEquals, assertRejects } from "@std/assert";
import { Front } from "../../support/front.ts";
import { hello } from "../../support/hellos.ts";
import { heldServer, listener, start } from "../../support/instance.ts";
import { NamedClient, namedClients } from "../../support/named_client.ts";
import { joined } from "../../support/proxy_headers.ts";
import { answer, readAll, TestServer, until, writeAll } from "../../support/servers.ts";

/** A listener whose one route is this, in a program. */
async function routes(program: Awaited<ReturnType<typeof start>>) {
  const { listeners: [one] } = await program.instance.status();
  return Object.fromEntries(one!.routes.map((route) => [route.name, route]));
}

const waiting = async (program: Awaited<ReturnType<typeof start>>) => {
  return (await program.instance.status()).listeners[0]!.waiting;
};

Deno.test("a name that moves takes those along that wait, and those that are served stay", async () => {
  const old = heldServer("old");
  await using _old = old.server;
  await using fresh = new TestServer(answer("fresh"));
  const before = listener([
    `${old.server.address},sni=a.example,workers=2`,
    `${fresh.address},sni=b.example`,
  ]);
  await using program = await start(before);
  using clients = await namedClients(program.port, 7, "a.example");
  await until(async () => await waiting(program) === 5, "five wait");
  const after = listener([
    `${old.server.address},sni=c.example,workers=2`,
    `${fresh.address},sni=a.example|b.example`,
  ]);
  await program.reload(after);
  await until(() => clients.all.filter(({ answered }) => answered).length === 5, "they moved");
  old.release();
  const answers = await clients.answers();
  assertEquals(answers.filter((text) => text === "fresh").length, 5);
  assertEquals(answers.filter((text) => text === "old").length, 2);
});

Deno.test("those that wait for a name that goes have another group, or end with an alert", async () => {
  const held = heldServer("held");
  await using _held = held.server;
  await using rest = new TestServer(answer("rest"));
  const waitingFor = [`${held.server.address},sni=a.example,workers=1`];
  await using program = await start(listener([...waitingFor, rest.address]));
  using first = await NamedClient.connect(program.port, "a.example");
  await until(async () => (await routes(program))["a.example"]?.live === 1, "it is served");
  using second = await NamedClient.connect(program.port, "a.example");
  await until(async () => await waiting(program) === 1, "one waits");
  await program.reload(listener([`${held.server.address},sni=b.example,workers=1`, rest.address]));
  assertEquals(await second.answer, "rest");
  assertEquals(Object.keys(await routes(program)), ["*"]);
  await program.reload(listener([...waitingFor]));
  using third = await NamedClient.connect(program.port, "a.example");
  await until(async () => await waiting(program) === 1, "one waits again");
  await program.reload(listener([`${held.server.address},sni=b.example,workers=1`]));
  assertEquals(await third.answer, "alert 112");
  held.release();
  assertEquals(await first.answer, "held");
  const { listeners: [now] } = await program.instance.status();
  assertEquals(now!.ended["unknown-name"], 1);
});

Deno.test("the first name of a listener counts for those that wait, and the last one leaves them", async () => {
  const held = heldServer("held");
  await using _held = held.server;
  await using a = new TestServer(answer("a"));
  const one = `${held.server.address},workers=1`;
  await using program = await start(listener([one]));
  using clients = await namedClients(program.port, 3, "a.example");
  using others = await namedClients(program.port, 1, "b.example");
  await until(async () => await waiting(program) === 3, "three wait");
  await program.reload(listener([one, `${a.address},sni=a.example`]));
  await until(() => clients.all.filter(({ answered }) => answered).length >= 2, "they have a");
  using more = await namedClients(program.port, 2, "b.example");
  await until(async () => (await waiting(program)) >= 2, "two wait");
  await program.reload(listener([one, a.address]));
  assertEquals(await more.answers(), ["a", "a"]);
  held.release();
  await Promise.all([clients.answers(), others.answers()]);
  assertEquals(await routes(program), {});
});

Deno.test("destinations of a name come and go by the API, with their options as fields", async () => {
  await using a = new TestServer(answer("a"));
  await using b = new TestServer(answer("b"));
  await using program = await start(listener([`${a.address},sni=a.example`]));
  const { instance } = program;
  using unknown = await NamedClient.connect(program.port, "b.example");
  assertEquals(await unknown.answer, "alert 112");
  const sni = "b.example|*.b.example";
  const { id } = await instance.addDestination({ address: b.address, sni });
  using known = await NamedClient.connect(program.port, "x.b.example");
  assertEquals(await known.answer, "b");
  assertEquals((await program.destinations())[b.address]!.sni, "b.example|*.b.example");
  await assertRejects(() => instance.changeDestination(id, { sni: "b_example/" }), Error);
  await instance.changeDestination(id, { alpn: "h2" });
  using without = await NamedClient.connect(program.port, "b.example");
  assertEquals(await without.answer, "alert 120");
  await instance.removeDestination(id);
  using gone = await NamedClient.connect(program.port, "b.example", ["h2"]);
  assertEquals(await gone.answer, "alert 112");
});

for (const options of [{}, { balance: "hash", hashWait: "1h" }]) {
  Deno.test(`whoever waits when the first names come gets no other server (${options.balance ?? "fifo"})`, async () => {
    const held = heldServer("a");
    await using _held = held.server;
    await using b = new TestServer(answer("b"));
    await using front = await Front.start([`${held.server.address},workers=1`], {
      queue: "1",
      ...options,
    });
    const header = "PROXY TCP4 203.0.113.1 198.51.100.1 1000 443\r\n";
    const conns = await Promise.all(Array.from({ length: 5 }, () => front.connect()));
    await until(() => front.greeting === 5, "all are accepted");
    const said = async (i: number) => new TextDecoder().decode(await readAll(conns[i]!));
    const names = ["a.example", "c.example", "a.example", "c.example", "b.example"];
    for (const [i, name] of names.entries()) {
      await writeAll(conns[i]!, joined(header, hello({ names: [name] })));
      await conns[i]!.closeWrite();
      await until(() => front.greeting === 4 - i, "its header was read");
    }
    const { active, waiting } = front.balancer.status();
    assertEquals([active, waiting], [1, 4]);
    await front.goOver([
      `${held.server.address},workers=1,sni=a.example`,
      `${b.address},sni=b.example`,
    ]);
    assertEquals(await said(4), "b");
    assertEquals(front.ended["unknown-name"], 2);
    held.release();
    assertEquals([await said(0), await said(2)], ["a", "a"]);
    for (const conn of conns) conn.close();
  });
}
