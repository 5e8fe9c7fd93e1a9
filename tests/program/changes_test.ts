// Changes at an awkward moment: while something waits for just what they change, or ends.
import { assert, assertEquals, assertRejects } from "@std/assert";
import { OperationError } from "../../src/operations/operations.ts";
import { heldServer, listener, start } from "../support/instance.ts";
import {
  answer,
  discard,
  echo,
  freePort,
  readExactly,
  request,
  TestServer,
  until,
  writeAll,
} from "../support/servers.ts";

type Program = Awaited<ReturnType<typeof start>>;

/** What the first listener is doing. */
async function first({ instance }: Program) {
  return (await instance.status()).listeners[0]!;
}

/** A connection that is served: it got its byte back from an echo. */
async function served(port: number): Promise<Deno.Conn> {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await writeAll(conn, new Uint8Array(1));
  await readExactly(conn, 1);
  return conn;
}

/** Connects and waits until the listener has taken the connection or must have seen it. */
async function waits(program: Program, waiting: number): Promise<Deno.Conn> {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port: program.port });
  await until(async () => (await first(program)).waiting === waiting, `${waiting} wait`);
  return conn;
}

Deno.test("max-connections raised while clients wait for it lets them in at once", async () => {
  await using server = new TestServer(echo);
  const of = (maxConnections: string) => listener([server.address], { maxConnections });
  await using program = await start(of("1"));
  using _live = await served(program.port);
  const second = request(program.port, "in");
  const third = request(program.port, "too");
  await program.reload(of("3"));
  assertEquals(await Promise.all([second, third]), ["in", "too"]);
});

Deno.test("max-connections lowered below what is live cuts nobody and lets nobody in", async () => {
  await using server = new TestServer(echo);
  const of = (maxConnections: string) => listener([server.address], { maxConnections });
  await using program = await start(of("0"));
  const live = [await served(program.port), await served(program.port), await served(program.port)];
  await program.reload(of("1"));
  // The accept under way when the limit changed may let one more in.
  const extra = [1, 2].map(() => Deno.connect({ hostname: "127.0.0.1", port: program.port }));
  const others = await Promise.all(extra);
  for (const conn of live) {
    await writeAll(conn, new Uint8Array(1));
    await readExactly(conn, 1);
  }
  assert((await first(program)).accepted <= 4);
  for (const conn of live) conn.close();
  for (const conn of others) {
    await writeAll(conn, new Uint8Array(1));
    await readExactly(conn, 1);
    conn.close();
  }
});

Deno.test("overflow reject while the line is full refuses those that knock, wait lets them wait", async () => {
  const held = heldServer("done");
  await using server = held.server;
  const of = (overflow: string) => {
    return listener([`${server.address},workers=1`], { queue: "1", overflow });
  };
  await using program = await start(of("wait"));
  const active = request(program.port, "x");
  await until(() => server.open === 1, "one is served");
  const waiting = await waits(program, 1);
  const knocking = request(program.port, "x").then(() => "let in", () => "refused");
  await program.reload(of("reject"));
  await until(async () => (await first(program)).ended["refused-overflow"] === 1, "it is refused");
  await knocking;
  await program.reload(of("wait"));
  const patient = request(program.port, "x");
  waiting.close();
  held.release();
  assertEquals([await active, await patient], ["done", "done"]);
});

Deno.test("a session that finds the line full since it became shorter can leave, and be cut", async () => {
  const held = heldServer("done");
  await using server = held.server;
  const of = (queue: string) => {
    return listener([`${server.address},workers=1`], {
      queue,
      queueTimeout: "0",
      drainTimeout: "100ms",
    });
  };
  await using program = await start(of("10"));
  const active = request(program.port, "x").catch(() => "cut");
  await until(() => server.open === 1, "one is served");
  using _one = await waits(program, 1);
  using _two = await waits(program, 2);
  await program.reload(of("1"));
  // The accept that was under way takes one more, for whom there is no place.
  const leaver = await Deno.connect({ hostname: "127.0.0.1", port: program.port });
  await until(async () => (await first(program)).accepted === 4, "it is accepted");
  leaver.close();
  await until(async () => (await first(program)).ended["client-gone"] === 1, "it has left");
  assertEquals(await program.instance.drain(), false);
  assertEquals(await active, "");
  held.release();
});

