import { assert, assertEquals, assertRejects } from "@std/assert";
import { LocalBalancer } from "../../src/balancer/local_balancer.ts";
import { UsageError } from "../../src/base/errors.ts";
import { look as lookAt, METRICS } from "../../src/telemetry/metrics.ts";
import { OperationError } from "../../src/operations/operations.ts";
import { HalfwayError } from "../../src/program/reload.ts";
import { heldServer, listener, type Options, start } from "../support/instance.ts";
import {
  answer,
  echo,
  freePort,
  readAll,
  request,
  TestServer,
  until,
  writeAll,
} from "../support/servers.ts";

/** Whether nobody listens on a port; who is let in all the same leaves at once. */
async function isRefused(port: number): Promise<boolean> {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port }).catch(() => undefined);
  conn?.close();
  return conn === undefined;
}

Deno.test("a destination that is added takes those that wait, in their order", async () => {
  const full = heldServer("full");
  await using _full = full.server;
  const order: string[] = [];
  await using fresh = new TestServer(async (conn) => {
    order.push(new TextDecoder().decode(await readAll(conn)));
    await writeAll(conn, new TextEncoder().encode("fresh"));
  });
  const one = [`${full.server.address},workers=1`];
  await using program = await start(listener(one));
  const first = request(program.port, "0");
  await until(() => full.server.open === 1, "the first is being served");
  const others: Promise<string>[] = [];
  for (let i = 1; i <= 5; i++) {
    others.push(request(program.port, `${i}`));
    await until(async () => {
      return (await program.instance.status()).listeners[0]!.waiting === i;
    }, `${i} wait`);
  }
  const { changes } = await program.reload(listener([...one, `${fresh.address},workers=1`]));
  assertEquals(changes, [`destination ${fresh.address} added`]);
  assertEquals(await Promise.all(others), Array(5).fill("fresh"));
  assertEquals(order, ["1", "2", "3", "4", "5"]);
  full.release();
  assertEquals(await first, "full");
});

Deno.test("a destination that is removed finishes its sessions, takes none, and is gone", async () => {
  const old = heldServer("old");
  await using _old = old.server;
  await using stays = new TestServer(answer("stays"));
  await using program = await start(listener([old.server.address]));
  const served = request(program.port, "x");
  await until(() => old.server.open === 1, "the old one serves");
  await program.reload(listener([stays.address]));
  const leaving = (await program.destinations())[old.server.address]!;
  assertEquals([leaving.leaving, leaving.state, leaving.active], [true, "drain", 1]);
  for (let i = 0; i < 10; i++) assertEquals(await request(program.port, "x"), "stays");
  assertEquals(old.server.accepted, 1);
  old.release();
  assertEquals(await served, "old");
  await until(async () => !(old.server.address in await program.destinations()), "it is gone");
});

Deno.test("a destination that comes back before it is gone is the same one", async () => {
  const back = heldServer("back");
  await using _back = back.server;
  await using other = new TestServer(answer("other"));
  const both = listener([back.server.address, other.address]);
  await using program = await start(both);
  const pending = [request(program.port, "x"), request(program.port, "x")];
  await until(() => back.server.open === 1, "it serves");
  const { id } = (await program.destinations())[back.server.address]!;
  await program.reload(listener([other.address]));
  await program.reload(both);
  const status = (await program.destinations())[back.server.address]!;
  assertEquals([status.id, status.leaving, status.active], [id, false, 1]);
  back.release();
  assertEquals((await Promise.all(pending)).sort(), ["back", "other"]);
  const answers = new Set<string>();
  await until(async () => {
    return answers.add(await request(program.port, "x")).size === 2;
  }, "both serve again");
});

Deno.test("more workers serve those that wait at once, fewer let the others finish", async () => {
  const held = heldServer("done");
  await using server = held.server;
  const of = (workers: number) => listener([`${server.address},workers=${workers}`]);
  await using program = await start(of(1));
  const all = [1, 2, 3, 4].map(() => request(program.port, "x"));
  await until(() => server.open === 1, "one is being served");
  assertEquals((await program.reload(of(3))).changes, [
    `destination ${server.address}: workers 1 → 3`,
  ]);
  await until(() => server.open === 3, "three are being served");
  await program.reload(of(1));
  held.release();
  assertEquals(await Promise.all(all), Array(4).fill("done"));
  const { limit, sessions } = (await program.destinations())[server.address]!;
  assertEquals([limit, sessions, server.mostOpen], [1, 4, 3]);
});

