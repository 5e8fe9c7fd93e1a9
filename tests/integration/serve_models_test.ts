import { assert, assertEquals, assertMatch } from "@std/assert";
import { allGone, childrenOf, hasProc } from "../support/process.ts";
import { Program, runProgram } from "../support/program.ts";
import { freePort, readAll, request, tryClose, until, writeAll } from "../support/servers.ts";
import { unless } from "../support/unless.ts";

const GET = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

async function serve(service: string, options: readonly string[]): Promise<Program> {
  const listen = `127.0.0.1:${freePort()}`;
  return await Program.spawn(["serve", service, listen, "--log-format", "json", ...options]);
}

/** A client that goes out to lunch in the middle of its request. */
async function lunch(port: number): Promise<Deno.Conn> {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await writeAll(conn, new TextEncoder().encode("GET / HT"));
  return conn;
}

Deno.test("with iterative one who is out to lunch holds everybody up, with event nobody", async () => {
  await using event = await serve("http", ["--model", "event"]);
  const away = await lunch(event.port);
  await until(async () => (await event.status()).active === 1, "it is served");
  assertMatch(await request(event.port, GET), /Hello from/);
  tryClose(away);
  await using iterative = await serve("http", ["--model", "iterative"]);
  const first = await lunch(iterative.port);
  await until(async () => (await iterative.status()).active === 1, "it is served");
  const others = [request(iterative.port, GET), request(iterative.port, GET)];
  const early = await Promise.race([...others, iterative.status()]);
  assert(typeof early !== "string", "the status comes before any answer");
  assertEquals([early.active, early.accepted], [1, 1]);
  tryClose(first);
  for (const answer of await Promise.all(others)) assertMatch(answer, /Hello from/);
  assertEquals((await iterative.status()).accepted, 3);
  for (const program of [event, iterative]) assertEquals(await program.terminate(), 0);
});

Deno.test("threads share a port, and say at the end how many sessions each had", async () => {
  await using program = await serve("daytime", ["--model", "threads", "--threads", "2"]);
  for (let i = 0; i < 40; i += 10) {
    const all = Array.from({ length: 10 }, () => request(program.port, ""));
    for (const text of await Promise.all(all)) assertMatch(text, /-UTC\r\n$/);
  }
  const { children } = await program.status();
  assertEquals(children.map(({ name }: { name: string }) => name), ["thread 0", "thread 1"]);
  const accepted: number[] = children.map(({ accepted }: { accepted: number }) => accepted);
  assertEquals(accepted[0]! + accepted[1]!, 40);
  assert(accepted.every((number) => number > 0), `${accepted}`);
  program.signal("SIGINT");
  assertEquals(await program.ended(), 0);
  await program.logged(new RegExp(`${accepted[0]} by thread 0, ${accepted[1]} by thread 1`));
});

Deno.test("iterative answers one datagram after the other", async () => {
  const port = freePort();
  const args = ["serve", "echo", `udp:127.0.0.1:${port}`, "--model", "iterative"];
  await using program = await Program.spawn([...args, "--log-format", "json"]);
  const client = ["send", "--udp", `127.0.0.1:${port}`, "one", "two"];
  const all = await Promise.all([runProgram(client), runProgram(client)]);
  for (const { stdout } of all) assertEquals(stdout, "3 bytes: one\n3 bytes: two\n");
  assertEquals(await program.terminate(), 0);
});

async function exchange(port: number, text: string): Promise<string> {
  return (await runProgram(["send", "--udp", `127.0.0.1:${port}`, text])).stdout;
}

/** From which process an answer came. */
function pidOf(answer: string): number {
  return Number(/Hello from process (\d+)/.exec(answer)![1]);
}

const needsProc = { "there is no /proc": !hasProc };