Deno.test("fewer workers count although sessions wait all the time", async () => {
  const hold = Promise.withResolvers<void>();
  /** How many were open when each connection came. */
  const beside: number[] = [];
  await using server = new TestServer(async (conn) => {
    beside.push(server.open);
    await hold.promise;
    await new Promise((resolve) => setTimeout(resolve, 2));
    await answer("done")(conn);
  });
  const of = (workers: number) => listener([`${server.address},workers=${workers}`]);
  await using program = await start(of(4));
  const all = Array.from({ length: 40 }, () => request(program.port, "x"));
  await until(() => server.open === 4, "four are served");
  await until(async () => (await first(program)).waiting === 36, "the others wait");
  await program.reload(of(1));
  hold.resolve();
  await Promise.all(all);
  // A connection may come before the handler of the one before has returned.
  const most = Math.max(...beside.slice(8));
  assert(most <= 2, `${most} at a time`);
  const { limit, workers } = (await first(program)).destinations[0]!;
  assertEquals([limit, workers], [1, 1]);
});

Deno.test("fewer workers count for those that are idle, and none stays beyond the slots", async () => {
  await using server = new TestServer(echo);
  await using other = new TestServer(answer("other"));
  const of = (options: string) => listener([`${server.address},${options}`, other.address]);
  await using program = await start(of("weight=8,workers=8"));
  const workers = async () => (await program.destinations())[server.address]!.workers;
  assertEquals(await workers(), 8);
  await program.reload(of("weight=8,workers=2"));
  await until(async () => await workers() === 2, "the idle ones have left but for two");
  const answers = new Set<string>();
  for (let i = 0; i < 4; i++) answers.add(await request(program.port, "x"));
  assertEquals(answers, new Set(["x", "other"]));
  await Promise.all(Array.from({ length: 30 }, () => request(program.port, "x")));
  assert(server.mostOpen <= 2, `${server.mostOpen} at a time`);
});

Deno.test("a drain does not wait for a configuration that is being read", async () => {
  await using server = new TestServer(echo);
  await using program = await start(listener([server.address]));
  const { reloading } = await program.reloadForEver();
  const waiting = program.instance.addDestination({ address: "9" });
  const refused = Promise.all([
    assertRejects(() => reloading, OperationError, "draining"),
    assertRejects(() => waiting, OperationError, "draining"),
  ]);
  assertEquals(await program.instance.drain(), true);
  await refused;
});

Deno.test("two reloads at once are one after the other", async () => {
  await using a = new TestServer(answer("a"));
  await using b = new TestServer(answer("b"));
  await using program = await start(listener([a.address]));
  const both = [
    program.reload(listener([a.address, b.address])),
    program.reload(listener([b.address])),
  ];
  const changes = (await Promise.all(both)).flatMap((result) => result.changes);
  assertEquals(changes.filter((change) => change.includes(`${b.address} added`)).length, 1);
  assertEquals(changes.filter((change) => change.includes(`${a.address} removed`)).length, 1);
  assertEquals(await request(program.port, "x"), "b");
});

Deno.test("a session that is being connected to a destination that is removed goes elsewhere", async () => {
  // Nobody accepts there, and nothing that the kernel would accept has a place.
  const hole = await blackHole();
  using _hole = hole;
  await using other = new TestServer(answer("other"));
  const of = (...destinations: string[]) => listener(destinations, { connectTimeout: "1s" });
  await using program = await start(of(`${hole.address},workers=3`));
  const all = [1, 2, 3, 4, 5].map(() => request(program.port, "x"));
  await until(async () => {
    const { active, waiting } = await first(program);
    return active === 3 && waiting === 2;
  }, "three are being connected, two wait");
  await program.reload(of(other.address));
  assertEquals(await Promise.all(all), Array(5).fill("other"));
  await until(async () => (await first(program)).destinations.length === 1, "it is gone");
});

Deno.test("a destination that is removed while it starts slowly, and comes back, serves", async () => {
  const port = freePort();
  const name = `127.0.0.1:${port}`;
  await using other = new TestServer(answer("other"));
  const of = (...more: string[]) => listener([other.address, ...more], { slowStart: "200ms" });
  await using program = await start(of(name));
  await until(async () => {
    await request(program.port, "x");
    return (await program.destinations())[name]!.state === "down";
  }, "it is found to be down");
  const held = new TestServer(answer("back"), { port });
  await using _held = held;
  await until(async () => (await program.destinations())[name]!.state === "up", "it is up again");
  await program.reload(of());
  assertEquals(await request(program.port, "x"), "other");
  await program.reload(of(name));
  await until(async () => await request(program.port, "x") === "back", "it serves again");
});