Deno.test("every limit that can change does so for the sessions that are there", async () => {
  const held = heldServer("done");
  await using server = held.server;
  const of = (options: Options) => listener([`${server.address},workers=1`], options);
  await using program = await start(of({}));
  const active = request(program.port, "x");
  await until(() => server.open === 1, "one is being served");
  using waiting = await Deno.connect({ port: program.port });
  await writeAll(waiting, new Uint8Array(1));
  const ended = async () => (await program.instance.status()).listeners[0]!.ended;
  const { changes } = await program.reload(of({ queueTimeout: "50ms", maxPerIp: "2" }));
  assertEquals(changes, ["max-per-ip 0 → 2", "queue-timeout 30s → 50ms"]);
  await until(async () => (await ended())["queue-timeout"] === 1, "the queue timeout counts");
  await program.reload(of({ maxPerIp: "1" }));
  // The session that is served was there before it counted.
  await request(program.port, "x").catch(() => {});
  await until(async () => (await ended())["refused-per-ip"] === 1, "the address has too many");
  await program.reload(of({ deny: "127.0.0.0/8" }));
  await request(program.port, "x").catch(() => {});
  await until(async () => (await ended())["refused-address"] === 1, "the address is denied");
  await program.reload(of({ queue: "1" }));
  const { listeners: [status] } = await program.instance.status();
  assertEquals([status!.queue, status!.active], [1, 1]);
  held.release();
  assertEquals(await active, "done");
});

Deno.test("a destination is called by its name, also by the sessions that it has when it gets one", async () => {
  const held = heldServer("done");
  await using server = held.server;
  await using program = await start(listener([server.address]));
  const served = request(program.port, "x");
  await until(() => server.open === 1, "a session is being served");
  const named = listener([`${server.address},name=db1`]);
  assertEquals((await program.reload(named)).changes, [
    `destination ${server.address}: name ${server.address} → db1`,
  ]);
  const { id, address, active } = (await program.destinations())["db1"]!;
  assertEquals([id, address, active], ["1.1", server.address, 1]);
  const [session] = await program.instance.sessions({ limit: 1 });
  assertEquals(session!.destination, "db1");
  assertEquals(await program.reload(named), { changes: [], needs_restart: [] });
  const changed = await program.instance.changeDestination("1.1", { name: "none" });
  assertEquals(changed.name, server.address);
  held.release();
  assertEquals(await served, "done");
});

Deno.test("two destinations of a listener that change their names keep what is theirs", async () => {
  const held = heldServer("done");
  await using server = held.server;
  await using other = new TestServer(answer("other"));
  const named = (first: string, second: string) =>
    listener([`${server.address},name=${first}`, `${other.address},name=${second}`]);
  await using program = await start(named("a", "b"));
  const served = request(program.port, "x");
  await until(() => server.open === 1, "a session is being served");
  assertEquals((await program.reload(named("b", "a"))).changes, [
    "destination a: name a → b",
    "destination b: name b → a",
  ]);
  held.release();
  assertEquals(await served, "done");
  const { a, b } = await program.destinations();
  assertEquals([a!.address, a!.bytes_down], [other.address, 0]);
  assertEquals([b!.address, b!.bytes_down], [server.address, 4]);
});

Deno.test("an operator gives no destination the name of another one", async () => {
  await using server = new TestServer(echo);
  await using program = await start(listener([`${server.address},name=a`]));
  const { instance } = program;
  const add = (name: string) =>
    instance.addDestination({ address: `127.0.0.1:${freePort()}`, name });
  assertEquals((await add("b")).name, "b");
  await assertRejects(() => add("a"), OperationError, "is called like");
  await assertRejects(
    () => instance.changeDestination("1.2", { name: "a" }),
    OperationError,
    "is called like",
  );
  assertEquals((await instance.changeDestination("1.2", { name: "b", weight: 2 })).weight, 2);
});

Deno.test("what counts only after a restart is told and changes nothing", async () => {
  await using server = new TestServer(echo);
  await using program = await start(listener([server.address]));
  const result = await program.reload(listener([server.address], { backlog: "5", threads: "2" }));
  assertEquals(result, { changes: [], needs_restart: ["threads", "backlog"] });
  assertEquals(await request(program.port, "x"), "x");
});

