import { assert, assertEquals, assertMatch } from "@std/assert";
import { Daemon } from "../support/daemon.ts";
import { Place, whyNoPlace } from "../support/place.ts";
import { Reconnecting } from "../support/reconnecting.ts";
import { ReplacingScene } from "../support/replacing.ts";
import { ServiceReceiver } from "../support/service_receiver.ts";
import { type Received, UdpClient, UdpServer } from "../support/udp.ts";
import { unless } from "../support/unless.ts";
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
  await using scene = new ReplacingScene();
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
  await using scene = new ReplacingScene();
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
  await using scene = new ReplacingScene();
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
  await using scene = new ReplacingScene();
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
    [/limit of open files|cannot be written/, [listen, destination], "ulimit -n 30"],
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
  await using scene = new ReplacingScene();
  const before = await scene.first();
  await using other = new ReplacingScene();
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
  await using scene = new ReplacingScene();
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
  await using scene = new ReplacingScene();
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
    /is locked by the process \d+, which cannot be replaced: nobody of this user answers at/,
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

Deno.test("whoever answers there and is another user is not asked", {
  ignore: ignore || Deno.uid() !== 0,
}, async () => {
  await using scene = new ReplacingScene();
  const before = await scene.first();
  const path = `${scene.pidFile}.socket`;
  const word = {
    pid: before.pid,
    generation: 1,
    addresses: scene.addresses.slice(0, 1),
    serving: [],
  };
  for (const put of ["socket", "link"]) {
    await Deno.remove(path);
    const real = put === "link" ? `${scene.folder}/real` : path;
    using hostile = Deno.listen({ transport: "unix", path: real });
    await Deno.chown(real, 65534, 65534);
    if (put === "link") await Deno.symlink(real, path);
    let asked = 0;
    const answering = (async () => {
      for await (const conn of hostile) {
        asked++;
        await conn.write(new TextEncoder().encode(`${JSON.stringify(word)}\n"draining"\n`));
        conn.close();
      }
    })();
    const { code, stderr } = await scene.fail();
    assertEquals(code, 1);
    assertMatch(stderr, /cannot be replaced: nobody of this user answers at/);
    assertEquals([asked, scene.pid], [0, before.pid]);
    hostile.close();
    await answering;
    await Deno.symlink(real, path).catch(() => {});
  }
  assertEquals(await request(scene.port, "hello"), "hello");
  assertEquals(await before.terminate(), 0);
});

Deno.test("one whose pid file was removed is replaced all the same", { ignore }, async () => {
  await using scene = new ReplacingScene();
  const before = await scene.first();
  using client = await scene.client();
  await Deno.remove(scene.pidFile);
  const after = await scene.next();
  assertEquals(scene.pid, after.pid);
  await client.talk("still");
  client.close();
  assertEquals(await before.ended(), 0);
  assertEquals(await after.terminate(), 0);
  assertEquals(scene.files, []);
});

Deno.test("where a path cannot be taken the other keeps its pid file, and can be replaced", {
  ignore,
}, async () => {
  await using scene = new ReplacingScene();
  const [first, second] = [`${scene.folder}/one`, `${scene.folder}/two`];
  const file = `${scene.folder}/iawlb.toml`;
  const { server: { address } } = scene;
  await Deno.writeTextFile(
    file,
    [first, second].map((path) =>
      `[[listener]]\nlisten = "unix:${path}"\ndestinations = ["${address}"]\n`
    ).join(""),
  );
  const before = await scene.first(["--config", file]);
  await Deno.remove(second);
  await Deno.writeTextFile(second, "");
  const { code, stderr } = await scene.fail(["--config", file]);
  assertEquals(code, 1);
  assertMatch(stderr, new RegExp(`there is something at ${second} that is not a socket`));
  assertEquals(scene.pid, before.pid);
  assertEquals(scene.files, ["a.pid", "a.pid.socket", "iawlb.toml", "one", "two"]);
  (await Deno.connect({ transport: "unix", path: first })).close();
  await Deno.remove(second);
  const after = await scene.next(["--config", file]);
  assertEquals(await before.ended(), 0);
  assertEquals(await after.terminate(), 0);
});

