import { assert, assertEquals } from "@std/assert";
import { hasProc, nothingLeft, openDescriptors } from "../support/process.ts";
import { Program } from "../support/program.ts";
import { ResettingServer } from "../support/resetting.ts";
import { answer, readAll, request, TestServer, until, writeAll } from "../support/servers.ts";

for (const when of ["at once", "after reading"] as const) {
  Deno.test(`a destination that resets ${when} costs its clients nothing, and stays up`, async () => {
    await using bad = await ResettingServer.start(when);
    await using good = new TestServer(answer("served"));
    await using program = await Program.start([bad.address, good.address]);
    const descriptors = hasProc ? openDescriptors(program.pid) : 0;
    for (let i = 0; i < 20; i++) assertEquals(await request(program.port, "hello"), "served");
    const entries = await program.entries(20);
    assertEquals(entries.filter(({ reason }) => reason !== "done"), []);
    const moved = entries.filter(({ attempts }) => attempts === 2);
    assert(moved.length >= 9, `${moved.length} were moved`);
    const [first] = moved;
    assertEquals([first!.destination, first!.bytes_up, first!.bytes_down], [good.address, 5, 6]);
    const { destinations: [reset] } = await program.status();
    assertEquals([reset.state, reset.failures], ["up", 0]);
    const left = { destinations: [bad.port, good.port], descriptors, more: 8 };
    if (hasProc) await nothingLeft(program.pid, left);
  });
}

Deno.test("an answer that has begun is not begun again", async () => {
  await using bad = await ResettingServer.start("in the answer");
  await using good = new TestServer(answer("served"));
  await using program = await Program.start([bad.address, `${good.address},backup`]);
  assertEquals(await request(program.port, "hello"), "half");
  const [entry] = await program.entries(1);
  assertEquals([entry!.reason, entry!.attempts], ["server-reset", 1]);
});

Deno.test("a request that was too large to be held is not sent again", async () => {
  await using bad = await ResettingServer.start("after reading");
  await using good = new TestServer(answer("served"));
  await using program = await Program.start([bad.address, `${good.address},backup`]);
  using client = await Deno.connect({ port: program.port });
  await writeAll(client, new Uint8Array(5000)).catch(() => {});
  assertEquals((await readAll(client).catch(() => [])).length, 0);
  const [entry] = await program.entries(1);
  assertEquals([entry!.reason, entry!.attempts], ["server-reset", 1]);
});

Deno.test("with --when-overloaded what was read of a large request while it waited is sent again", async () => {
  const hold = Promise.withResolvers<void>();
  await using bad = await ResettingServer.start("after reading");
  await using good = new TestServer(async (conn) => {
    const { length } = await readAll(conn);
    await hold.promise;
    await answer(`${length}`)(conn);
  }, { speaksFirst: true });
  using _ = { [Symbol.dispose]: () => hold.resolve() };
  const options = ["--workers", "1", "--when-overloaded", "shed"];
  await using program = await Program.start([bad.address, good.address], options);
  const active = async () => (await program.status()).active;
  // Who says nothing is not reset.
  using silent = await Deno.connect({ port: program.port });
  await until(async () => await active() === 1, "one destination is busy");
  const busy = request(program.port, "hello");
  await until(async () => await active() === 2, "both are busy");
  const large = request(program.port, "x".repeat(20_000));
  await until(async () => (await program.status()).waiting === 1, "it waits");
  silent.close();
  await until(async () => {
    const { waiting, destinations: [first] } = await program.status();
    return first.sessions === 2 && waiting === 1;
  }, "it was at the one that resets, and waits again");
  hold.resolve();
  assertEquals([await busy, await large], ["5", "20000"]);
  const entry = (await program.entries(3)).find(({ bytes_up }) => bytes_up === 20_000);
  assertEquals([entry!.reason, entry!.attempts, entry!.destination], ["done", 2, good.address]);
});

Deno.test("--redispatch unsent and off do not send a request twice", async () => {
  for (const mode of ["unsent", "off"]) {
    await using bad = await ResettingServer.start("after reading");
    await using good = new TestServer(answer("served"));
    await using program = await Program.start([bad.address, good.address], ["--redispatch", mode]);
    // The first one is served by the first destination.
    assertEquals(await request(program.port, "hello"), "");
    const [entry] = await program.entries(1);
    assertEquals([good.accepted, entry!.reason, entry!.attempts], [0, "server-reset", 1]);
  }
});

