import { assert, assertEquals, assertGreater } from "@std/assert";
import { hasProc, nothingLeft, openDescriptors } from "../support/process.ts";
import { Program } from "../support/program.ts";
import { answer, freePort, readAll, request, TestServer, until } from "../support/servers.ts";
import { unless } from "../support/unless.ts";

Deno.test("a destination that does not listen costs no connection, and gets its share once it does", async () => {
  const port = freePort();
  await using first = new TestServer(answer("first"));
  await using program = await Program.start([first.address, `127.0.0.1:${port}`]);
  const descriptors = hasProc ? openDescriptors(program.pid) : 0;
  for (let i = 0; i < 1000; i++) assertEquals(await request(program.port, "hello"), "first");
  assertEquals(program.log.filter((line) => line.includes("is down")).length, 1);

  await using second = new TestServer(answer("second"), { port });
  const started = performance.now();
  await program.logged(/is up again/);
  assert(performance.now() - started < 10_000);
  const answers: string[] = [];
  for (let i = 1; i <= 100; i++) {
    answers.push(await request(program.port, "hello"));
    await program.entries(1000 + i);
  }
  assertEquals(answers.filter((text) => text === "second").length, 50);
  assertEquals(second.accepted, 50);
  assertGreater(second.looks, 0, "the probe is a connection, too");
  const left = { destinations: [first.port, port], descriptors, more: 8 };
  if (hasProc) await nothingLeft(program.pid, left);
  assertEquals(await program.terminate(), 0);
  const failed = program.access().filter(({ reason }) => reason !== "done");
  assertEquals(failed, []);
});

Deno.test("while every destination is down sessions wait, and are served when one comes up", async () => {
  const port = freePort();
  await using program = await Program.start([`127.0.0.1:${port}`]);
  const answers = Array.from({ length: 20 }, (_, i) => request(program.port, `${i}`));
  await program.logged(/is down/);
  await until(async () => (await program.status()).waiting === 20, "all sessions wait");
  await using _server = new TestServer(answer("served"), { port });
  assertEquals(await Promise.all(answers), Array(20).fill("served"));
});

Deno.test("sessions that come back from a failed connect keep their order", async () => {
  const port = freePort();
  await using program = await Program.start([`127.0.0.1:${port}`], ["--workers", "1"]);
  const answers: Promise<string>[] = [];
  for (let i = 0; i < 10; i++) {
    answers.push(request(program.port, `${i}`));
    await until(async () => (await program.status()).accepted === i + 1, "it is accepted");
  }
  const order: string[] = [];
  await using _server = new TestServer(async (conn) => {
    const text = new TextDecoder().decode(await readAll(conn));
    if (text) order.push(text);
    await conn.closeWrite();
  }, { port });
  await Promise.all(answers);
  assertEquals(order, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
});

Deno.test("a session ends with connect-failed when its retries are used up", async () => {
  await using servers = new AsyncDisposableStack();
  const all = [0, 1, 2].map(() => servers.use(new TestServer(answer("served"))));
  await using program = await Program.start(all.map(({ address }) => address), [
    "--retries",
    "1",
  ]);
  await until(() => all.every(({ looks }) => looks > 0), "all were found to be there");
  for (const server of all) server.stopListening();
  assertEquals(await request(program.port, "hello"), "");
  const [entry] = await program.entries(1);
  assertEquals([entry!.reason, entry!.attempts, entry!.connect_ms], ["connect-failed", 2, null]);
});

Deno.test("a session ends with queue-timeout when no destination comes up in time", async () => {
  await using program = await Program.start(
    [`127.0.0.1:${freePort()}`],
    ["--queue-timeout", "300ms"],
  );
  const began = performance.now();
  assertEquals(await request(program.port, "hello"), "");
  const took = performance.now() - began;
  assert(took >= 290 && took < 10_000, `${took} ms`);
  assertEquals((await program.entries(1))[0]!.reason, "queue-timeout");
});

Deno.test(
  unless("all addresses of localhost are tried", { "there is no ::1": !canListen("::1") }),
  async () => {
    await using server = new TestServer(answer("over IPv6"), { hostname: "::1" });
    await using program = await Program.start([`localhost:${server.port}`]);
    assertEquals(await request(program.port, "hello"), "over IPv6");
    assertEquals((await program.entries(1))[0]!.attempts, 1);
  },
);

function canListen(hostname: string): boolean {
  try {
    Deno.listen({ hostname, port: 0 }).close();
    return true;
  } catch {
    return false;
  }
}