Deno.test("what is in the way of the temporary pid file is named, and none is left behind", {
  ignore,
}, async () => {
  await using scene = new ReplacingScene();
  const before = await scene.first();
  const next = `${scene.pidFile}.next`;
  await Deno.symlink("/etc/passwd", next);
  const linked = await scene.fail();
  assertEquals(linked.code, 1);
  assertMatch(linked.stderr, new RegExp(`${next} is a symbolic link, which is not followed`));
  await Deno.remove(next);
  const full = await scene.fail(scene.addresses, "trap '' XFSZ; ulimit -f 0");
  assertEquals(full.code, 1);
  assertMatch(full.stderr, new RegExp(`--pid-file .*: ${next} File too large`));
  assertEquals(scene.files, ["a.pid", "a.pid.socket"]);
  assertEquals(await before.terminate(), 0);
});

Deno.test("--replace needs a pid file", { ignore }, async () => {
  const { code, stderr } = await runProgram(["--replace", "8080", "9001"]);
  assertEquals(code, 2);
  assertMatch(stderr, /^iawlb: --replace .*must be with pid-file/);
});

Deno.test("several follow each other while the first ones still drain", { ignore }, async () => {
  await using scene = new ReplacingScene();
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
    await using scene = new ReplacingScene();
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
  await using scene = new ReplacingScene();
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
  await using scene = new ReplacingScene();
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

Deno.test(
  "one whose servers do not answer gets no clients, and gives up; or it is stopped, or killed",
  {
    ignore,
  },
  async () => {
    await using scene = new ReplacingScene();
    const before = await scene.first();
    using client = await scene.client();
    const [listen] = scene.addresses;
    const lost = [listen, `127.0.0.1:${freePort()}`];
    const failing = scene.launch(scene.args("--replace", ...lost));
    await failing.logged(/starts beside the process/);
    const stopped = scene.launch(scene.args("--replace", ...scene.addresses));
    assertEquals(await stopped.ended(), 1, "only one replaces at a time");
    for (let i = 0; i < 20; i++) assertEquals(await request(scene.port, "hello"), "hello");
    assertEquals(await failing.ended(), 1);
    const reason = new RegExp(
      `Cannot replace the process ${before.pid}, which goes on: no destination of .* answers: ` +
        `${lost[1]}: .*refused`,
    );
    await until(() => failing.log.some((line) => reason.test(line)), failing.log.join("\n"));
    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
      const one = scene.launch(scene.args("--replace", ...lost));
      await one.logged(/starts beside the process/);
      one.signal(signal);
      assertEquals(await one.ended() === 0, signal === "SIGTERM");
      assertEquals(scene.pid, before.pid);
      await client.talk("still");
      assertEquals(await request(scene.port, "hello"), "hello");
    }
    assertEquals(scene.files, ["a.pid", "a.pid.next", "a.pid.socket"], "what the killed one left");
    const after = await scene.next();
    assertEquals(scene.files, ["a.pid", "a.pid.socket"]);
    client.close();
    assertEquals(await before.ended(), 0);
    assertEquals(await after.terminate(), 0);
  },
);

Deno.test("where the process that is replaced reaches no server either nobody waits for one", {
  ignore,
}, async () => {
  await using scene = new ReplacingScene();
  const lost = [scene.addresses[0], `127.0.0.1:${freePort()}`];
  const before = await scene.first(lost);
  await before.logged(/is down/);
  const after = await scene.next(scene.addresses);
  assertEquals(await request(scene.port, "hello"), "hello");
  assertEquals(await before.ended(), 0);
  assertEquals(await after.terminate(), 0);
});

Deno.test(
  "when the one that has replaced another is killed, that one still finishes its sessions",
  {
    ignore,
  },
  async () => {
    await using scene = new ReplacingScene();
    const before = await scene.first();
    using client = await scene.client();
    const killed = await scene.next();
    killed.signal("SIGKILL");
    await killed.ended();
    await client.talk("still");
    const after = scene.launch(scene.args("--replace", ...scene.addresses));
    await after.logged(
      new RegExp(`took over the pid file .*, which process ${killed.pid} had left`),
    );
    await after.logged(/listening on/);
    assertEquals(await request(scene.port, "hello"), "hello");
    client.close();
    assertEquals(await before.ended(), 0);
    assertEquals(await after.terminate(), 0);
  },
);

Deno.test("listeners that come, go and move do so with the process", { ignore }, async () => {
  await using scene = new ReplacingScene();
  const [listen, destination] = scene.addresses;
  const file = `${scene.folder}/iawlb.toml`;
  const write = (listeners: string[]) =>
    Deno.writeTextFile(
      file,
      listeners.map((one) => `[[listener]]\nlisten = "${one}"\ndestinations = ["${destination}"]\n`)
        .join(""),
    );
  const [wide, gone, late, added] = Array.from({ length: 4 }, freePort) as number[];
  await write([listen, `127.0.0.1:${wide}`, `127.0.0.1:${gone}`]);
  const before = await scene.first(["--config", file]);
  await write([listen, `${wide}`, `127.0.0.1:${late}`]);
  const after = await scene.next(["--config", file]);
  assertEquals(await before.ended(), 0);
  for (const port of [scene.port, wide!, late!]) assertEquals(await request(port, "hi"), "hi");
  assert(await isRefused(gone!));
  // A reload binds as one that has replaced nobody.
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await write([listen, `${wide}`, `127.0.0.1:${(taken.addr as Deno.NetAddr).port}`]);
  after.signal("SIGHUP");
  await after.logged(/the address is in use/);
  await write([listen, `${wide}`, `127.0.0.1:${added}`]);
  after.signal("SIGHUP");
  await until(async () => !await isRefused(added!), "the new one listens");
  const third = await scene.next(["--config", file]);
  assertEquals(await after.ended(), 0);
  assertEquals(await request(added!, "hi"), "hi");
  assertEquals(await third.terminate(), 0);
});

Deno.test("the newest process gets all datagrams; the other one answers what it was asked", {
  ignore,
}, async () => {
  await using scene = new ReplacingScene();
  const held: Received[] = [];
  await using server = new UdpServer((received, self) => {
    if (received.text === "wait") return void held.push(received);
    return self.send(received.bytes, received.from);
  });
  const port = freePort();
  const args = [`udp:127.0.0.1:${port}`, server.address];
  const before = await scene.first(args);
  await using waiting = new UdpClient(port);
  await waiting.send("wait");
  await until(() => held.length === 1, "the server was asked");
  // A second one that replaces nobody has to find the port in use.
  const { code, stderr } = await runProgram(["--pid-file", `${scene.folder}/b.pid`, ...args]);
  assertEquals(code, 1);
  assertMatch(stderr, /the address is in use/);
  const after = await scene.next(args);
  await before.logged(/takes over: draining/);
  await using client = new UdpClient(port);
  assertEquals(await client.ask("new"), "new");
  await until(async () => (await after.status()).accepted === 1, "the new one has served it");
  await server.send("late", held[0]!.from);
  assertEquals((await waiting.next()).text, "late");
  assertEquals(await before.ended(), 0);
  assertEquals(await after.terminate(), 0);
});

Deno.test("a port of UDP is shared with one that drains by a signal", { ignore }, async () => {
  await using scene = new ReplacingScene();
  const held: Received[] = [];
  await using server = new UdpServer((received, self) => {
    if (received.text === "wait") return void held.push(received);
    return self.send(received.bytes, received.from);
  });
  const port = freePort();
  const args = [`udp:127.0.0.1:${port}`, server.address];
  const before = await scene.first(args);
  await using waiting = new UdpClient(port);
  await waiting.send("wait");
  await until(() => held.length === 1, "the server was asked");
  before.signal("SIGTERM");
  await before.logged(/draining: 1 sessions/);
  const after = await scene.next(args);
  await using client = new UdpClient(port);
  assertEquals(await client.ask("new"), "new");
  await server.send("late", held[0]!.from);
  assertEquals((await waiting.next()).text, "late");
  assertEquals(await before.ended(), 0);
  assertEquals(await after.terminate(), 0);
});

Deno.test("the service manager learns which process is the service now", { ignore }, async () => {
  await using scene = new ReplacingScene();
  await using receiver = new ServiceReceiver();
  const setting = (pid: string) =>
    `export NOTIFY_SOCKET='${receiver.path}' WATCHDOG_USEC=200000 WATCHDOG_PID=${pid}`;
  const before = scene.launch(scene.args(...scene.addresses), setting("$$"));
  await receiver.told(/^READY=1$/);
  using client = await scene.client();
  const start = receiver.notices.length;
  const after = await scene.next(scene.addresses, setting(`${before.pid}`));
  await receiver.told(new RegExp(`^MAINPID=${after.pid}$`), start);
  const ready = await receiver.told(/^READY=1$/, start);
  assertEquals(ready.lines, ["READY=1", `MAINPID=${after.pid}`]);
  const seen = receiver.count("WATCHDOG=1");
  await until(() => receiver.count("WATCHDOG=1") > seen + 2, "the watchdog is fed");
  client.close();
  assertEquals(await before.ended(), 0);
  assertEquals(receiver.count("STOPPING=1"), 0, "the end of the other one is not the service's");
  assertEquals(await after.terminate(), 0);
  assertEquals(receiver.count("STOPPING=1"), 1);
});

Deno.test("somebody who asks and goes away again changes nothing", { ignore }, async () => {
  await using scene = new ReplacingScene();
  const before = await scene.first();
  const path = `${scene.pidFile}.socket`;
  assertEquals(Deno.lstatSync(path).mode! & 0o777, 0o600);
  for (const text of ["", "\n", "nonsense\n", '{"replacedBy":-1}\n', '{"replacedBy":"1"}\n']) {
    using asking = await Deno.connect({ transport: "unix", path });
    if (text) await asking.write(new TextEncoder().encode(text));
    const read = await asking.read(new Uint8Array(10_000));
    assert(read! > 0);
  }
  assertEquals(await request(scene.port, "hello"), "hello");
  assert(!before.log.some((line) => /takes over|drain/.test(line)));
  assertEquals(await before.terminate(), 0);
});

const WHY_NO_PLACE = ignore ? "this is not Linux" : await whyNoPlace();

for (
  const { number, what, options } of [
    { number: 10, what: "in one thread", options: [] },
    { number: 4, what: "in two", options: ["--threads", "2"] },
  ]
) {
  Deno.test({
    ...unless(`${number} hand-overs under load, ${what}: nobody is refused, reset or cut`, {
      [WHY_NO_PLACE]: WHY_NO_PLACE !== "",
    }),
    async fn() {
      await using place = await Place.make(["net.ipv4.tcp_migrate_req=1"]);
      await using scene = new ReplacingScene();
      const [port, serverPort] = [freePort(), freePort()];
      const args = [
        "--access-log",
        "off",
        ...options,
        `127.0.0.1:${port}`,
        `127.0.0.1:${serverPort}`,
      ];
      const load = await Reconnecting.start(place, { port, serverPort, clients: 16 });
      const first = scene.launch(scene.args(...args), place.entry);
      await first.logged(/listening on/);
      await until(() => scene.files.includes("a.pid.socket"), "it can be replaced");
      await load.begin();
      const programs = [first];
      for (let i = 0; i < number; i++) programs.push(await scene.next(args, place.entry));
      for (const program of programs.slice(0, -1)) assertEquals(await program.ended(), 0);
      const { served, ...others } = await load.end();
      assertEquals(others, {}, `besides ${served} that were served`);
      assert(served! > 1000, `${served}`);
      assertEquals(await programs.at(-1)!.terminate(), 0);
      assert(!programs.some(({ log }) => log.some((line) => line.includes("tcp_migrate_req"))));
    },
  });
}

Deno.test({
  ...unless("without tcp_migrate_req a line says what that costs", {
    [WHY_NO_PLACE]: WHY_NO_PLACE !== "",
  }),
  async fn() {
    await using place = await Place.make(["net.ipv4.tcp_migrate_req=0"]);
    await using scene = new ReplacingScene();
    const before = scene.launch(scene.args(...scene.addresses), place.entry);
    await before.logged(/listening on/);
    await until(() => scene.files.includes("a.pid.socket"), "it can be replaced");
    const after = await scene.next(scene.addresses, place.entry);
    await after.logged(/net\.ipv4\.tcp_migrate_req is 0: .* are reset/);
    assertEquals(await before.ended(), 0);
    assertEquals(await after.terminate(), 0);
  },
});