Deno.test("a session that is reset at two destinations ends, whatever the retries", async () => {
  for (const when of ["at once", "after reading"] as const) {
    await using servers = new AsyncDisposableStack();
    const all = [];
    for (let i = 0; i < 4; i++) all.push(servers.use(await ResettingServer.start(when)));
    const addresses = all.map(({ address }) => address);
    await using program = await Program.start(addresses, ["--retries", "9"]);
    for (let i = 0; i < 8; i++) assertEquals(await request(program.port, "hello"), "");
    for (const entry of await program.entries(8)) {
      assertEquals([entry.reason, entry.attempts], ["server-reset", 2]);
    }
    // Those that got no session are tried about now.
    await until(async () => {
      const { destinations } = await program.status();
      return destinations.every(({ state }: { state: string }) => state === "up");
    }, "all are up");
  }
});

Deno.test("a session that its only destination resets ends at once, though a backup stands by", async () => {
  await using bad = await ResettingServer.start("after reading");
  await using backup = new TestServer(answer("served"));
  await using program = await Program.start([bad.address, `${backup.address},backup`]);
  assertEquals(await request(program.port, "hello"), "");
  const [entry] = await program.entries(1);
  assertEquals([entry!.reason, entry!.attempts, backup.accepted], ["server-reset", 1, 0]);
});

Deno.test("one client's requests that a destination resets cost nobody else anything", async () => {
  // It closes with unread input, which is a reset.
  await using server = await ResettingServer.start("at BAD");
  await using program = await Program.start([server.address], ["--fall", "1"]);
  let over = false;
  const bad = (async () => {
    while (!over) assertEquals(await request(program.port, "BAD!").catch(() => ""), "");
  })();
  for (let i = 0; i < 200; i++) assertEquals(await request(program.port, "GOOD"), "served");
  over = true;
  await bad;
  const { destinations } = await program.status();
  assertEquals([destinations[0].state, destinations[0].failures], ["up", 0]);
  assertEquals(program.log.filter((line) => /is down/.test(line)), []);
});

Deno.test("a session that was reset waits for another destination, and nobody waits because of it", async () => {
  const hold = Promise.withResolvers<void>();
  await using bad = await ResettingServer.start("at BAD");
  await using busy = new TestServer(async (conn) => {
    await hold.promise;
    await answer("busy")(conn);
  });
  await using program = await Program.start([
    `${bad.address},workers=4`,
    `${busy.address},workers=1`,
  ]);
  const status = async () => await program.status();
  const first: Promise<string>[] = [];
  await until(() => {
    if (busy.accepted === 0) first.push(request(program.port, "GOOD"));
    return busy.accepted > 0;
  }, "one session keeps the other one busy");
  const moved = [request(program.port, "BAD 1"), request(program.port, "BAD 2")];
  await until(async () => (await status()).waiting === 2, "both wait for the other one");
  for (let i = 0; i < 50; i++) assertEquals(await request(program.port, "GOOD"), "served");
  await until(async () => (await status()).destinations[0].active === 0, "the last one is over");
  const waiting = await status();
  assertEquals(waiting.waiting, 2);
  assert(waiting.destinations[0].workers <= 2, "no worker is hired for what it may not have");
  hold.resolve();
  assertEquals(await Promise.all(moved), ["busy", "busy"]);
  await Promise.all(first);
  assertEquals(await program.terminate(), 0);
});

Deno.test("a session that waits for another destination ends as soon as none is left", async () => {
  const hold = Promise.withResolvers<void>();
  await using bad = await ResettingServer.start("at BAD");
  await using busy = new TestServer(async (conn) => {
    await hold.promise;
    await answer("busy")(conn);
  });
  await using program = await Program.start(
    [`${bad.address},workers=4`, `${busy.address},workers=1`],
    ["--check", "tcp", "--check-interval", "20ms", "--fall", "1"],
  );
  const first: Promise<string>[] = [];
  await until(() => {
    if (busy.accepted === 0) first.push(request(program.port, "GOOD"));
    return busy.accepted > 0;
  }, "one session keeps the other one busy");
  const moved = request(program.port, "BAD");
  await until(async () => (await program.status()).waiting === 1, "it waits for the other one");
  busy.stopListening();
  assertEquals(await moved, "");
  hold.resolve();
  await Promise.all(first);
  const ended = (await program.entries(first.length + 1)).filter(({ reason }) => reason !== "done");
  assertEquals(ended.map(({ reason, attempts }) => [reason, attempts]), [["server-reset", 1]]);
});

Deno.test("a reset asks for a probe soon, but not more than about one a second", async () => {
  await using server = await ResettingServer.start("at BAD");
  await using program = await Program.start([server.address]);
  const began = performance.now();
  let sent = 0;
  while (performance.now() - began < 2500) {
    await request(program.port, "BAD").catch(() => "");
    sent++;
  }
  const most = 3 + Math.floor((performance.now() - began) / 1000);
  const probes = server.accepted - sent;
  assert(probes >= 3 && probes <= most, `${probes} probes beside ${sent} requests`);
  await server[Symbol.asyncDispose]();
  await program.logged(/is down: .*refused/i);
});
