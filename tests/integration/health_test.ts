import { assert, assertEquals } from "@std/assert";
import { hasProc, nothingLeft, openDescriptors } from "../support/process.ts";
import { Program } from "../support/program.ts";
import { answer, freePort, readAll, request, TestServer, until } from "../support/servers.ts";

/** An HTTP-like destination whose check can be made to fail; other requests get `text`. */
function checkedServer(text: string) {
  const state = { healthy: true, checks: 0 };
  const server = new TestServer(async (conn) => {
    const buffer = new Uint8Array(1000);
    const n = await conn.read(buffer) ?? 0;
    const isCheck = new TextDecoder().decode(buffer.subarray(0, n)).startsWith("GET /health");
    if (isCheck) state.checks++;
    else await readAll(conn);
    const status = state.healthy ? "200 OK" : "503 Service Unavailable";
    await conn.write(new TextEncoder().encode(isCheck ? `HTTP/1.1 ${status}\r\n\r\n` : text));
    await conn.closeWrite();
  });
  return { state, server };
}

const CHECK = ["--check", "http:/health", "--check-interval", "50ms"];

Deno.test("a destination whose check fails takes no sessions until it passes again", async () => {
  const first = checkedServer("first");
  const second = checkedServer("second");
  await using _first = first.server;
  await using _second = second.server;
  await using program = await Program.start([first.server.address, second.server.address], CHECK);
  await until(() => first.state.checks > 2, "it is checked");
  first.state.healthy = false;
  await program.logged(/is down: its check got HTTP 503/);
  for (let i = 0; i < 10; i++) assertEquals(await request(program.port, "hello"), "second");
  first.state.healthy = true;
  await program.logged(/is up again/);
  const answers = new Set<string>();
  for (let i = 0; i < 4; i++) answers.add(await request(program.port, "hello"));
  assertEquals([...answers].sort(), ["first", "second"]);
  assertEquals(await program.terminate(), 0);
});

Deno.test("--fall and --rise are the numbers of checks in a row", async () => {
  const { state, server } = checkedServer("x");
  await using _ = server;
  await using program = await Program.start(
    [server.address, "127.0.0.1:1,backup"],
    [...CHECK, "--fall", "5", "--rise", "4", "--log-level", "debug"],
  );
  await until(() => state.checks > 0, "it is checked");
  const healthy = program.log.length;
  state.healthy = false;
  const down = await program.logged(new RegExp(`${server.address} is down`));
  const earlier = program.log.slice(healthy, program.log.indexOf(down));
  const failed = earlier.filter((line) => line.includes(`${server.address} failed`));
  assertEquals(failed.length, 5);
  const before = state.checks;
  state.healthy = true;
  await program.logged(/is up again/);
  assert(state.checks - before >= 4);
});

Deno.test("with every check failing sessions are served all the same, and the log says so", async () => {
  const { state, server } = checkedServer("served");
  await using _ = server;
  state.healthy = false;
  await using program = await Program.start([server.address, `127.0.0.1:${freePort()}`], CHECK);
  await program.logged(/panic: every destination is down/);
  for (let i = 0; i < 5; i++) assertEquals(await request(program.port, "hello"), "served");
  state.healthy = true;
  await program.logged(/the panic is over/);
  assertEquals(await program.terminate(), 0);
});

Deno.test("a session is not sent twice to a destination that has failed it", async () => {
  await using good = new TestServer(answer("served"));
  await using program = await Program.start(
    [`127.0.0.1:${freePort()}`, good.address],
    ["--fall", "100"],
  );
  for (let i = 0; i < 50; i++) assertEquals(await request(program.port, "hello"), "served");
  const entries = await program.entries(50);
  assertEquals(entries.filter(({ attempts }) => attempts > 2), []);
  assertEquals(program.log.filter((line) => line.includes("is down")), []);
  const { destinations } = await program.status();
  assertEquals(destinations[0].state, "suspect");
});

