import { assert, assertEquals } from "@std/assert";
import { hasProc, nothingLeft, openDescriptors } from "../support/process.ts";
import { Program } from "../support/program.ts";
import {
  echo,
  readAll,
  readExactly,
  request,
  TestServer,
  until,
  writeAll,
} from "../support/servers.ts";

const HELLO = new TextEncoder().encode("hello");

/** Whether the program serves a new client; one that is not let in is closed. */
async function isServed(port: number): Promise<boolean> {
  return await request(port, "hello").catch(() => "") === "hello";
}

Deno.test("--deny closes clients at once, --allow before it lets them in", async () => {
  await using server = new TestServer(echo);
  for (
    const [rules, served] of [
      [["--deny", "127.0.0.0/8"], false],
      [["--allow", "127.0.0.1", "--deny", "127.0.0.0/8"], true],
      [["--deny=127.0.0.0/8", "--allow", "127.0.0.1"], false],
      [["--deny", "10.0.0.0/8,::1"], true],
    ] as const
  ) {
    await using program = await Program.start([server.address], rules);
    assertEquals(await isServed(program.port), served, rules.join(" "));
    const total = async () => Object.values((await program.status()).ended).length;
    await until(async () => await total() > 0, "the session has ended");
    const { ended } = await program.status();
    assertEquals(ended, served ? { done: 1 } : { "refused-address": 1 });
    assertEquals(await program.terminate(), 0);
  }
});

Deno.test("an IPv4 client of a dual-stack listener is an IPv4 client", async () => {
  await using server = new TestServer(echo);
  await using program = await Program.spawn(["--deny", "127.0.0.1", "0", server.address]);
  assertEquals(await isServed(program.port), false);
});

Deno.test("--max-per-ip limits the sessions of one address at a time", async () => {
  await using server = new TestServer(echo);
  await using program = await Program.start([server.address], ["--max-per-ip", "2"]);
  const clients: Deno.TcpConn[] = [];
  for (let i = 0; i < 2; i++) {
    const client = await Deno.connect({ port: program.port });
    await writeAll(client, HELLO);
    await readExactly(client, 5);
    clients.push(client);
  }
  assertEquals(await isServed(program.port), false);
  clients[0]!.close();
  await until(() => isServed(program.port), "the place is free again");
  clients[1]!.close();
  await until(async () => (await program.status()).active === 0, "all have ended");
  assert((await program.status()).ended["refused-per-ip"] >= 1);
});

Deno.test("--rate-per-ip limits the new sessions of one address", async () => {
  await using server = new TestServer(echo);
  await using program = await Program.start([server.address], ["--rate-per-ip", "10"]);
  const began = performance.now();
  const served = await Promise.all(Array.from({ length: 100 }, () => isServed(program.port)));
  const seconds = (performance.now() - began) / 1000;
  const number = served.filter(Boolean).length;
  assert(number >= 10 && number <= 10 + seconds * 10 + 1, `${number} in ${seconds} s`);
  await until(() => isServed(program.port), "it is let in again");
  assertEquals(await program.terminate(), 0);
  const lines = program.log.filter((line) => line.includes("refused: "));
  assert(lines.length >= 1 && lines.length <= 1 + Math.ceil(seconds) + 2, "the log is not flooded");
});

Deno.test("--overflow reject closes clients that have no place, at once", async () => {
  const hold = Promise.withResolvers<void>();
  await using server = new TestServer(async (conn) => {
    await hold.promise;
    await echo(conn);
  });
  await using program = await Program.start(
    [server.address],
    ["--workers", "2", "--queue", "3", "--overflow", "reject"],
  );
  const admitted: Promise<string>[] = [];
  for (let i = 1; i <= 5; i++) {
    admitted.push(request(program.port, `${i}`));
    await until(async () => (await program.status()).accepted === i, "it is accepted");
  }
  for (let i = 0; i < 10; i++) {
    using client = await Deno.connect({ port: program.port });
    assertEquals((await readAll(client).catch(() => [])).length, 0);
  }
  assertEquals((await program.status()).ended, { "refused-overflow": 10 });
  hold.resolve();
  assertEquals(await Promise.all(admitted), ["1", "2", "3", "4", "5"]);
  assertEquals(await program.terminate(), 0);
});

Deno.test("a burst of clients beyond the places is refused exactly", async () => {
  const hold = Promise.withResolvers<void>();
  await using server = new TestServer(async (conn) => {
    await hold.promise;
    await echo(conn);
  });
  await using program = await Program.start(
    [server.address],
    ["--workers", "5", "--queue", "5", "--overflow", "reject"],
  );
  const descriptors = hasProc ? openDescriptors(program.pid) : 0;
  const answers = Array.from({ length: 200 }, () => request(program.port, "hello").catch(() => ""));
  await until(async () => (await program.status()).accepted === 200, "all have come");
  const { ended, waiting, active } = await program.status();
  assertEquals([ended["refused-overflow"], waiting, active], [190, 5, 5]);
  hold.resolve();
  assertEquals((await Promise.all(answers)).filter((text) => text === "hello").length, 10);
  const left = { destinations: [server.port], descriptors, more: 8 };
  if (hasProc) await nothingLeft(program.pid, left);
});