Deno.test("a listener is called by its name, and is still told by its address over a reload", async () => {
  await using server = new TestServer(echo);
  const port = freePort();
  const web = (name: string) => listener([server.address], { name }, `127.0.0.1:${port}`);
  await using program = await start(web("web"));
  const names = async () => (await program.instance.status()).listeners.map(({ name }) => name);
  assertEquals(await names(), ["web"]);
  assertEquals(await program.reload(web("www")), { changes: [], needs_restart: ["name"] });
  assertEquals(await names(), ["web"]);
  const api = listener([server.address], { name: "api" });
  assertEquals((await program.reload(web("web"), api)).changes, ["listener api added"]);
  await program.instance.addDestination({ listener: "api", address: `127.0.0.1:${freePort()}` });
  const unnamed = listener([server.address]);
  assertEquals((await program.reload(web("web"), unnamed)).needs_restart, ["name"]);
  assertEquals(await names(), ["web", "api"]);
});

Deno.test("no listener begins under the name that another one has until a restart", async () => {
  await using server = new TestServer(echo);
  const web = (name: string) => listener([server.address], { name }, `127.0.0.1:${port}`);
  const port = freePort();
  await using program = await start(web("web"));
  const fresh = listener([server.address], { name: "web" }, `127.0.0.1:${freePort()}`);
  const { message } = await assertRejects(
    () => program.reload(web("www"), fresh),
    OperationError,
  );
  assertEquals(
    message,
    `listener "web": the one at 127.0.0.1:${port} is called so until a restart`,
  );
  assertEquals((await program.instance.status()).listeners.length, 1);
  assertEquals((await program.reload(fresh)).changes, [
    "listener web added",
    "listener web removed",
  ]);
});

Deno.test("listeners are added and removed, and no session notices", async () => {
  const held = heldServer("held");
  await using server = held.server;
  await using other = new TestServer(answer("other"));
  const port = freePort();
  const stays = listener([server.address]);
  const comes = listener([other.address], {}, `127.0.0.1:${port}`);
  await using program = await start(stays);
  const first = request(program.port, "x");
  await until(() => server.open === 1, "a session is being served");
  const added = await program.reload(stays, comes);
  assertEquals(added.changes, [`listener 127.0.0.1:${port} added`]);
  assertEquals(await request(port, "x"), "other");
  const removed = await program.reload(comes);
  assertEquals(removed.changes, ["listener 127.0.0.1:0 removed"]);
  await until(() => isRefused(program.port), "the removed one does not listen any more");
  assertEquals((await program.instance.status()).listeners.length, 2);
  held.release();
  assertEquals(await first, "held");
  await until(async () => {
    return (await program.instance.status()).listeners.length === 1;
  }, "the removed one is gone");
  assertEquals(await request(port, "x"), "other");
});

Deno.test("a listener that comes back while it is leaving is a new one, and both finish", async () => {
  const held = heldServer("old");
  await using server = held.server;
  await using other = new TestServer(answer("new"));
  const of = (port: number) => listener([server.address], {}, `127.0.0.1:${port}`);
  const port = freePort();
  const stays = listener([other.address]);
  await using program = await start(stays, of(port));
  const first = request(port, "x");
  await until(() => server.open === 1, "a session is being served");
  await program.reload(stays);
  await until(() => isRefused(port), "it does not listen any more");
  await program.reload(stays, listener([other.address], {}, `127.0.0.1:${port}`));
  assertEquals(await request(port, "x"), "new");
  const { listeners } = await program.instance.status();
  assertEquals(listeners.map(({ id, state }) => [id, state]), [
    [1, "running"],
    [2, "draining"],
    [3, "running"],
  ]);
  held.release();
  assertEquals(await first, "old");
});

Deno.test("by name, gauges count all sessions and counters never go backwards", async () => {
  const old = heldServer("old");
  await using _old = old.server;
  await using other = new TestServer(answer("other"));
  const listen = `127.0.0.1:${freePort()}`;
  await using program = await start(
    listener([old.server.address], {}, listen),
    listener([other.address]),
  );
  const name = { listener: listen };
  const seen = { accepted: 0, sessions: 0 };
  /** Looks at the metrics of the name; whether its counter is still what it was, or more. */
  async function numbers() {
    const look = lookAt(await program.instance.status());
    const value = (metric: string, labels: Record<string, string>) =>
      [...METRICS.find((one) => one.name === `iawlb.${metric}`)!.values(look)].find(([, place]) =>
        Object.entries(labels).every(([key, text]) => place[key] === text)
      )?.[0] ?? NaN;
    const destination = { ...name, destination: old.server.address };
    const accepted = value("sessions.accepted", name);
    const sessions = value("destination.sessions", destination);
    for (const [now, before] of [[accepted, seen.accepted], [sessions, seen.sessions]] as const) {
      assert(!(now < before), `${now} after ${before}`);
    }
    Object.assign(seen, { accepted, sessions });
    return {
      active: value("sessions.active", name),
      serving: value("destination.active", destination),
    };
  }
  const first = request(program.port, "x");
  await until(async () => (await numbers()).serving === 1, "the first is served");
  await program.reload(listener([other.address]));
  await until(() => isRefused(program.port), "it does not listen any more");
  await program.reload(listener([old.server.address], {}, listen), listener([other.address]));
  const second = request(program.port, "x");
  await until(async () => (await numbers()).serving === 2, "both are served");
  assertEquals((await numbers()).active, 2);
  old.release();
  assertEquals([await first, await second], ["old", "old"]);
  await until(async () => {
    await numbers();
    return (await program.instance.status()).listeners.length === 2;
  }, "the removed one is gone");
  await until(async () => (await numbers()).active === 0, "both are done");
  assert(seen.accepted >= 2 && seen.sessions >= 2);
});