Deno.test("the check under way does not count any more when checks are turned off", async () => {
  const asked = Promise.withResolvers<void>();
  await using mute = new TestServer(async (conn) => {
    asked.resolve();
    await discard(conn);
  });
  const of = (check: string) => {
    return listener([mute.address], {
      check,
      checkInterval: "20ms",
      checkTimeout: "10s",
      fall: check === "off" ? "0" : "1",
    });
  };
  await using program = await start(of("http:/"));
  await asked.promise;
  await program.reload(of("off"));
  await until(() => mute.open === 0, "the check is given up");
  const { state, failures } = (await program.destinations())[mute.address]!;
  assertEquals([state, failures], ["up", 0]);
});

Deno.test("checks that are turned on find what is down, and turned off let it serve", async () => {
  await using mute = new TestServer(answer("x"));
  const of = (check: string) => {
    return listener([mute.address], {
      check,
      checkInterval: "20ms",
      checkTimeout: "50ms",
      fall: "1",
    });
  };
  await using program = await start(of("off"));
  const state = async () => (await program.destinations())[mute.address]!.state;
  await program.reload(of("http:/"));
  await until(async () => await state() === "down", "the check fails");
  await program.reload(of("off"));
  await until(async () => await state() === "up", "a connect is enough again");
});

Deno.test("a destination that is added again after it was gone starts anew", async () => {
  const port = freePort();
  const name = `127.0.0.1:${port}`;
  await using other = new TestServer(answer("other"));
  await using program = await start(listener([name, other.address]));
  await until(async () => {
    await request(program.port, "x");
    return (await program.destinations())[name]!.state === "down";
  }, "it is found to be down");
  await program.instance.removeDestination("1.1");
  await using _back = new TestServer(answer("back"), { port });
  const { id, state, failures } = await program.instance.addDestination({ address: name });
  assertEquals([id, state, failures], ["1.1", "untried", 0]);
});

Deno.test("max-per-ip counts the sessions that were there before it", async () => {
  await using server = new TestServer(echo);
  const of = (maxPerIp: string) => listener([server.address], { maxPerIp });
  await using program = await start(of("0"));
  const live = [await served(program.port), await served(program.port)];
  await program.reload(of("2"));
  const refused = () => request(program.port, "x").then((text) => text === "", () => true);
  assert(await refused());
  live[0]!.close();
  await until(async () => !await refused(), "there is room again");
  await program.reload(of("0"));
  live[1]!.close();
  await until(async () => (await first(program)).active === 0, "all have ended");
  await program.reload(of("1"));
  assertEquals(await request(program.port, "x"), "x");
});

Deno.test("a listener that is removed serves what its backlog holds", async () => {
  const held = heldServer("done");
  await using server = held.server;
  await using other = new TestServer(answer("other"));
  const stays = listener([other.address]);
  const port = freePort();
  const goes = listener([`${server.address},workers=1`], { queue: "1" }, `127.0.0.1:${port}`);
  await using program = await start(stays, goes);
  // One is served, one waits in the line, the others in the kernel's backlog.
  const all = await Promise.all(Array.from({ length: 12 }, async () => {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port });
    await writeAll(conn, new Uint8Array(1));
    await conn.closeWrite();
    return conn;
  }));
  await until(() => server.open === 1, "one is served");
  await program.reload(stays);
  held.release();
  for (const conn of all) {
    assertEquals(new TextDecoder().decode(await readExactly(conn, 4)), "done");
    conn.close();
  }
});

Deno.test("a Unix-domain socket can be removed and added again while sessions last", async () => {
  const held = heldServer("held");
  await using server = held.server;
  await using other = new TestServer(answer("new"));
  const stays = listener([other.address]);
  const path = await Deno.makeTempFile({ prefix: "iawlb-" });
  await Deno.remove(path);
  const of = (address: string) => listener([address], {}, `unix:${path}`);
  await using program = await start(stays, of(server.address));
  using old = await Deno.connect({ transport: "unix", path });
  await writeAll(old, new TextEncoder().encode("x"));
  await old.closeWrite();
  await until(() => server.open === 1, "a session is served");
  await program.reload(stays);
  await until(() => Deno.stat(path).then(() => false, () => true), "its path is free");
  await program.reload(stays, of(other.address));
  using fresh = await Deno.connect({ transport: "unix", path });
  await writeAll(fresh, new TextEncoder().encode("x"));
  await fresh.closeWrite();
  assertEquals(new TextDecoder().decode(await readExactly(fresh, 3)), "new");
  held.release();
  assertEquals(new TextDecoder().decode(await readExactly(old, 4)), "held");
});

