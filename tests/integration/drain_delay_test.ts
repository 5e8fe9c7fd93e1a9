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
  const name =
    `--drain-delay serves clients while /healthz is 503, and closes then, ${threads} thread(s)`;
  Deno.test(name, async () => {
    await using server = new TestServer(echo);
    const { program, health } = await start(server.address, [
      ...["--drain-delay", "1s", "--drain-timeout", "500ms", "--threads", `${threads}`],
    ]);
    await using _ = program;
    await isUp(health);
    using client = await Deno.connect({ port: program.port });
    const began = performance.now();
    program.signal("SIGTERM");
    const line = await program.logged(BEGINS);
    assert(line.includes("in 1s: /healthz answers 503, clients are still accepted"), line);
    await until(async () => (await health())[1] === "draining", "/healthz says so");
    assertEquals(await health(), [503, "draining"]);
    assertEquals(await request(program.port, "hello"), "hello");
    assert(!program.log.some((one) => CLOSES.test(one)), "nothing has closed");
    await program.logged(CLOSES);
    const closed = performance.now();
    assert(closed - began >= 1000, `${closed - began}`);
    // Who was there before has all of --drain-timeout.
    await writeAll(client, new TextEncoder().encode("late"));
    await readExactly(client, 4);
    assertEquals(await program.ended(), 1);
    assert(performance.now() - closed >= 450, `${performance.now() - closed}`);
    const reasons = (await program.entries(2)).map(({ reason }) => reason);
    assertEquals(reasons, ["done", "drain-timeout"]);
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
  const began = performance.now();
  assertEquals(await program.ended(), 1);
  assert(performance.now() - began < 5000);
  assertEquals(program.access()[0]!.reason, "quit");
});

Deno.test("ctl shutdown waits for --drain-delay, of which the latest reload decides", async () => {
  await using server = new TestServer(answer("served"));
  const [port, admin] = [freePort(), freePort()];
  const text = (delay: string) =>
    `listen = "127.0.0.1:${port}"\ndestinations = ["${server.address}"]\n` +
    `admin = ${admin}\ndrain-delay = "${delay}"\n`;
  using file = new TestFile(text("1h"));
  await using program = await Program.spawn(["--config", file.path]);
  await program.logged(/admin API on /);
  file.write(text("700ms"));
  const reload = await runProgram(["ctl", `${admin}`, "reload"]);
  assert(reload.stdout.includes("drain-delay 1h → 700ms"), reload.stdout);
  const began = performance.now();
  assertEquals((await runProgram(["ctl", `${admin}`, "shutdown"])).code, 0);
  assertEquals(await healthOf(admin), [503, "draining"]);
  assertEquals(await request(port, "x"), "served");
  const { stderr } = await runProgram(["ctl", `${admin}`, "reload"]);
  assert(stderr.includes("the program is draining"), stderr);
  assertEquals(await program.ended(), 0);
  assert(performance.now() - began >= 700);
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