Deno.test("a destination that is down gets one probe at a time, whatever the load", async () => {
  const port = freePort();
  await using good = new TestServer(answer("served"));
  await using program = await Program.start(
    [`127.0.0.1:${port}`, good.address],
    ["--log-level", "debug"],
  );
  assertEquals(await request(program.port, "hello"), "served");
  await program.logged(/is down/);
  const descriptors = hasProc ? openDescriptors(program.pid) : 0;
  const began = performance.now();
  const clients = Array.from({ length: 500 }, () => request(program.port, "hello"));
  assertEquals(await Promise.all(clients), Array(500).fill("served"));
  const { failures } = (await program.status()).destinations[0];
  // At 50 ms at the least, then 100, 200, ...
  const probes = Math.ceil(Math.log2((performance.now() - began) / 50 + 2)) + 1;
  assert(failures <= 1 + probes, `${failures} connects to a dead port, ${probes} probes expected`);
  const left = { destinations: [port, good.port], descriptors, more: 8 };
  if (hasProc) await nothingLeft(program.pid, left);
});

Deno.test("--slow-start gives a destination its workers little by little", async () => {
  const port = freePort();
  await using program = await Program.start(
    [`127.0.0.1:${port},workers=10`],
    ["--slow-start", "1s"],
  );
  const answers = Array.from({ length: 10 }, () => request(program.port, "hello"));
  await until(async () => (await program.status()).waiting === 10, "all sessions wait");
  const arrivals: number[] = [];
  const hold = Promise.withResolvers<void>();
  await using server = new TestServer(async (conn) => {
    arrivals.push(performance.now());
    await hold.promise;
    await answer("served")(conn);
  }, { port });
  await until(() => server.open === 10, "all workers are busy");
  hold.resolve();
  assertEquals(await Promise.all(answers), Array(10).fill("served"));
  const sessions = arrivals.slice(-10);
  const span = sessions.at(-1)! - sessions[0]!;
  assert(span > 400 && span < 10_000, `the workers came within ${span} ms`);
});

Deno.test("sessions that are answered do not keep a destination up whose check fails", async () => {
  const first = checkedServer("first");
  const second = checkedServer("second");
  await using _first = first.server;
  await using _second = second.server;
  await using program = await Program.start([first.server.address, second.server.address], CHECK);
  await until(() => first.state.checks > 1, "it is checked");
  let over = false;
  const clients = Array.from({ length: 4 }, async () => {
    while (!over) await request(program.port, "hello");
  });
  first.state.healthy = false;
  await program.logged(new RegExp(`${first.server.address} is down: its check got HTTP 503`));
  over = true;
  await Promise.all(clients);
});

Deno.test("operators see since when a destination is down, why, and what its last check took", async () => {
  const { state, server } = checkedServer("x");
  await using _ = server;
  await using program = await Program.start([server.address, "127.0.0.1:1,check=off"], CHECK);
  const [checked, other] = [0, 1].map((i) => async () => (await program.status()).destinations[i]);
  await until(async () => (await checked!()).last_check?.ok, "it was checked");
  const before = await checked!();
  assertEquals([before.state, before.last_error], ["up", null]);
  assert(before.last_check.took_ms > 0 && before.last_check.age_ms < 5000);
  await until(async () => (await other!()).state === "down", "nobody is at the other");
  const { last_check, last_error, state_age_ms } = await other!();
  assertEquals(last_check.ok, false);
  assertEquals(last_error.text, "Connection refused");
  assert(last_error.age_ms <= state_age_ms + 5, "it went down by an error, or has failed since");
  state.healthy = false;
  await until(async () => (await checked!()).state === "down", "its check fails");
  const after = await checked!();
  assertEquals(after.last_error.text, "its check got HTTP 503");
  assert(after.state_age_ms < before.state_age_ms + 5000 && !after.last_check.ok);
});
