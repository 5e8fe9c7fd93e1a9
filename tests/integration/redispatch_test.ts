import { assert, assertEquals } from "@std/assert";
import { hasProc, nothingLeft, openDescriptors } from "../support/process.ts";
import { Program } from "../support/program.ts";
import { ResettingServer } from "../support/resetting.ts";
import { answer, readAll, request, TestServer, writeAll } from "../support/servers.ts";

for (const when of ["at once", "after reading"] as const) {
  Deno.test(`a destination that resets ${when} costs its clients nothing`, async () => {
    await using bad = await ResettingServer.start(when);
    await using good = new TestServer(answer("served"));
    await using program = await Program.start([bad.address, good.address]);
    const descriptors = hasProc ? openDescriptors(program.pid) : 0;
    for (let i = 0; i < 20; i++) assertEquals(await request(program.port, "hello"), "served");
    const entries = await program.entries(20);
    assertEquals(entries.filter(({ reason }) => reason !== "done"), []);
    const [first] = entries;
    assertEquals([first!.attempts, first!.destination], [2, good.address]);
    assertEquals([first!.bytes_up, first!.bytes_down], [5, 6]);
    await program.logged(/is down: .*reset/);
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

Deno.test("--redispatch unsent and off do not send a request twice", async () => {
  for (const mode of ["unsent", "off"]) {
    await using bad = await ResettingServer.start("after reading");
    await using good = new TestServer(answer("served"));
    await using program = await Program.start(
      [bad.address, `${good.address},backup`],
      ["--redispatch", mode],
    );
    assertEquals(await request(program.port, "hello"), "");
    assertEquals([good.accepted, (await program.entries(1))[0]!.reason], [0, "server-reset"]);
  }
});

Deno.test("a session that is reset everywhere ends when its retries are used up", async () => {
  await using first = await ResettingServer.start("at once");
  await using second = await ResettingServer.start("at once");
  await using program = await Program.start([first.address, second.address], ["--retries", "1"]);
  assertEquals(await request(program.port, "hello"), "");
  const [entry] = await program.entries(1);
  // A reset that comes soon enough is a failed connect already.
  assert(["server-reset", "connect-failed"].includes(entry!.reason), entry!.reason);
  assertEquals(entry!.attempts, 2);
  assert(first.accepted >= 1 && second.accepted >= 1);
});