Deno.test({
  ...unless("each client has a process, which is gone with it, and others wait", needsProc),
  fn: async () => {
    const options = ["--model", "process", "--max-processes", "2"];
    await using program = await serve("http", options);
    const pids = [await request(program.port, GET), await request(program.port, GET)].map(pidOf);
    assert(pids[0] !== pids[1], `${pids}`);
    await until(() => childrenOf(program.pid).length === 0, "both have ended");
    const away = [await lunch(program.port), await lunch(program.port)];
    await until(() => childrenOf(program.pid).length === 2, "two have started");
    const third = request(program.port, GET);
    assertEquals((await program.status()).accepted, 4);
    tryClose(away[0]!);
    assertMatch(await third, /Hello from process/);
    // One that is killed takes its own client with it, and nobody else.
    await until(() => childrenOf(program.pid).length === 1, "the others have ended");
    const [victim] = childrenOf(program.pid);
    Deno.kill(victim!, "SIGKILL");
    assertEquals((await readAll(away[1]!).catch(() => new Uint8Array())).length, 0);
    tryClose(away[1]!);
    await program.logged(/the process \d+ of http ended early: SIGKILL/);
    assertMatch(await request(program.port, GET), /Hello from process/);
    assertEquals(await program.terminate(), 0);
  },
});

Deno.test({
  ...unless("preforked processes serve one client after the other, and are counted", needsProc),
  fn: async () => {
    const options = ["--min-spare", "1", "--max-spare", "1", "--requests-per-process", "3"];
    const pool = ["--model", "preforked", "--max-processes", "3", ...options];
    await using program = await serve("http", pool);
    await until(() => childrenOf(program.pid).length === 1, "one is spare");
    const [before] = childrenOf(program.pid);
    const away = [await lunch(program.port), await lunch(program.port), await lunch(program.port)];
    await until(() => childrenOf(program.pid).length === 3, "as many as there may be");
    assert(childrenOf(program.pid).includes(before!));
    const waiting = request(program.port, GET);
    tryClose(away[0]!);
    assertMatch(await waiting, /Hello from process/);
    for (const conn of away) tryClose(conn);
    await until(() => childrenOf(program.pid).length === 1, "the others have ended");
    for (let i = 0; i < 7; i++) assertMatch(await request(program.port, GET), /Hello from process/);
    const { children } = await program.status();
    const counts = children.map(({ accepted }: { accepted: number }) => accepted);
    assertEquals(counts.reduce((sum: number, number: number) => sum + number, 0), 11);
    assert(counts.every((number: number) => number <= 3), `${counts}`);
    const pids = childrenOf(program.pid);
    program.signal("SIGINT");
    assertEquals(await program.ended(), 0);
    await program.logged(/sessions accepted: .*\d by process \d+/);
    await allGone(pids);
  },
});

Deno.test({
  ...unless(
    "processes answer datagrams, one for each client or one client after the other",
    needsProc,
  ),
  fn: async () => {
    const pool = ["--model", "preforked", "--min-spare", "1", "--max-spare", "1"];
    for (const model of [["--model", "process"], pool]) {
      const port = freePort();
      const args = ["serve", "echo", `udp:127.0.0.1:${port}`, ...model, "--max-processes", "2"];
      await using program = await Program.spawn([...args, "--log-format", "json"]);
      const texts = ["one", "two", "three"];
      const all = await Promise.all(texts.map((text) => exchange(port, text)));
      assertEquals(all, texts.map((text) => `${text.length} bytes: ${text}\n`));
      await until(() => program.out.length === 3, "each session is over with its answer");
      assert(program.access().every(({ reason }) => reason === "done"));
      const left = model === pool ? 1 : 0;
      await until(
        () => childrenOf(program.pid).length === left,
        "those who are too many have ended",
      );
      if (model === pool) {
        const { children } = await program.status();
        const accepted = children.map(({ accepted }: { accepted: number }) => accepted);
        assertEquals(accepted.reduce((sum: number, number: number) => sum + number, 0), 3);
        // One that is killed is replaced when somebody comes.
        Deno.kill(childrenOf(program.pid)[0]!, "SIGKILL");
        await program.logged(/the process \d+ of echo ended early: SIGKILL/);
        assertEquals(await exchange(port, "four"), "4 bytes: four\n");
      }
      const pids = childrenOf(program.pid);
      assertEquals(await program.terminate(), 0);
      await allGone(pids);
    }
  },
});

