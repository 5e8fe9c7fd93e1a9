import { assert, assertEquals, assertMatch } from "@std/assert";
import { Program } from "../support/program.ts";
import { echo, freePort, request, TestServer, until } from "../support/servers.ts";

Deno.test("the start is one line with the bound address, the destinations and the limits", async () => {
  await using program = await Program.spawn(["127.0.0.1:0", "9001", "9002,workers=7"]);
  assertEquals(program.log.length, 1);
  assertMatch(
    program.log[0]!,
    /^\S+ \[info\] iawlb: listening on 127\.0\.0\.1:\d+ for 9001 \(256 workers\), 9002 \(7 workers\); queue 1024$/,
  );
});

Deno.test("a text access-log line has every field", async () => {
  await using server = new TestServer(echo);
  await using program = await Program.spawn(["127.0.0.1:0", server.address]);
  await request(program.port, "hello");
  await program.terminate();
  assertMatch(
    program.out[0]!,
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z id=1 client=127\.0\.0\.1:\d+ destination=127\.0\.0\.1:\d+ reason=done queue=[\d.]+ms connect=[\d.]+ms total=[\d.]+ms up=5 down=5 attempts=1$/,
  );
});

Deno.test("JSON logs are one object per line", async () => {
  await using server = new TestServer(echo);
  await using program = await Program.start([server.address]);
  await request(program.port, "hello");
  await program.terminate();
  const [first] = program.log.map((line) => JSON.parse(line));
  assertEquals([first.level, first.logger], ["info", "iawlb"]);
  assertEquals(first.address, `127.0.0.1:${program.port}`);
  const [entry] = program.access();
  assert(entry!.total_ms >= entry!.connect_ms!);
  assertEquals(Object.keys(entry!), [
    "time",
    "id",
    "client",
    "destination",
    "reason",
    "queue_ms",
    "connect_ms",
    "total_ms",
    "bytes_up",
    "bytes_down",
    "attempts",
  ]);
});

Deno.test("--access-log off and FILE leave standard output alone", async () => {
  const path = await Deno.makeTempFile();
  for (const where of ["off", path]) {
    await using server = new TestServer(echo);
    await using program = await Program.start([server.address], ["--access-log", where]);
    await request(program.port, "hello");
    assertEquals(await program.terminate(), 0);
    assertEquals(program.out, []);
  }
  const lines = (await Deno.readTextFile(path)).trimEnd().split("\n");
  assertEquals(lines.map((line) => JSON.parse(line).reason), ["done"]);
  await Deno.remove(path);
});

Deno.test("--log-level warning leaves out what is less important", async () => {
  const port = freePort();
  const listen = `127.0.0.1:${port}`;
  await using program = Program.launch([
    "--log-level",
    "warning",
    listen,
    `127.0.0.1:${freePort()}`,
  ]);
  await until(async () => {
    const conn = await Deno.connect({ port }).catch(() => undefined);
    conn?.close();
    return conn !== undefined;
  }, "it listens");
  const line = await program.logged(/is down/);
  assertEquals(await program.terminate(), 0);
  assertEquals(program.log, [line]);
});
