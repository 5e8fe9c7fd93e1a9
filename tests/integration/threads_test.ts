import { assert, assertEquals } from "@std/assert";
import { hasProc, nothingLeft, openDescriptors } from "../support/process.ts";
import { Program, runProgram } from "../support/program.ts";
import { answer, echo, readAll, request, TestServer, until, writeAll } from "../support/servers.ts";

Deno.test("--threads share a port, their limits and one access log", async () => {
  await using server = new TestServer(answer("served"));
  await using program = await Program.start([server.address], ["--threads", "2"]);
  await program.logged(/"2 threads"/);
  const descriptors = hasProc ? openDescriptors(program.pid) : 0;
  for (let i = 0; i < 60; i += 20) {
    const requests = Array.from({ length: 20 }, () => request(program.port, "hello"));
    for (const text of await Promise.all(requests)) assertEquals(text, "served");
  }
  const entries = await program.entries(60);
  assertEquals(new Set(entries.map(({ id }) => id)).size, 60);
  const odd = entries.filter(({ id }) => Number(id.split(".")[1]) % 2 === 1);
  assert(odd.length > 0 && odd.length < 60, `${odd.length} of 60 were the first thread's`);
  const status = await program.status();
  assertEquals([status.accepted, status.ended], [60, { done: 60 }]);
  const left = { destinations: [server.port], descriptors, more: 16 };
  if (hasProc) await nothingLeft(program.pid, left);
  assertEquals(await program.terminate(), 0);
  await program.logged(/60 accepted = 60 finished/);
});

Deno.test("threads together have no more workers than one", async () => {
  const release = Promise.withResolvers<void>();
  await using server = new TestServer(async (conn) => {
    await release.promise;
    await answer("served")(conn);
  });
  const options = ["--threads", "2", "--workers", "5"];
  await using program = await Program.start([server.address], options);
  const requests = Array.from({ length: 40 }, () => request(program.port, "hello"));
  await until(async () => (await program.status()).waiting === 35, "the workers are busy");
  await until(() => server.open === 5, "the server has all that it may have");
  release.resolve();
  for (const text of await Promise.all(requests)) assertEquals(text, "served");
  assertEquals(server.mostOpen, 5);
  assertEquals(await program.terminate(), 0);
});

Deno.test("SIGTERM drains every thread", async () => {
  const release = Promise.withResolvers<void>();
  await using server = new TestServer(async (conn) => {
    await release.promise;
    await answer("served")(conn);
  });
  const options = ["--threads", "2", "--workers", "10"];
  await using program = await Program.start([server.address], options);
  const requests = Array.from({ length: 60 }, () => request(program.port, "hello"));
  await until(async () => (await program.status()).waiting === 50, "ten are served");
  program.signal("SIGTERM");
  await program.logged(/draining: 10 sessions active, 50 waiting/);
  release.resolve();
  for (const text of await Promise.all(requests)) assertEquals(text, "served");
  assertEquals(await program.ended(), 0);
  await program.logged(/60 accepted = 60 finished/);
});

Deno.test("a second signal cuts the sessions of every thread", async () => {
  await using server = new TestServer(echo);
  await using program = await Program.start([server.address], ["--threads", "2"]);
  const clients = await Promise.all(
    Array.from({ length: 20 }, () => Deno.connect({ port: program.port })),
  );
  for (const client of clients) await writeAll(client, new Uint8Array(1));
  await until(async () => (await program.status()).active === 20, "all are being served");
  program.signal("SIGTERM");
  await program.logged(/draining/);
  program.signal("SIGTERM");
  assertEquals(await program.ended(), 1);
  await program.logged(/20 accepted = 0 finished \+ 20 cut/);
  for (const client of clients) {
    await readAll(client).catch(() => {});
    client.close();
  }
});

Deno.test("a port that another program has is not shared with it", async () => {
  await using first = await Program.start(["127.0.0.1:1"], ["--threads", "2"]);
  const { code, stderr } = await runProgram(["--threads", "2", `127.0.0.1:${first.port}`, "1"]);
  assertEquals(code, 1);
  assert(stderr.includes("the address is in use"), stderr);
  assertEquals(await first.terminate(), 0);
});

Deno.test("limits that threads cannot divide are refused", async () => {
  const cases: [args: string[], problem: string][] = [
    [["--workers", "1", "8080", "9001"], 'the workers of "9001" cannot be divided by it; must be'],
    [["8080", "9001,workers=1"], 'the workers of "9001,workers=1" cannot be divided by it'],
    [["--queue", "1", "8080", "9001"], "--queue 1 cannot be divided by it; must be at most 1"],
    [["--max-per-ip", "9", "8080", "9001"], "--max-per-ip counts in one thread only; must be 1"],
    [["unix:/tmp/a", "9001"], "a Unix-domain socket cannot be shared; must be 1"],
    [["--demo"], "--demo runs in one thread; must be 1"],
  ];
  for (const [args, problem] of cases) {
    const { code, stderr } = await runProgram(["--threads", "2", ...args]);
    assertEquals([code, stderr.trim().split("\n").length], [2, 1], stderr);
    assert(stderr.includes(`--threads "2": ${problem}`), stderr);
  }
});
