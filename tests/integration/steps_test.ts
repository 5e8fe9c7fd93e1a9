import { assert, assertEquals, assertMatch } from "@std/assert";
import { Program } from "../support/program.ts";
import { ResettingServer } from "../support/resetting.ts";
import { echo, freePort, request, TestServer, until } from "../support/servers.ts";
import { TestFile } from "../support/config_file.ts";

/** The steps of a session in the order of the log, without what differs from run to run. */
function stepsOf(program: Program, id: number): string[] {
  return program.log.map((line) => JSON.parse(line))
    .filter(({ level, message }) => level === "debug" && message.startsWith(`session 1.${id}: `))
    .map(({ message }) =>
      message.replace(/^session [\d.]+: /, "").replace(/127\.0\.0\.1:\d+/, "ADDR")
    );
}

const STEPS = [
  "accepted from ADDR",
  "taken by worker 1 of ADDR",
  "connected to ADDR",
  "first byte up",
  "first byte down",
  "closed, done; 5 bytes up, 5 bytes down",
];

for (const threads of ["1", "2"]) {
  Deno.test(`at debug each session logs its steps in order, with ${threads} threads`, async () => {
    await using server = new TestServer(echo);
    await using program = await Program.start(
      [`${server.address},workers=2`],
      ["--log-level", "debug", "--threads", threads],
    );
    await request(program.port, "hello");
    await program.logged(/closed, done/);
    const [, id] = /session 1\.(\d+): closed/.exec(await program.logged(/closed, done/))!;
    assertEquals(stepsOf(program, Number(id)), STEPS);
    assertEquals(await program.terminate(), 0);
  });
}

Deno.test("a session that is tried again logs who took it each time, and then its end", async () => {
  await using resetting = await ResettingServer.start("after reading");
  await using server = new TestServer(echo);
  await using program = await Program.start(
    [`127.0.0.1:${resetting.port}`, server.address],
    ["--log-level", "debug"],
  );
  // Whoever is tried first: one of the two gets the resetting one.
  const answers = await Promise.all([1, 2].map(() => request(program.port, "hello")));
  assertEquals(answers, ["hello", "hello"]);
  await until(() => program.out.length === 2, "both have ended");
  await program.logged(/session 1\.1: closed, done/);
  await program.logged(/session 1\.2: closed, done/);
  const moved = [stepsOf(program, 1), stepsOf(program, 2)].filter((steps) => steps.length > 6);
  assert(moved.length > 0, program.log.join("\n"));
  for (const steps of moved) {
    assertEquals(steps.slice(0, 2), STEPS.slice(0, 2));
    assertEquals(steps.slice(-4), STEPS.slice(-4));
    assertEquals(steps.filter((step) => step.startsWith("taken by worker")).length, 2);
  }
});

Deno.test("a server that speaks first has the first byte down before the one up", async () => {
  await using server = new TestServer(async (conn) => {
    await conn.write(new TextEncoder().encode("220 hello\r\n"));
    await echo(conn);
  });
  await using program = await Program.start([server.address], ["--log-level", "debug"]);
  using client = await Deno.connect({ port: program.port });
  await client.read(new Uint8Array(100));
  await client.write(new TextEncoder().encode("QUIT\r\n"));
  await client.closeWrite();
  for await (const _ of client.readable);
  await program.logged(/closed, done/);
  assertEquals(stepsOf(program, 1).slice(3), [
    "first byte down",
    "first byte up",
    "closed, done; 6 bytes up, 17 bytes down",
  ]);
});

Deno.test("at info there are no steps, and a reload of the level brings them and takes them", async () => {
  await using server = new TestServer(echo);
  const listen = `127.0.0.1:${freePort()}`;
  const text = (level: string) =>
    `log-level = "${level}"\nlog-format = "json"\n` +
    `[[listener]]\nlisten = "${listen}"\ndestinations = ["${server.address}"]\n`;
  using file = new TestFile(text("info"));
  await using program = await Program.spawn(["--config", file.path]);
  const session = async (id: number) => {
    await request(program.port, "hello");
    await until(() => program.out.length === id, `session ${id} has its line`);
    return stepsOf(program, id).length;
  };
  const changeTo = async (level: string) => {
    file.write(text(level));
    const before = program.log.length;
    program.signal("SIGHUP");
    const told = () => program.log.slice(before).some((line) => /reload: .*log-level/.test(line));
    await until(told, "it has reloaded");
  };
  assertEquals(await session(1), 0);
  await changeTo("debug");
  await session(2);
  await program.logged(/session 1\.2: closed/);
  await changeTo("info");
  assertEquals(await session(3), 0);
  assertMatch(await program.logged(/session 1\.2: accepted/), /"level":"debug"/);
});