Deno.test({
  ...unless(
    "processes that accept for themselves share a port, and one that dies is replaced",
    needsProc,
  ),
  fn: async () => {
    const kernel = ["--model", "preforked", "--accept", "kernel", "--max-processes", "2"];
    await using program = await serve("http", [...kernel, "--delay", "1ms"]);
    assertEquals(childrenOf(program.pid).length, 2);
    for (let i = 0; i < 40; i += 4) {
      const all = Array.from({ length: 4 }, () => request(program.port, GET));
      for (const text of await Promise.all(all)) assertMatch(text, /Hello from/);
    }
    const { children, accepted } = await program.status();
    const pids = childrenOf(program.pid);
    assertEquals(accepted, 40);
    assertEquals(
      children.map(({ name }: { name: string }) => name).sort(),
      pids.map((pid) => `process ${pid}`).sort(),
    );
    assert(children.every(({ accepted }: { accepted: number }) => accepted > 0));
    // Each has one client at a time: who comes to one that is out to lunch waits, as the docs say.
    const away = await lunch(program.port);
    await until(async () => (await program.status()).active === 1, "it is served");
    tryClose(away);
    Deno.kill(pids[0]!, "SIGKILL");
    await program.logged(
      /process \d has ended, its sessions are lost: its process has ended: SIGKILL/,
    );
    await program.logged(/thread \d serves again/);
    assertMatch(await request(program.port, GET), /Hello from/);
    const later = childrenOf(program.pid);
    assertEquals([later.length, later.includes(pids[0]!)], [2, false]);
    program.signal("SIGINT");
    assertEquals(await program.ended(), 0);
    await program.logged(/sessions accepted: .*\d by process \d+/);
    await allGone(later);
  },
});

Deno.test({
  ...unless("spare processes leave the descriptors to those who are served", needsProc),
  fn: async () => {
    const pool = ["--model", "preforked", "--min-spare", "5", "--max-spare", "16"];
    const listen = `127.0.0.1:${freePort()}`;
    const args = ["serve", "http", listen, "--log-format", "json", ...pool];
    await using program = await Program.spawn(args, "ulimit -n 72");
    for (let i = 0; i < 3; i++) {
      const all = Array.from({ length: 20 }, () => request(program.port, GET));
      for (const text of await Promise.all(all)) assertMatch(text, /Hello from process/);
    }
    assertEquals((await program.status()).ended.done, 60);
    const warnings = program.log.filter((line) => line.includes('"warning"'));
    assertEquals(warnings.filter((line) => !line.includes("limit of open files")), []);
    const pids = childrenOf(program.pid);
    assertEquals(await program.terminate(), 0);
    await allGone(pids);
  },
});

Deno.test({
  ...unless("a program that is killed leaves no process behind", needsProc),
  fn: async () => {
    const models = [
      ["process"],
      ["preforked"],
      ["preforked", "--accept", "kernel", "--max-processes", "2"],
      ["hybrid", "--threads", "2"],
    ];
    for (const model of models) {
      await using program = await serve("http", ["--model", ...model, "--delay", "1h"]);
      const conn = await Deno.connect({ hostname: "127.0.0.1", port: program.port });
      await writeAll(conn, new TextEncoder().encode(GET));
      await until(async () => (await program.status()).active === 1, "it is served");
      await until(() => childrenOf(program.pid).length > 0, "it has a process");
      const pids = childrenOf(program.pid);
      program.signal("SIGKILL");
      await allGone([program.pid, ...pids]);
      tryClose(conn);
    }
  },
});

Deno.test({
  ...unless("a drain ends what processes keep open for a next request", needsProc),
  fn: async () => {
    for (const model of ["process", "preforked"]) {
      await using program = await serve("http", ["--model", model, "--requests", "0"]);
      using conn = await Deno.connect({ hostname: "127.0.0.1", port: program.port });
      await writeAll(conn, new TextEncoder().encode(GET));
      assert(await conn.read(new Uint8Array(1000)));
      const pids = childrenOf(program.pid);
      const begun = performance.now();
      assertEquals(await program.terminate(), 0);
      assert(performance.now() - begun < 20_000, "nothing was cut by the limit of the drain");
      await allGone(pids);
    }
  },
});

Deno.test("with -i a service is for the one client that standard input and output are", async () => {
  const { code, stdout } = await runProgram(["serve", "daytime", "-i"]);
  assertEquals(code, 0);
  assertMatch(stdout, /^\w+day, .*-UTC\r\n$/);
});
