import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { SessionInfo, Status } from "../../src/operations/operations.ts";
import { Program, type Result, runProgram } from "../support/program.ts";
import { answer, discard, echo, freePort, request, TestServer, until } from "../support/servers.ts";
import { noTerminal, PROGRAM, Terminal } from "../support/terminal.ts";
import { unless } from "../support/unless.ts";

/** The program with its admin API on a Unix-domain socket, and clients that ask it. */
class Operated implements AsyncDisposable {
  readonly program: Program;
  readonly address: string;
  readonly #directory: string;

  private constructor(program: Program, directory: string) {
    this.program = program;
    this.#directory = directory;
    this.address = `unix:${directory}/admin.sock`;
  }

  static async start(
    destinations: readonly string[],
    options: readonly string[] = [],
  ): Promise<Operated> {
    const directory = await Deno.makeTempDir();
    const admin = ["--admin", `unix:${directory}/admin.sock`, ...options];
    try {
      const operated = new Operated(await Program.start(destinations, admin), directory);
      await operated.program.logged(/admin API on /);
      return operated;
    } catch (error) {
      await Deno.remove(directory, { recursive: true });
      throw error;
    }
  }

  /** What a command printed; it must succeed. */
  async ctl(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.fails(...args);
    assertEquals([code, stderr], [0, ""]);
    return stdout;
  }

  fails(...args: string[]): Promise<Result> {
    return runProgram(["ctl", this.address, ...args]);
  }

