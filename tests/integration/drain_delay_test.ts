// --drain-delay: a drain that whoever sends clients here learns of before the listeners close.
import { assert, assertEquals } from "@std/assert";
import { TestFile } from "../support/config_file.ts";
import { Program, runProgram } from "../support/program.ts";
import {
  answer,
  echo,
  freePort,
  readExactly,
  request,
  TestServer,
  until,
  writeAll,
} from "../support/servers.ts";

const BEGINS = /the drain begins in/;
const CLOSES = /"draining: /;

/** The program with an admin API, and what that says to a load balancer. */
async function start(destination: string, options: readonly string[]) {
  const admin = freePort();
  const program = await Program.start([destination], ["--admin", `${admin}`, ...options]);
  await program.logged(/admin API on /);
  return { program, admin, health: () => healthOf(admin) };
}

async function healthOf(port: number): Promise<[number, string]> {
  const response = await fetch(`http://127.0.0.1:${port}/healthz`);
  const { status } = await response.json();
  return [response.status, status];
}

async function isUp(health: () => Promise<[number, string]>): Promise<void> {
  await until(async () => (await health())[0] === 200, "a destination is up");
}

for (const threads of [1, 2]) {
  Deno.test(`--drain-delay serves clients while /healthz is 503, ${threads} thread(s)`, async () => {
    await using server = new TestServer(echo);
    const { program, health } = await start(server.address, [
      ...["--drain-delay", "1h", "--threads", `${threads}`],
    ]);
    await using _ = program;
    await isUp(health);
    program.signal("SIGTERM");
    const line = await program.logged(BEGINS);
    assert(line.includes("in 1h: /healthz answers 503, clients are still accepted"), line);
    await until(async () => (await health())[1] === "draining", "/healthz says so");
    assertEquals(await health(), [503, "draining"]);
    assertEquals(await request(program.port, "hello"), "hello");
    assert(!program.log.some((one) => CLOSES.test(one)), "nothing has closed");
    program.signal("SIGTERM");
    assertEquals(await program.ended(), 0);
    assertEquals((await program.entries(1)).map(({ reason }) => reason), ["done"]);
  });

  Deno.test(`after --drain-delay the listeners close, ${threads} thread(s)`, async () => {
    await using server = new TestServer(echo);
    const { program, health } = await start(server.address, [
      ...["--drain-delay", "300ms", "--drain-timeout", "500ms", "--threads", `${threads}`],
    ]);
    await using _ = program;
    await isUp(health);
    using client = await Deno.connect({ port: program.port });
    await writeAll(client, new TextEncoder().encode("here"));
    await readExactly(client, 4);
    const began = performance.now();
    program.signal("SIGTERM");
    await program.logged(CLOSES);
    const closed = performance.now();
    assert(closed - began >= 300, `${closed - began}`);
    // Who was there before has all of --drain-timeout.
    assertEquals(await program.ended(), 1);
    const [session] = await program.entries(1);
    assertEquals(session!.reason, "drain-timeout");
    assert(session!.total_ms >= 800, `${session!.total_ms}`);
  });
}

Deno.test("a second signal during --drain-delay ends at once", async () => {
  await using server = new TestServer(echo);
  const { program } = await start(server.address, ["--drain-delay", "1h"]);
  await using _ = program;
  using client = await Deno.connect({ port: program.port });
  await writeAll(client, new TextEncoder().encode("hello"));
  await readExactly(client, 5);
  program.signal("SIGTERM");
  await program.logged(BEGINS);
  program.signal("SIGTERM");
  assertEquals(await program.ended(), 1);
  assertEquals(program.access()[0]!.reason, "quit");
});

/** The program with a file that says how long, and another in its place before it drains. */
async function reloaded(before: string, after: string) {
  const server = new TestServer(answer("served"));
  const [port, admin] = [freePort(), freePort()];
  const text = (delay: string) =>
    `listen = "127.0.0.1:${port}"\ndestinations = ["${server.address}"]\n` +
    `admin = ${admin}\ndrain-delay = "${delay}"\n`;
  const file = new TestFile(text(before));
  const stack = new AsyncDisposableStack();
  stack.use(file);
  stack.use(server);
  const program = stack.use(await Program.spawn(["--config", file.path, "--log-format", "json"]));
  await program.logged(/admin API on /);
  file.write(text(after));
  const reload = await ctl("reload");
  assert(reload.stdout.includes(`drain-delay ${before} → ${after}`), reload.stdout);
  return { program, port, admin, ctl, [Symbol.asyncDispose]: () => stack.disposeAsync() };

  function ctl(...command: string[]) {
    return runProgram(["ctl", `${admin}`, ...command]);
  }
}

Deno.test("ctl shutdown waits for --drain-delay, of which the latest reload decides", async () => {
  await using scene = await reloaded("1h", "700ms");
  const began = performance.now();
  assertEquals((await scene.ctl("shutdown")).code, 0);
  assertEquals(await scene.program.ended(), 0);
  assert(performance.now() - began >= 700);
});

Deno.test("nothing can be changed during --drain-delay, and clients are served", async () => {
  await using scene = await reloaded("100ms", "1h");
  const { program, port, admin, ctl } = scene;
  assertEquals((await ctl("shutdown")).code, 0);
  await until(async () => (await healthOf(admin))[1] === "draining", "/healthz says so");
  for (const command of [["reload"], ["add", "127.0.0.1:9"], ["drain", "1.1"]]) {
    const { code, stderr } = await ctl(...command);
    assertEquals([code, stderr.includes("the program is draining")], [1, true], stderr);
  }
  assertEquals(await request(port, "x"), "served");
  // The first signal asks for the same drain.
  program.signal("SIGTERM");
  await program.status();
  assertEquals(await request(port, "x"), "served");
  program.signal("SIGTERM");
  assertEquals(await program.ended(), 0);
});

Deno.test("no time passes where another process takes over: the pid file was moved away", async () => {
  const folder = await Deno.makeTempDir({ prefix: "iawlb-" });
  try {
    await using server = new TestServer(echo);
    const pidFile = `${folder}/iawlb.pid`;
    const { program } = await start(server.address, [
      ...["--drain-delay", "1h", "--pid-file", pidFile],
    ]);
    await using _ = program;
    await Deno.rename(pidFile, `${pidFile}.old`);
    program.signal("SIGTERM");
    assertEquals(await program.ended(), 0);
    assert(!program.log.some((line) => BEGINS.test(line)));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