Deno.test("what belongs to a listener that leaves can be changed, and is gone with it", async () => {
  for (const threads of ["1", "2"]) {
    const held = heldServer("held");
    await using server = held.server;
    await using other = new TestServer(answer("other"));
    const stays = listener([other.address]);
    const port = freePort();
    const goes = listener([server.address, other.address], { threads }, `127.0.0.1:${port}`);
    await using program = await start(stays, goes);
    const { instance } = program;
    await instance.changeDestination("2.2", { state: "drain" });
    const session = request(port, "x");
    await until(() => server.open === 1, "a session is served");
    await program.reload(stays);
    const { listeners } = await instance.status();
    assertEquals(listeners.map(({ state }) => state), ["running", "draining"]);
    const status = await instance.changeDestination("2.1", { state: "maint", workers: 9 });
    assertEquals([status.limit, status.admin], [9, "maint"]);
    held.release();
    assertEquals(await session, "held");
    // Asked all the time, also at the moment at which it ends.
    let gone = false;
    while (!gone) {
      const asked = [
        instance.status().then(({ listeners }) => void (gone = listeners.length === 1)),
        instance.sessions({ limit: 10 }),
        instance.changeDestination("2.1", { state: "ready" }),
        instance.changeDestination("2.1", { weight: 2 }),
        instance.endSession("2.99"),
      ];
      for (const outcome of await Promise.allSettled(asked)) {
        const expected = outcome.status === "fulfilled" || outcome.reason instanceof OperationError;
        assert(expected, String((outcome as PromiseRejectedResult).reason));
      }
    }
    await assertRejects(() => instance.removeDestination("2.1"), OperationError, "no destination");
  }
});

Deno.test("a listener with threads that has drained is still there to be looked at", async () => {
  const held = heldServer("held");
  await using server = held.server;
  await using other = new TestServer(answer("other"));
  const port = freePort();
  const threads = listener([other.address], { threads: "2" }, `127.0.0.1:${port}`);
  await using program = await start(listener([server.address]), threads);
  const last = request(program.port, "x");
  await until(() => server.open === 1, "a session is served");
  for (let i = 0; i < 5; i++) assertEquals(await request(port, "x"), "other");
  const drained = program.instance.drain();
  await until(async () => {
    return await request(port, "x").then(() => false, () => true);
  }, "it does not listen any more");
  await until(async () => {
    const { accepted, ended } = (await program.instance.status()).listeners[1]!;
    return ended.done === accepted;
  }, "all are done");
  // The threads end some time after their port does.
  for (let i = 0; i < 50; i++) {
    const { listeners: [, status] } = await program.instance.status();
    const { state, accepted, ended } = status!;
    assertEquals([state, ended], ["draining", { done: accepted }]);
    await new Promise((resolve) => setTimeout(resolve));
  }
  held.release();
  assertEquals([await last, await drained], ["held", true]);
});

/** An address at which connects get no answer: its backlog is full. */
async function blackHole(): Promise<Disposable & { address: string }> {
  const socket = Deno.listen({ hostname: "127.0.0.1", port: 0, tcpBacklog: 1 });
  const { port } = socket.addr as Deno.NetAddr;
  const fillers: Deno.Conn[] = [];
  for (;;) {
    const signal = AbortSignal.timeout(200);
    try {
      fillers.push(
        await Deno.connect({ hostname: "127.0.0.1", port, signal } as Deno.ConnectOptions),
      );
    } catch {
      break;
    }
  }
  return {
    address: `127.0.0.1:${port}`,
    [Symbol.dispose]() {
      for (const conn of fillers) conn.close();
      socket.close();
    },
  };
}

Deno.test("a listener that comes back after it was gone counts on", async () => {
  await using server = new TestServer(answer("served"));
  const stays = listener([server.address]);
  const port = freePort();
  const goes = listener([server.address], {}, `127.0.0.1:${port}`);
  await using program = await start(stays, goes);
  const { instance } = program;
  const counted = async () => {
    const { listeners, departed } = await instance.status();
    const all = [...listeners, ...departed].filter(({ name }) => name === `127.0.0.1:${port}`);
    return all.reduce((sum, { accepted }) => sum + accepted, 0);
  };
  for (let round = 1; round <= 3; round++) {
    assertEquals(await request(port, "x"), "served");
    await until(async () => await counted() === round, "the sessions of all rounds count");
    await program.reload(stays);
    await until(async () => (await instance.status()).listeners.length === 1, "it is gone");
    assertEquals((await instance.status()).departed, []);
    await program.reload(stays, goes);
    assertEquals(await counted(), round);
  }
});
