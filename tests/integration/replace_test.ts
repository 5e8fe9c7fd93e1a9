import { assert, assertEquals, assertMatch } from "@std/assert";
import { Daemon } from "../support/daemon.ts";
import { ReplacingScene } from "../support/replacing.ts";
import { runProgram } from "../support/program.ts";
import { freePort, readAll, request, until, writeAll } from "../support/servers.ts";

const ignore = Deno.build.os !== "linux";

/** Asks over a connection of its own. */
async function get(address: string, path: string): Promise<{ status: number; text: string }> {
  using client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  const response = await fetch(`http://${address}${path}`, { client });
  return { status: response.status, text: await response.text() };
}

async function isRefused(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return false;
  } catch (error) {
    return error instanceof Deno.errors.ConnectionRefused;
  }
}

Deno.test("one that replaces another serves who comes; who is served is finished by the other", {
  ignore,
}, async () => {
  await using scene = await new ReplacingScene();
  const admin = `127.0.0.1:${freePort()}`;
  const args = ["--admin", admin, ...scene.addresses];
  const before = await scene.first(args);
  await before.logged(/admin API on/);
  assertEquals(JSON.parse((await get(admin, "/status")).text).generation, 1);
  using client = await scene.client();
  const after = await scene.next(args);
  await before.logged(new RegExp(`process ${after.pid} takes over: draining`));
  await after.logged(new RegExp(`replaces the process ${before.pid} \\(generation 2\\)`));
  assertEquals(scene.pid, after.pid);
  await client.talk("still");
  for (let i = 0; i < 20; i++) assertEquals(await request(scene.port, "new"), "new");
  const status = JSON.parse((await get(admin, "/status")).text);
  assertEquals([status.pid, status.generation, status.state], [after.pid, 2, "running"]);
  const metrics = (await get(admin, "/metrics")).text;
  assertMatch(metrics, /^iawlb_info\{version="[^"]*",generation="2"\} 1$/m);
  assertMatch(metrics, /^iawlb_generation 2$/m);
  assertEquals((await before.access()).length, 0, "the session of before goes on");
  assert(!before.exited);
  await client.talk("to the end");
  client.close();
  assertEquals(await before.ended(), 0);
  assertEquals((await before.entries(1))[0]!.reason, "done");
  assertEquals(scene.files, ["a.pid", "a.pid.socket"]);
  assertEquals(await after.terminate(), 0);
  assertEquals(scene.files, []);
});

Deno.test("a connection to the admin API that is kept gets one more answer, 503 for /healthz", {
  ignore,
}, async () => {
  await using scene = await new ReplacingScene();
  const port = freePort();
  const args = ["--admin", `${port}`, ...scene.addresses];
  const before = await scene.first(args);
  await before.logged(/admin API on/);
  using client = await scene.client();
  using kept = await Deno.connect({ hostname: "127.0.0.1", port });
  const ask = () =>
    writeAll(kept, new TextEncoder().encode("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  await ask();
  const buffer = new Uint8Array(10_000);
  assertMatch(
    new TextDecoder().decode(buffer.subarray(0, await kept.read(buffer) ?? 0)),
    /^HTTP\/1\.1 200 /,
  );
  const after = await scene.next(args);
  assertEquals((await get(`127.0.0.1:${port}`, "/healthz")).status, 200);
  await ask();
  const answer = new TextDecoder().decode(await readAll(kept));
  assertMatch(answer, /^HTTP\/1\.1 503 [^]*connection: close[^]*"draining"/i);
  client.close();
  assertEquals(await before.ended(), 0);
  assertEquals(await after.terminate(), 0);
});

Deno.test("paths go from one to the next without a moment in which nobody answers there", {
  ignore,
}, async () => {
  await using scene = await new ReplacingScene();
  const path = `${scene.folder}/listener`;
  const admin = `${scene.folder}/admin`;
  const args = ["--admin", `unix:${admin}`, `unix:${path}`, scene.server.address];
  const before = await scene.first(args);
  let connected = 0;
  let over = false;
  async function reconnect(): Promise<void> {
    const bytes = new TextEncoder().encode("hello");
    while (!over) {
      const client = await Deno.connect({ transport: "unix", path });
      await client.write(bytes);
      await client.closeWrite();
      assertEquals(await readAll(client), bytes);
      client.close();
      (await Deno.connect({ transport: "unix", path: admin })).close();
      connected++;
    }
  }
  const clients = [reconnect(), reconnect()];
  await until(() => connected > 20, "clients are served");
  const after = await scene.next(args);
  assertEquals(await before.ended(), 0);
  const seen = connected;
  await until(() => connected > seen + 20, "clients are served by the next one");
  const third = await scene.next(args);
  assertEquals(await after.ended(), 0);
  over = true;
  await Promise.all(clients);
  assertEquals(scene.files, ["a.pid", "a.pid.socket", "admin", "listener"]);
  assertEquals(await third.terminate(), 0);
  assertEquals(scene.files, []);
});

Deno.test("one that cannot start leaves the other as it was, and serves whom it has accepted", {
  ignore,
}, async () => {
  await using scene = await new ReplacingScene();
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const [listen, destination] = scene.addresses;
  const { port } = taken.addr as Deno.NetAddr;
  const before = await scene.first();
  const file = await Deno.makeTempFile({ dir: scene.folder });
  const write = (second: number) =>
    Deno.writeTextFile(
      file,
      [listen, `127.0.0.1:${second}`].map((address) =>
        `[[listener]]\nlisten = "${address}"\ndestinations = ["${destination}"]\n`
      ).join(""),
    );
  const failures: [RegExp, string[], string?][] = [
    [/must be/, ["--workers", "0", listen, destination]],
    [/the address is in use/, ["--admin", `${port}`, listen, destination]],
    [/the address is in use/, ["--config", file]],
    [/limit of open files/, [listen, destination], "ulimit -n 40"],
  ];
  await write(port);
  for (const [message, args, limit] of failures) {
    const { code, stderr } = await scene.fail(args, limit);
    assert(code !== 0);
    assertMatch(stderr, message);
    assertEquals(scene.pid, before.pid);
    assertEquals(scene.files.filter((name) => name.startsWith("a.")), ["a.pid", "a.pid.socket"]);
    assertEquals(await request(scene.port, "hello"), "hello");
  }
  assert(!before.log.some((line) => /drain|takes over/.test(line)), before.log.join("\n"));
  const after = await scene.next();
  assertEquals(await before.ended(), 0);
  assertEquals(await after.terminate(), 0);
});

Deno.test("the port of another program of the same user is not shared with that", {
  ignore,
}, async () => {
  await using scene = await new ReplacingScene();
  const before = await scene.first();
  await using other = await new ReplacingScene();
  const stranger = await other.first();
  const { code, stderr } = await scene.fail([`127.0.0.1:${other.port}`, scene.server.address]);
  assertEquals(code, 1);
  assertMatch(stderr, /the address is in use/);
  for (let i = 0; i < 10; i++) assertEquals(await request(other.port, "hello"), "hello");
  await until(
    () => stranger.access().filter(({ reason }) => reason === "done").length >= 10,
    "all of them were served by the one that has the port",
  );
  assertEquals(await before.terminate(), 0);
  assertEquals(await stranger.terminate(), 0);
});

Deno.test("where there is nobody to replace it starts as it always does", { ignore }, async () => {
  await using scene = await new ReplacingScene();
  const program = scene.launch(scene.args("--replace", ...scene.addresses));
  await program.logged(/there is no process to replace at the pid file/);
  await program.logged(/listening on/);
  assertEquals(await request(scene.port, "hello"), "hello");
  program.signal("SIGKILL");
  await program.ended();
  assertEquals(scene.files, ["a.pid", "a.pid.socket"], "what is left of one that was killed");
  const next = scene.launch(scene.args("--replace", ...scene.addresses));
  await next.logged(/took over the pid file .*, which process \d+ had left/);
  assertEquals(await request(scene.port, "hello"), "hello");
  assertEquals(await next.terminate(), 0);
});

Deno.test("a process that is not known by its own word is not replaced", { ignore }, async () => {
  await using scene = await new ReplacingScene();
  // Another program that locks a file with its number.
  const { pidFile } = scene;
  const holder = new Deno.Command("flock", {
    args: ["--no-fork", pidFile, "sh", "-c", `echo $$ > ${pidFile}; exec sleep 1000`],
  }).spawn();
  await until(() => scene.files.length > 0 && scene.pid > 0, "it has the lock");
  const held = await scene.fail();
  assertEquals(held.code, 1);
  assertMatch(
    held.stderr,
    /is locked by the process \d+, which cannot be replaced: nobody answers at/,
  );
  assertEquals(scene.files, ["a.pid"]);
  holder.kill("SIGTERM");
  assertEquals((await holder.status).signal, "SIGTERM", "nobody has ended it before");
  const before = await scene.first();
  const foreign = `${before.pid + 1}\n`;
  await Deno.writeTextFile(pidFile, foreign);
  const other = await scene.fail();
  assertEquals(other.code, 1);
  assertMatch(
    other.stderr,
    /has the number \d+, but the process \d+ answers at .*: nobody is replaced/,
  );
  await Deno.writeTextFile(pidFile, `${before.pid}\n`);
  assertEquals(await request(scene.port, "hello"), "hello");
  assertEquals(await before.terminate(), 0);
});

Deno.test("--replace needs a pid file", { ignore }, async () => {
  const { code, stderr } = await runProgram(["--replace", "8080", "9001"]);
  assertEquals(code, 2);
  assertMatch(stderr, /^iawlb: --replace .*must be with pid-file/);
});

Deno.test("several follow each other while the first ones still drain", { ignore }, async () => {
  await using scene = await new ReplacingScene();
  const programs = [await scene.first()];
  const clients = [await scene.client()];
  for (let i = 0; i < 3; i++) {
    programs.push(await scene.next());
    clients.push(await scene.client());
  }
  for (const client of clients) await client.talk("all are served");
  assertEquals(programs.map(({ exited }) => exited), [false, false, false, false]);
  for (const client of clients) client.close();
  for (const program of programs.slice(0, -1)) assertEquals(await program.ended(), 0);
  assertEquals(await programs.at(-1)!.terminate(), 0);
});

Deno.test(
  "of two that replace at once one wins, and the other harms nobody",
  { ignore },
  async () => {
    await using scene = await new ReplacingScene();
    const before = await scene.first();
    using client = await scene.client();
    const args = scene.args("--replace", ...scene.addresses);
    const both = [scene.launch(args), scene.launch(args), scene.launch(args)];
    const loses = /is about to take it over already/;
    const wins = /replaces the process/;
    await until(
      () => both.every(({ log }) => log.some((line) => loses.test(line) || wins.test(line))),
      "each has won or lost",
    );
    const losers = both.filter(({ log }) => log.some((line) => loses.test(line)));
    const winners = both.filter((one) => !losers.includes(one));
    for (const loser of losers) assertEquals([await loser.ended(), loser.log.length], [1, 1]);
    // They may also have come one after the other.
    const last = winners.find(({ pid }) => pid === scene.pid)!;
    await client.talk("hello");
    assertEquals(await request(scene.port, "hello"), "hello");
    client.close();
    assertEquals(await before.ended(), 0);
    for (const one of winners) if (one !== last) assertEquals(await one.ended(), 0);
    assertEquals(await last.terminate(), 0);
  },
);

Deno.test("one that drains by a signal is not cut by being replaced", { ignore }, async () => {
  await using scene = await new ReplacingScene();
  const before = await scene.first();
  using client = await scene.client();
  before.signal("SIGTERM");
  await until(() => isRefused(scene.port), "it listens no more");
  const after = await scene.next();
  await client.talk("still there");
  client.close();
  assertEquals(await before.ended(), 0);
  assertEquals(await after.terminate(), 0);
});

Deno.test("a daemon replaces a daemon, with threads; the command ends when it has", {
  ignore,
}, async () => {
  await using scene = await new ReplacingScene();
  const args = (...more: string[]) => {
    const log = `syslog:unix:${scene.folder}/nobody`;
    const daemon = ["--daemon", "--log", log, "--threads", "2", ...more, ...scene.addresses];
    return ["--pid-file", scene.pidFile, ...daemon];
  };
  assertEquals((await runProgram(args())).code, 0);
  await using before = new Daemon(scene.pidFile);
  await until(() => scene.files.includes("a.pid.socket"), "it can be replaced");
  const clients = await Promise.all(Array.from({ length: 8 }, () => scene.client()));
  const { code, stderr } = await runProgram(args("--replace"));
  assertEquals([code, stderr.replaceAll(/^iawlb: warning: there is no syslog.*\n/gm, "")], [0, ""]);
  await using after = new Daemon(scene.pidFile);
  assert(after.pid !== before.pid);
  for (const client of clients) await client.talk("still");
  for (let i = 0; i < 20; i++) assertEquals(await request(scene.port, "new"), "new");
  const failed = await runProgram([...args("--replace"), "127.0.0.1:0,workers=nonsense"]);
  assertEquals(failed.code, 2);
  for (const client of clients) client.close();
  await before.ended();
  after.signal("SIGTERM");
  await after.ended();
  assertEquals(scene.files, []);
});