Deno.test("a configuration that is not allowed, or cannot be, changes nothing at all", async () => {
  await using server = new TestServer(answer("as before"));
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await using program = await start(listener([server.address]));
  await assertRejects(() => program.reload(new UsageError("line 1\nline 2")), UsageError, "line 2");
  const changed = listener([server.address, "9"], { queue: "7" });
  const blocked = listener(["9"], {}, `127.0.0.1:${taken.addr.port}`);
  const free = listener(["9"], {}, `127.0.0.1:${freePort()}`);
  const refused = await assertRejects(
    () => program.reload(changed, free, blocked),
    OperationError,
    "in use",
  );
  assertEquals(refused.kind, "conflict");
  const { listeners } = await program.instance.status();
  assertEquals(listeners.map(({ queue, destinations }) => [queue, destinations.length]), [
    [1024, 1],
  ]);
  const indivisible = listener([server.address], { workers: "1" });
  assertEquals((await program.reload(indivisible)).changes.length, 1);
  assertEquals(await request(program.port, "x"), "as before");
});

Deno.test("drain, maint and ready: counters, health and the state outlast a reload", async () => {
  await using a = new TestServer(answer("a"));
  await using b = new TestServer(answer("b"));
  const config = listener([a.address, b.address]);
  await using program = await start(config);
  const both = new Set([await request(program.port, "x"), await request(program.port, "x")]);
  assertEquals(both.size, 2);
  const { id } = (await program.destinations())[a.address]!;
  for (const state of ["drain", "maint"] as const) {
    const shown = await program.instance.changeDestination(id, { state });
    assertEquals([shown.state, shown.admin, shown.sessions], [state, state, 1]);
    await program.reload(config);
    await program.reload(listener([a.address, b.address], { queue: "9" }));
    for (let i = 0; i < 5; i++) assertEquals(await request(program.port, "x"), "b");
    assertEquals((await program.destinations())[a.address]!.state, state);
  }
  const ready = await program.instance.changeDestination(id, { state: "ready", workers: 3 });
  assertEquals([ready.state, ready.limit, ready.sessions], ["untried", 3, 1]);
  await until(async () => await request(program.port, "x") === "a", "it serves again");
});

Deno.test("a backup serves when the operator takes all others out, and sessions wait for ready", async () => {
  await using main = new TestServer(answer("main"));
  await using backup = new TestServer(answer("backup"));
  await using program = await start(listener([main.address, `${backup.address},backup`]));
  const { [main.address]: first, [backup.address]: second } = await program.destinations();
  await program.instance.changeDestination(first!.id, { state: "drain" });
  assertEquals(await request(program.port, "x"), "backup");
  await program.instance.changeDestination(second!.id, { state: "maint" });
  const waiting = request(program.port, "x");
  await until(async () => {
    return (await program.instance.status()).listeners[0]!.waiting === 1;
  }, "nobody serves it");
  await program.instance.changeDestination(first!.id, { state: "ready" });
  assertEquals(await waiting, "main");
});

Deno.test("a destination in maint is not probed, one that leaves it is", async () => {
  const port = freePort();
  await using other = new TestServer(answer("other"));
  await using program = await start(listener([`127.0.0.1:${port}`, other.address]));
  const name = `127.0.0.1:${port}`;
  await until(async () => {
    await request(program.port, "x");
    return (await program.destinations())[name]!.state === "down";
  }, "it is found to be down");
  const { id } = (await program.destinations())[name]!;
  await program.instance.changeDestination(id, { state: "maint" });
  await using back = new TestServer(answer("back"), { port });
  for (let i = 0; i < 20; i++) await request(program.port, "x");
  assertEquals(back.accepted, 0);
  await program.instance.changeDestination(id, { state: "ready" });
  await until(async () => (await program.destinations())[name]!.state === "up", "it is up again");
});

