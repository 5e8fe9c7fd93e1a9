// --when-overloaded while something changes: reloads, a drain, threads, and a destination that
// goes and comes back.
import { assert, assertEquals } from "@std/assert";
import { TestFile } from "../support/config_file.ts";
import { Crowd, type Fate, slowServer, visit } from "../support/crowd.ts";
import { Program } from "../support/program.ts";
import { ResettingServer } from "../support/resetting.ts";
import { freePort, until } from "../support/servers.ts";

const SERVICE_MS = 20;
const PATIENCE_MS = 250;
const PATIENT_MS = 60_000;

function connectTo(port: number): () => Promise<Deno.Conn> {
  return () => Deno.connect({ hostname: "127.0.0.1", port });
}

/** Three times as many as can be served, one at a time. */
function crowdAt(port: number): Crowd {
  return new Crowd(connectTo(port), {
    every: 2 * SERVICE_MS,
    number: 6,
    patience: PATIENCE_MS,
  });
}

/** Waits until so many more of the sessions of a program have ended, with this reason or any. */
async function untilMore(program: Program, more: number, reason?: string): Promise<void> {
  const count = () =>
    program.access().filter((one) => (reason ?? one.reason) === one.reason).length;
  const before = count();
  await until(() => count() >= before + more, `${more} more have ended: ${reason ?? "anyhow"}`);
}

/** How many have been shed so far. */
async function shed(program: Program): Promise<number> {
  return (await program.status()).ended.shed ?? 0;
}

