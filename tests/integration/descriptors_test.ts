import { assert, assertEquals } from "@std/assert";
import { cpuSeconds } from "../support/process.ts";
import { Program } from "../support/program.ts";
import { echo, readAll, request, TestServer, until, writeAll } from "../support/servers.ts";

const ignore = Deno.build.os !== "linux";

Deno.test("with few descriptors only as many sessions are accepted as can be served", {
  ignore,
}, async () => {
  await using server = new TestServer(echo);
  await using program = await Program.start([server.address], [], "ulimit -n 64");
  const clients = await Promise.all(
    Array.from({ length: 100 }, () => Deno.connect({ port: program.port })),
  );
  await program.logged(/open files has room for \d+ sessions/);
  const { limit } = JSON.parse(await program.logged(/open files has room/));
  assert(limit >= 5 && limit <= 20, `${limit} sessions of two descriptors in a limit of 64`);
  await until(async () => (await program.status()).active === limit, "the limit is reached");
  assertEquals((await program.status()).accepted, limit);
  await Promise.all(clients.map(async (client, i) => {
    await writeAll(client, new TextEncoder().encode(`client ${i}`));
    await client.closeWrite();
    assertEquals(new TextDecoder().decode(await readAll(client)), `client ${i}`);
    client.close();
  }));
  await until(async () => (await program.status()).ended.done === 100, "all sessions are done");
  assertEquals(program.log.filter((line) => line.includes('"warning"')), []);
  assertEquals(await program.terminate(), 0);
});

Deno.test("when descriptors run out, accepting pauses without a spin and then goes on", {
  ignore,
}, async () => {
  await using server = new TestServer(echo);
  await using program = await Program.start(
    [server.address],
    ["--max-connections", "1000"],
    "ulimit -n 64",
  );
  const clients = await Promise.all(
    Array.from({ length: 100 }, () => Deno.connect({ port: program.port })),
  );
  await program.logged(/accepting pauses/);
  const before = cpuSeconds(program.pid);
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const used = cpuSeconds(program.pid) - before;
  assert(used < 0.3, `${used} s of CPU in a second of waiting`);
  const pauses = program.log.filter((line) => line.includes("pauses")).length;
  assert(pauses <= 2, "one line for accepting, one for connecting");
  for (const client of clients) client.close();
  assertEquals(await request(program.port, "hello"), "hello");
  assertEquals((await program.status()).destinations[0].state, "up");
  assertEquals(await program.terminate(), 0);
});