Deno.test("an operator ends a session, wherever it is", async () => {
  const held = heldServer("held");
  await using server = held.server;
  await using program = await start(listener([`${server.address},workers=1`]));
  using active = await Deno.connect({ port: program.port });
  await until(() => server.open === 1, "one is being served");
  using waiting = await Deno.connect({ port: program.port });
  const sessions = () => program.instance.sessions({ limit: 10 });
  await until(async () => (await sessions()).length === 2, "another one waits");
  const [first, second] = await sessions();
  assertEquals([first!.stage, first!.place, second!.stage, second!.place], [
    "relaying",
    null,
    "waiting",
    1,
  ]);
  assertEquals(first!.client, `127.0.0.1:${(active.localAddr as Deno.NetAddr).port}`);
  await program.instance.endSession(second!.id);
  await program.instance.endSession(first!.id);
  assertEquals([await waiting.read(new Uint8Array(1)), await active.read(new Uint8Array(1))], [
    null,
    null,
  ]);
  assertEquals(await sessions(), []);
  const { ended } = (await program.instance.status()).listeners[0]!;
  assertEquals(ended, { killed: 2 });
  await assertRejects(() => program.instance.endSession(first!.id), OperationError, "no session");
  held.release();
});

Deno.test("what an operator asks for wrongly is answered with why", async () => {
  await using server = new TestServer(echo);
  await using program = await start(listener([server.address]));
  const { instance } = program;
  const kinds: [string, () => Promise<unknown>][] = [
    ["missing", () => instance.changeDestination("1.9", { state: "drain" })],
    ["missing", () => instance.removeDestination("2.1")],
    ["missing", () => instance.removeDestination("x")],
    ["missing", () => instance.endSession("1.99")],
    ["conflict", () => instance.removeDestination("1.1")],
    ["invalid", () => instance.addDestination({ address: "nonsense" })],
    ["invalid", () => instance.addDestination({ address: "9,workers=1" })],
    ["invalid", () => instance.addDestination({ address: server.address })],
    ["invalid", () => instance.addDestination({ address: "9", listener: "nobody" })],
  ];
  for (const [kind, ask] of kinds) {
    const error = await assertRejects(ask, OperationError);
    assertEquals(error.kind, kind, ask.toString());
    assert(!error.message.includes("\n"), error.message);
  }
  assertEquals(Object.keys(await program.destinations()), [server.address]);
});

Deno.test("destinations come and go by the operator until the next reload", async () => {
  await using a = new TestServer(answer("a"));
  await using b = new TestServer(answer("b"));
  const config = listener([a.address]);
  await using program = await start(config);
  const added = await program.instance.addDestination({ address: b.address, workers: 2 });
  assertEquals([added.id, added.limit, added.state], ["1.2", 2, "untried"]);
  await program.instance.removeDestination("1.1");
  assertEquals(await request(program.port, "x"), "b");
  const { changes } = await program.reload(config);
  assertEquals(changes, [`destination ${a.address} added`, `destination ${b.address} removed`]);
  assertEquals(await request(program.port, "x"), "a");
  assertEquals(Object.values(await program.destinations()).map(({ id }) => id), ["1.1"]);
});

Deno.test("the up-time does not follow the clock on the wall", async () => {
  await using server = new TestServer(echo);
  await using program = await start(listener([server.address]));
  const { now } = Date;
  try {
    Date.now = () => now() - 3_600_000;
    const { uptime_ms } = await program.instance.status();
    assert(uptime_ms >= 0 && uptime_ms < 60_000, `${uptime_ms} ms`);
  } finally {
    Date.now = now;
  }
});

Deno.test("while it drains nothing is changed any more", async () => {
  await using server = new TestServer(echo);
  await using program = await start(listener([server.address]));
  program.instance.beginDrain();
  await assertRejects(() => program.instance.reload(), OperationError, "draining");
  assertEquals(await program.instance.ended, true);
});