Deno.test("reloads from hold to shed, to newest and back count at once, under load", async () => {
  await using server = slowServer(SERVICE_MS);
  const port = freePort();
  const content = (mode: string) =>
    `when-overloaded = "${mode}"\nworkers = 1\nqueue = 1000\nlog-format = "json"\naccess-log = "on"\n` +
    `[[listener]]\nlisten = "127.0.0.1:${port}"\ndestinations = ["${server.address}"]\n`;
  using file = new TestFile(content("hold"));
  await using program = await Program.spawn(["--config", file.path]);
  let reloads = 0;
  const reload = async (mode: string) => {
    file.write(content(mode));
    program.signal("SIGHUP");
    reloads++;
    const count = () => program.log.filter((line) => /"reload: /.test(line)).length;
    await until(() => count() === reloads, `it is reloaded: ${mode}`);
  };
  {
    await using _crowd = crowdAt(port);
    await untilMore(program, 30);
    assertEquals(await shed(program), 0);
    await reload("shed");
    await untilMore(program, 10, "shed");
    await until(async () => (await program.status()).overloaded === 1, "it is overloaded");
    await reload("newest");
    await untilMore(program, 10, "done");
    await reload("hold");
    const before = await shed(program);
    const { overloaded, patience_ms } = await program.status();
    assertEquals([overloaded, patience_ms], [0, 0]);
    await untilMore(program, 10);
    assertEquals(await shed(program), before);
    await reload("shed");
    await untilMore(program, 5, "shed");
  }
  assertEquals(await program.terminate(), 0);
});

for (const mode of ["shed", "newest"]) {
  Deno.test(`a drain under --when-overloaded ${mode} sheds nobody, and serves whoever waits`, async () => {
    await using server = slowServer(SERVICE_MS);
    const options = ["--workers", "1", "--queue", "100", "--when-overloaded", mode];
    await using program = await Program.start([server.address], options);
    const connect = connectTo(program.port);
    let patient: Promise<Fate>[];
    {
      await using _crowd = crowdAt(program.port);
      await until(async () => (await program.status()).overloaded === 1, "it is overloaded");
      patient = Array.from({ length: 20 }, () => visit(connect, { patience: PATIENT_MS }));
      await untilMore(program, 1, "done");
      program.signal("SIGTERM");
      await program.logged(/"draining/);
    }
    const fates = await Promise.all(patient);
    assertEquals(await program.ended(), 0);
    const { time } = JSON.parse(await program.logged(/"draining/));
    const late = program.access().filter((entry) => entry.time > time);
    assert(late.some(({ reason }) => reason === "done"));
    assertEquals(late.filter(({ reason }) => reason === "shed"), []);
    assert(fates.includes("answered"));
    assert(fates.every((fate) => fate === "answered" || fate === "closed"), `${fates}`);
    const closed = fates.filter((fate) => fate === "closed").length;
    const before = program.access().filter((entry) => entry.reason === "shed").length;
    assert(closed <= before, `${closed} were not served, ${before} were shed before the drain`);
    assert(program.log.some((line) => line.includes("drained, nothing was cut")));
  });
}

Deno.test("threads shed each from their own queue; the status is the sum, and the log is not flooded", async () => {
  await using server = slowServer(SERVICE_MS);
  const options = ["--threads", "2", "--workers", "2", "--when-overloaded", "shed"];
  await using program = await Program.start([server.address], options);
  const begin = performance.now();
  {
    await using _one = crowdAt(program.port);
    await using _two = crowdAt(program.port);
    await until(async () => (await program.status()).overloaded === 2, "both are overloaded");
    await untilMore(program, 20, "shed");
  }
  const seconds = (performance.now() - begin) / 1000;
  await until(async () => (await program.status()).active === 0, "all have left");
  const status = await program.status();
  const ended = Object.values<number>(status.ended).reduce((sum, number) => sum + number, 0);
  assertEquals([status.waiting, ended], [0, status.accepted]);
  assertEquals(await program.terminate(), 0);
  const entries = program.access();
  assertEquals(entries.filter(({ reason }) => reason === "shed").length, status.ended.shed);
  assertEquals(new Set(entries.map(({ id }) => id)).size, status.accepted);
  const lines = program.log.filter((line) => line.includes("overloaded: "));
  assert(lines.length >= 1 && lines.length <= 2 * (seconds + 2), `${lines.length} lines`);
  const told = (what: string) => program.log.filter((line) => line.includes(`an overload ${what}`));
  const [begun, over] = [told("has begun"), told("is over after")];
  // Each of the two threads tells of its own.
  assert(begun.length >= 1 && begun.length <= seconds + 2, begun.join("\n"));
  assertEquals(over.length, begun.length, program.log.join("\n"));
  const shed = over.map((line) => Number(/(\d+) shed/.exec(line)?.[1]));
  assertEquals(shed.reduce((sum, number) => sum + number, 0), status.ended.shed);
});

Deno.test("while a destination is away nobody is shed; it comes back, and sessions that came back keep their age", async () => {
  const server = slowServer(SERVICE_MS);
  const { port } = server;
  await using bad = await ResettingServer.start("after reading");
  const options = ["--when-overloaded", "shed", "--queue", "1000", "--check-interval", "50ms"];
  await using program = await Program.start([
    `${server.address},workers=1`,
    `${bad.address},workers=1`,
  ], options);
  const connect = connectTo(program.port);
  {
    await using _crowd = crowdAt(program.port);
    await untilMore(program, 10, "shed");
    const moved = program.access().filter(({ attempts }) => attempts > 1);
    assert(moved.some(({ reason }) => reason === "done"), "sessions that were reset are answered");
    // Their times count from when they came.
    const shed = moved.filter(({ reason }) => reason === "shed");
    for (const { total_ms } of shed) assert(total_ms >= PATIENCE_MS / 8, `${total_ms} ms`);
    await server[Symbol.asyncDispose]();
  }
  await until(() => program.log.some((line) => line.includes(" is down")), "it is down");
  await until(async () => (await program.status()).waiting === 0, "the impatient have left");
  await bad[Symbol.asyncDispose]();
  const before = await shed(program);
  const patient = Array.from({ length: 30 }, () => visit(connect, { patience: PATIENT_MS }));
  await until(async () => (await program.status()).waiting === 30, "all of them wait");
  await until(
    async () => (await program.status()).oldest_waiting_ms > 2 * PATIENCE_MS,
    "they have waited for longer than clients are patient",
  );
  assertEquals(await shed(program), before);
  await using _back = slowServer(SERVICE_MS, { port });
  const fates = await Promise.all(patient);
  assert(fates.includes("answered"));
  assertEquals(await program.terminate(), 0);
});