  async status(): Promise<Status> {
    return JSON.parse(await this.ctl("status", "--json"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program[Symbol.asyncDispose]();
    await Deno.remove(this.#directory, { recursive: true });
  }
}

Deno.test(
  "ctl status and top --once show what the program has done",
  async () => {
    await using server = new TestServer(answer("hello"));
    await using operated = await Operated.start([server.address]);
    for (let i = 0; i < 3; i++) assertEquals(await request(operated.program.port, "x"), "hello");
    await until(async () => (await operated.status()).listeners[0]!.ended.done === 3, "3 are done");
    const text = await operated.ctl("status");
    assertMatch(
      text,
      /^iawlb \d+\.\d+\.\d+, pid \d+, running, up .*\n\nListener 1: 127\.0\.0\.1:\d+ /,
    );
    assertStringIncludes(text, "  3 accepted, 0 active, 0 of ");
    // What is foreseen stands between these, once something is.
    assertStringIncludes(text, "  3 B up, 15 B down\n");
    assertStringIncludes(text, "  ended: 3 done\n  queue p50 ");
    assertMatch(text, /1\.1 +127\.0\.0\.1:\d+ +up +0 +\d+ +1 +3 +0 +3 B +15 B\n$/);
    const once = await runProgram(["top", operated.address, "--once"]);
    assertEquals([once.code, once.stderr], [0, ""]);
    assertMatch(once.stdout, /accepted\/s 0 .*\n[^]*1\.1 +127\.0\.0\.1:\d+ +up +0\//);
    const json = await runProgram(["top", operated.address, "--once", "--json"]);
    assertEquals(JSON.parse(json.stdout).pid, operated.program.pid);
  },
);

Deno.test("a destination with a name is called by it in ctl, metrics and the access log", async () => {
  await using first = new TestServer(answer("first"));
  await using second = new TestServer(answer("second"));
  await using operated = await Operated.start([`${first.address},name=db1`, second.address]);
  const { program } = operated;
  await program.logged(/listening on .* for db1 /);
  assertMatch(await operated.ctl("drain", second.address), /^1\.2 127/);
  assertEquals(await request(program.port, "x"), "first");
  const [entry] = await program.entries(1);
  assertEquals(entry!.destination, "db1");
  await operated.ctl("ready", second.address);
  assertMatch(await operated.ctl("drain", "db1", "--wait"), /^1\.1 db1: drain, 0 active\n/);
  assertEquals(await request(program.port, "x"), "second");
  assertMatch(await operated.ctl("ready", first.address), /^1\.1 db1: /);
  const status = await operated.ctl("status");
  assertMatch(status, /DESTINATION .* ADDRESS\n/);
  assertStringIncludes(status.split("\n").find((line) => line.includes("db1"))!, first.address);
  assertStringIncludes(await operated.ctl("metrics"), 'destination="db1"');
  assertMatch(await operated.ctl("set", "db1", "name=db2"), /^1\.1 db2: /);
  assertMatch((await operated.fails("drain", "db1")).stderr, /"db1": no such destination/);
});

Deno.test("a destination is drained, made ready, changed, added and removed", async () => {
  await using first = new TestServer(answer("first"));
  await using second = new TestServer(answer("second"));
  await using operated = await Operated.start([first.address]);
  const { port } = operated.program;
  assertMatch(await operated.ctl("add", `${second.address},workers=4`), /^1\.2 .*: added, .*4\n$/);
  assertMatch(await operated.ctl("drain", "1.1", "--wait"), /: drain, 0 active\n.* finished its/);
  for (let i = 0; i < 4; i++) assertEquals(await request(port, "x"), "second");
  await operated.ctl("ready", first.address);
  await operated.ctl("maint", second.address);
  for (let i = 0; i < 4; i++) assertEquals(await request(port, "x"), "first");
  const [one, two] = (await operated.status()).listeners[0]!.destinations;
  assertEquals([one!.state, two!.state, two!.limit], ["up", "maint", 4]);
  assertMatch(await operated.ctl("set", "1.1", "workers=2", "weight=9"), /workers=2 weight=9\n$/);
  assertMatch(await operated.ctl("remove", "1.2", "--wait"), /: removed, .*\n.*: gone\n$/);
  assertEquals((await operated.status()).listeners[0]!.destinations.length, 1);
});

Deno.test(
  "drain --wait waits for the session that is being served",
  async () => {
    await using server = new TestServer(echo);
    await using operated = await Operated.start([server.address]);
    const client = await Deno.connect({ port: operated.program.port, hostname: "127.0.0.1" });
    await until(() => server.open === 1, "the session is served");
    let done = false;
    const drained = operated.ctl("drain", "1.1", "--wait").finally(() => done = true);
    await until(async () =>
      (await operated.status()).listeners[0]!.destinations[0]!.state ===
        "drain", "it drains");
    assertEquals(done, false);
    client.close();
    assertMatch(await drained, /: drain, 1 active\n.* has finished its sessions\n$/);
  },
);

Deno.test("sessions are listed and ended", async () => {
  await using server = new TestServer(discard);
  await using operated = await Operated.start([server.address], ["--workers", "1"]);
  const { port } = operated.program;
  using _first = await Deno.connect({ hostname: "127.0.0.1", port });
  await until(() => server.open === 1, "the first is served");
  using second = await Deno.connect({ hostname: "127.0.0.1", port });
  const sessions = async (): Promise<SessionInfo[]> =>
    JSON.parse(await operated.ctl("sessions", "--json")).sessions;
  const stages = async () => (await sessions()).map(({ stage, place }) => `${stage} ${place}`);
  await until(async () => (await stages()).join() === "relaying null,waiting 1", "both are there");
  assertMatch(await operated.ctl("sessions"), /^ID +CLIENT +STAGE[^]*waiting +1 +- /);
  const { id } = (await sessions())[1]!;
  assertEquals(await operated.ctl("end", id), `${id}: ended\n`);
  assertEquals(await second.read(new Uint8Array(1)).catch(() => null), null);
  const { code, stderr } = await operated.fails("end", id);
  assertEquals(code, 1);
  assertMatch(stderr, /^iawlb: [^\n]+\n$/);
});

Deno.test({
  ...unless("top follows the program in a terminal, to its end and to the next one", {
    [noTerminal ?? ""]: noTerminal !== undefined,
  }),
  async fn() {
    await using server = new TestServer(echo);
    await using operated = await Operated.start([server.address], ["--workers", "7"]);
    const line = [...PROGRAM, "top", operated.address].map((word) => `'${word}'`).join(" ");
    await using terminal = new Terminal(`${line}; echo status=$?`);
    await terminal.shows("0/7");
    const client = await Deno.connect({ hostname: "127.0.0.1", port: operated.program.port });
    await terminal.shows("1/7");
    operated.program.signal("SIGTERM");
    // The session keeps the program draining until the view has told.
    await terminal.shows("draining");
    client.close();
    assertEquals(await operated.program.ended(), 0);
    await terminal.shows("ended as planned");
    // Another one at the same address is followed at once.
    const again = [`127.0.0.1:${freePort()}`, `${server.address},workers=5`];
    await using another = await Program.spawn(["--admin", operated.address, ...again]);
    await terminal.shows("0/5");
    // What is chosen there is drained by a key, once it was confirmed.
    await terminal.type("\x1b[B");
    await terminal.shows("> 1.1");
    await terminal.type("d");
    await terminal.shows(`drain 1.1 ${server.address}? y yes, n no`);
    await terminal.type("y");
    await terminal.shows(`1.1 ${server.address}: drain, 0 active`);
    await another.logged(/1\.1|destination .*: drain/);
    await terminal.type("q");
    await terminal.ended();
    assertMatch(terminal.output, /l[^\n]*status=0\r\n$/);
  },
});

Deno.test("a session is called the same in ctl, the log and the access log", async () => {
  await using server = new TestServer(echo);
  await using operated = await Operated.start([server.address], ["--log-level", "debug"]);
  const { program } = operated;
  await request(program.port, "hello");
  const [entry] = await program.entries(1);
  assertMatch(entry!.id, /^1\.\d+$/);
  await program.logged(new RegExp(`session ${entry!.id.replace(".", "\\.")}: closed, done`));
  {
    using client = await Deno.connect({ hostname: "127.0.0.1", port: program.port });
    await until(() => server.open === 1, "it is served");
    const id = (await operated.ctl("names", "sessions")).trim();
    assertEquals(await operated.ctl("end", id), `${id}: ended\n`);
    await client.read(new Uint8Array(1)).catch(() => null);
    await program.logged(new RegExp(`session ${id.replace(".", "\\.")}: closed, killed`));
    assertEquals((await program.entries(2))[1]!.id, id);
  }
});

Deno.test("what is in force, the log and the names come from the running program", async () => {
  await using first = new TestServer(echo);
  await using second = new TestServer(echo);
  await using operated = await Operated.start(
    [`${first.address},name=db1`, `${second.address},name=db2,workers=3`],
    ["--queue-timeout", "7s", "--name", "front"],
  );
  const given = await operated.ctl("config", "front", "--given");
  assertMatch(given, /\* queue-timeout +7s\n/);
  assertMatch(given, /Destination 1\.2: db2 \([\d.:]+\)\n[^]*\* workers +3\n/);
  assertMatch(await operated.ctl("config"), /\n {4}queue +1024\n/);
  assertMatch(await operated.ctl("logs"), /INFO +.*admin API on unix:/);
  assertEquals(await operated.ctl("names"), "db1\ndb2\n");
  assertEquals(await operated.ctl("names", "listeners"), "front\n");
  assertEquals(
    await operated.ctl("drain", "db*"),
    "1.1 db1: drain, 0 active\n1.2 db2: drain, 0 active\n",
  );
  assertMatch(await operated.ctl("ready", "all"), /^1\.1 db1: up.*\n1\.2 db2: up/);
});

Deno.test("metrics and reload are passed on", async () => {
  await using operated = await Operated.start([String(freePort())]);
  assertMatch(await operated.ctl("metrics"), /^# HELP iawlb_/m);
  assertEquals(await operated.ctl("reload"), "nothing is different\n");
});

Deno.test(
  "shutdown --wait drains the program and ends with it",
  async () => {
    await using server = new TestServer(echo);
    await using operated = await Operated.start([server.address]);
    const hostname = "127.0.0.1";
    const client = await Deno.connect({ hostname, port: operated.program.port });
    await until(() => server.open === 1, "the session is served");
    const gone = operated.ctl("shutdown", "--wait");
    await until(async () => (await operated.status()).state === "draining", "it drains");
    client.close();
    assertEquals(await operated.program.ended(), 0);
    assertEquals(await gone, "draining, finishes 1 session\ngone\n");
    const { code, stderr } = await operated.fails("status");
    assertEquals(code, 1);
    assertMatch(stderr, /^iawlb: Cannot connect to unix:.*; is iawlb running with --admin unix:/);
  },
);