Deno.test("with threads, too, destinations and limits change and sessions are found", async () => {
  const held = heldServer("held");
  await using server = held.server;
  await using other = new TestServer(answer("other"));
  const options = { threads: "2" };
  await using program = await start(listener([`${server.address},workers=4`], options));
  const all = Array.from({ length: 40 }, () => request(program.port, "x"));
  await until(() => server.open === 4, "each thread serves its share");
  const sessions = await program.instance.sessions({ limit: 100 });
  assertEquals(new Set(sessions.map(({ id }) => id)).size, sessions.length);
  await program.reload(listener([`${server.address},workers=6`, other.address], options));
  assertEquals((await program.destinations())[server.address]!.limit, 6);
  await until(() => server.open + other.accepted >= 40, "all are being served");
  await program.instance.changeDestination("1.1", { state: "drain" });
  const answers = await Promise.all([1, 2, 3, 4].map(() => request(program.port, "x")));
  assertEquals(answers, Array(4).fill("other"));
  held.release();
  await Promise.all(all);
});

Deno.test("a destination is tried when it is added, and when it leaves maint, and takes sessions", async () => {
  await using a = new TestServer(answer("a"));
  await using b = new TestServer(answer("b"));
  await using program = await start(listener([a.address]));
  const state = async (name: string) => (await program.destinations())[name]!.state;
  await until(async () => await state(a.address) === "up", "the first was reached");
  await program.reload(listener([a.address, b.address]));
  assertEquals(await state(a.address), "up");
  // It may have been reached by now.
  assert(["untried", "up"].includes(await state(b.address)));
  await until(async () => await state(b.address) === "up", "the second was reached");
  await program.instance.changeDestination("1.2", { state: "maint" });
  assertEquals(await state(b.address), "maint");
  await until(() => b.looks === 1, "it was looked at once");
  await program.instance.changeDestination("1.2", { state: "ready" });
  assert(["untried", "up"].includes(await state(b.address)));
  await until(async () => await state(b.address) === "up", "it was reached again");
  await until(() => b.looks === 2, "it was looked at again");
  assertEquals(a.looks, 1);
  await program.instance.changeDestination("1.2", { state: "maint" });
  b.stopListening();
  await until(() => isRefused(b.port), "nobody listens any more");
  await program.instance.changeDestination("1.2", { state: "ready" });
  await until(async () => await state(b.address) === "down", "it is gone");
});

Deno.test("an operator gives a destination a check and other options of its own, and changes them", async () => {
  await using server = new TestServer(echo);
  await using other = new TestServer(echo);
  const folder = await Deno.makeTempDir();
  await using program = await start(listener([`${server.address},weight=2`]));
  const { instance } = program;
  try {
    await instance.addDestination({
      address: other.address,
      check: "send:a\\,b,expect:a\\,b",
      backup: true,
    });
    // Whoever echoes gives back what is sent: only a check that arrived whole succeeds.
    await until(async () => {
      return (await program.destinations())[other.address]!.state === "up";
    }, "it is checked");
    const id = (await program.destinations())[other.address]!.id;
    const changed = await instance.changeDestination(id, { backup: false, weight: 3 });
    assertEquals([changed.backup, changed.weight, changed.state], [false, 3, "up"]);
    assertEquals(changed.check, "send:a\\,b,expect:a\\,b");
    await instance.changeDestination(id, { check: "expect:never" });
    await until(
      async () => {
        return (await program.destinations())[other.address]!.failures > 0;
      },
      "the other check fails",
      10_000,
    );
    await instance.addDestination({ address: `unix:${folder}/a\\,b` });
    assert(Object.hasOwn(await program.destinations(), `unix:${folder}/a,b`));
    await assertRejects(
      () => instance.addDestination({ address: `unix:${folder}/c,d` }),
      OperationError,
      "has no options, which are fields; a comma in a path is \\,",
    );
  } finally {
    await Deno.remove(folder);
  }
});

Deno.test("a reload that a defect ends half-way says so, and neither the next one nor the drain waits", async () => {
  await using server = new TestServer(answer("served"));
  await using fresh = new TestServer(answer("fresh"));
  await using program = await start(listener([server.address]));
  const { reconfigure } = LocalBalancer.prototype;
  LocalBalancer.prototype.reconfigure = () => Promise.reject(new Error("told to fail"));
  try {
    await assertRejects(
      () => program.reload(listener([server.address], { queue: "50" })),
      HalfwayError,
      "in force only in part, which is a defect: told to fail",
    );
  } finally {
    LocalBalancer.prototype.reconfigure = reconfigure;
  }
  await program.reload(listener([fresh.address]));
  assertEquals(await request(program.port, "hello"), "fresh");
  assertEquals(await program.instance.drain(), true);
});
