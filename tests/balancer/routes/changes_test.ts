import { assertEquals, assertRejects } from "@std/assert";
import { heldServer, listener, start } from "../../support/instance.ts";
import { NamedClient, namedClients } from "../../support/named_client.ts";
import { answer, TestServer, until } from "../../support/servers.ts";

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
