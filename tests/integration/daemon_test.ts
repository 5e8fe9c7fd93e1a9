import { assert, assertEquals, assertMatch } from "@std/assert";
import { Daemon } from "../support/daemon.ts";
import { Program, runProgram } from "../support/program.ts";
import { echo, freePort, TestServer, until } from "../support/servers.ts";
import { unless } from "../support/unless.ts";
import { SyslogReceiver } from "../support/syslog_receiver.ts";

const ignore = Deno.build.os !== "linux";

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

/** A folder, a server, and a syslog daemon for what a daemon says. */
class Scene implements AsyncDisposable {
  readonly port = freePort();
  private constructor(
    readonly folder: string,
    readonly server: TestServer,
    readonly syslog: SyslogReceiver,
  ) {}

  static async make(): Promise<Scene> {
    const folder = await Deno.makeTempDir();
    return new Scene(folder, new TestServer(echo), SyslogReceiver.unix(`${folder}/log`));
  }

  /** The arguments of a daemon in the folder. */
  args(...more: string[]): string[] {
    return ["--daemon", "--log", `syslog:${this.syslog.address}`, "--pid-file", "a.pid", ...more];
  }

  /** Where it listens and whom it serves. */
  get addresses(): [string, string] {
    return [`127.0.0.1:${this.port}`, this.server.address];
  }

  /** Starts it in the folder; returns what the starter said, and it if the starter was content. */
  async start(args: string[]) {
    const result = await runProgram(args, `cd ${this.folder}`);
    return {
      ...result,
      daemon: result.code === 0 ? new Daemon(`${this.folder}/a.pid`) : undefined,
    };
  }

  async talk(port = this.port): Promise<string> {
    using client = await Deno.connect({ port, hostname: "127.0.0.1" });
    await client.write(new TextEncoder().encode("hello"));
    const buffer = new Uint8Array(100);
    const length = await client.read(buffer);
    return new TextDecoder().decode(buffer.subarray(0, length ?? 0));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
    await this.syslog[Symbol.asyncDispose]();
    await Deno.remove(this.folder, { recursive: true });
  }
}

Deno.test(
  "a daemon serves when its starter is done, and has nothing of the starter's",
  { ignore },
  async () => {
    await using scene = await Scene.make();
    const log = ["--access-log", "access.log", "--umask", "027"];
    const { code, stdout, stderr, daemon } = await scene.start(
      scene.args(...log, "--syslog-facility", "local5", "--syslog-ident", "lb", ...scene.addresses),
    );
    assertEquals([code, stdout, stderr], [0, "", ""]);
    await using it = daemon!;
    assertEquals(await scene.talk(), "hello");
    assertEquals([it.session, it.status("PPid")[0] === String(Deno.pid)], [it.pid, false]);
    assertEquals(Deno.readLinkSync(`/proc/${it.pid}/cwd`), "/");
    for (const descriptor of [0, 1, 2]) {
      assertEquals(Deno.readLinkSync(`/proc/${it.pid}/fd/${descriptor}`), "/dev/null");
    }
    const { facility, app, pid } = await scene.syslog.received(/listening on/);
    assertEquals([facility, app, pid], [21, "lb", String(it.pid)]);
    await until(() => Deno.readTextFileSync(`${scene.folder}/access.log`) !== "", "it logs");
    assertEquals(Deno.statSync(`${scene.folder}/access.log`).mode! & 0o777, 0o640);
    it.signal("SIGTERM");
    await it.ended();
    assertEquals([...Deno.readDirSync(scene.folder)].map(({ name }) => name).sort(), [
      "access.log",
      "log",
    ]);
  },
);

Deno.test(
  "why a daemon does not serve is said by its starter, which ends as it did",
  { ignore },
  async () => {
    await using scene = await Scene.make();
    const taken = Deno.listen({ hostname: "127.0.0.1", port: scene.port });
    const inUse = await scene.start(scene.args(...scene.addresses));
    taken.close();
    assertEquals(inUse.code, 1);
    assertEquals(
      inUse.stderr,
      `iawlb: Cannot listen on 127.0.0.1:${scene.port}: the address is in use; stop the program that ` +
        "has it or choose another\n",
    );
    assertEquals([...Deno.readDirSync(scene.folder)].map(({ name }) => name), ["log"]);
    const usage = await scene.start(scene.args("--workers", "0", ...scene.addresses));
    assertEquals([usage.code, usage.stderr.split("\n").length], [2, 2]);
    const folder = await scene.start(
      scene.args("--access-log", "none/here.log", ...scene.addresses),
    );
    assertEquals(folder.code, 1);
    assertMatch(
      folder.stderr,
      /^iawlb: Cannot open the access log ".*none\/here.log": there is no/,
    );
  },
);

Deno.test(
  "a second daemon with the same pid file is refused; one that was killed is not in the way",
  {
    ignore,
  },
  async () => {
    await using scene = await Scene.make();
    const first = (await scene.start(scene.args(...scene.addresses))).daemon!;
    await using it = first;
    const again = await scene.start(scene.args("127.0.0.1:0", scene.server.address));
    assertEquals(again.code, 1);
    assertEquals(
      again.stderr,
      `iawlb: --pid-file "${scene.folder}/a.pid": is locked by the process ${it.pid}, which runs; stop ` +
        "it, or name another file\n",
    );
    assertEquals(await scene.talk(), "hello");
    it.signal("SIGKILL");
    await it.ended();
    const { daemon, stderr } = await scene.start(scene.args(...scene.addresses));
    assertEquals(stderr, "");
    await using next = daemon!;
    assertEquals(await scene.talk(), "hello");
    await scene.syslog.received(
      new RegExp(`took over the pid file .*, which process ${it.pid} had`),
    );
    next.signal("SIGTERM");
    await next.ended();
  },
);

Deno.test("one whose pid file was moved away leaves its admin API to the next when it drains", {
  ignore,
}, async () => {
  await using scene = await Scene.make();
  const args = scene.args("--admin", `unix:${scene.folder}/admin`, ...scene.addresses);
  await using before = (await scene.start(args)).daemon!;
  using client = await Deno.connect({ port: scene.port, hostname: "127.0.0.1" });
  await client.write(new Uint8Array(1));
  await client.read(new Uint8Array(1));
  await Deno.rename(`${scene.folder}/a.pid`, `${scene.folder}/b.pid`);
  before.signal("SIGTERM");
  await scene.syslog.received(/the pid file was moved away: .* the admin API closes/);
  await until(() => !exists(`${scene.folder}/admin`), "the admin API has closed");
  await using after = (await scene.start(args)).daemon!;
  assert(before.runs && after.runs);
  assertEquals(await scene.talk(), "hello");
  await client.write(new Uint8Array(1));
  assertEquals(await client.read(new Uint8Array(1)), 1);
  client.close();
  await before.ended();
  assert(exists(`${scene.folder}/admin`) && exists(`${scene.folder}/a.pid`));
  after.signal("SIGTERM");
  await after.ended();
});

Deno.test("a reload reads the file, and the files that it names, in the folder of the starter", {
  ignore,
}, async () => {
  await using scene = await Scene.make();
  const second = freePort();
  const write = (port: number, ident: string) => {
    const [, server] = scene.addresses;
    return Deno.writeTextFile(
      `${scene.folder}/a.toml`,
      `daemon = true\npid-file = "a.pid"\nlog = "syslog:${scene.syslog.address}"\n` +
        `syslog-ident = "${ident}"\n` +
        `access-log = "access.log"\noverflow = "reject"\nreject-with = "sorry"\n` +
        `listen = "127.0.0.1:${port}"\ndestinations = ["${server}"]\n`,
    );
  };
  await Deno.writeTextFile(`${scene.folder}/sorry`, "busy");
  await write(scene.port, "one");
  const { daemon, stderr } = await scene.start(["--config", "a.toml"]);
  assertEquals(stderr, "");
  await using it = daemon!;
  await write(second, "two");
  it.signal("SIGHUP");
  const { app } = await scene.syslog.received(/reload: listener 127\.0\.0\.1:\d+ removed/);
  assertEquals(app, "two");
  assertEquals(await scene.talk(second), "hello");
  const log = `${scene.folder}/access.log`;
  await until(() => Deno.readTextFileSync(log) !== "", "it logs");
  await Deno.rename(log, `${log}.1`);
  it.signal("SIGUSR2");
  await scene.syslog.received(/opened the access log \S+access\.log again/);
  assertEquals(await scene.talk(second), "hello");
  await until(() => Deno.readTextFileSync(log) !== "", "it logs where it is told to");
  it.signal("SIGTERM");
  await it.ended();
});

Deno.test("a daemon whose starter was killed before it served ends, and leaves nothing behind", {
  ignore,
}, async () => {
  await using scene = await Scene.make();
  const hasPidFile = () => [...Deno.readDirSync(scene.folder)].some(({ name }) => name === "a.pid");
  for (let tries = 1;; tries++) {
    const starter = Program.launch(
      scene.args(...scene.addresses),
      `cd ${scene.folder}; export TMPDIR=${scene.folder}`,
    );
    await until(
      () => hasPidFile() && Deno.readTextFileSync(`${scene.folder}/a.pid`) !== "",
      "the daemon has its pid file",
    );
    await using it = new Daemon(`${scene.folder}/a.pid`);
    it.signal("SIGSTOP");
    // One that has served by now has told so.
    const served = await until(() => starter.exited, "it has served", 300)
      .then(() => true, () => false);
    if (!served) starter.signal("SIGKILL");
    await starter.ended();
    it.signal("SIGCONT");
    if (served) it.signal("SIGTERM");
    await it.ended();
    assertEquals([...Deno.readDirSync(scene.folder)].map(({ name }) => name), ["log"]);
    if (!served) return;
    assert(tries < 20, "it always serves before it can be stopped");
  }
});

Deno.test("what cannot be a daemon, or not here, is refused at once", { ignore }, async () => {
  await using scene = await Scene.make();
  const managed = await runProgram(scene.args(...scene.addresses), "export NOTIFY_SOCKET=@none");
  assertEquals(managed.code, 2);
  assertMatch(managed.stderr, /^iawlb: --daemon: systemd started the program and waits for this/);
  await Deno.writeTextFile(`${scene.folder}/a.toml`, 'listen = "1"\ndestinations = ["2"]\n');
  const file = `${scene.folder}/a.toml`;
  const input = await runProgram(["--daemon", "--config", "-"], `exec < ${file}`);
  assertEquals(input.code, 2);
  assertMatch(input.stderr, /^iawlb: --config "-": the program starts itself anew/);
});

Deno.test("who starts a daemon learns that nobody takes its messages", { ignore }, async () => {
  await using scene = await Scene.make();
  const path = `${scene.folder}/none`;
  const { code, stderr, daemon } = await scene.start([
    ...["--daemon", "--pid-file", "a.pid", "--log", `syslog:unix:${path}`],
    ...scene.addresses,
  ]);
  await using it = daemon!;
  assertEquals(code, 0);
  assertEquals(
    stderr,
    `iawlb: warning: there is no syslog at ${path}: messages are lost until there is; --log names ` +
      "another one\n",
  );
  it.signal("SIGTERM");
  await it.ended();
});

Deno.test({
  ...unless(
    "root with supplementary groups gives them up where --user is root, and --group counts",
    {
      "not Linux": ignore,
      "not root": !ignore && Deno.uid() !== 0,
      "no setpriv": !await Deno.stat("/usr/bin/setpriv").catch(() => undefined),
    },
  ),
  fn: async () => {
    await using scene = await Scene.make();
    const args = scene.args("--user", "root", "--group", "4", ...scene.addresses);
    const { code, stderr } = await runProgram(
      args,
      `cd ${scene.folder}; set -- setpriv --groups 4,27 "$@"`,
    );
    assertEquals([code, stderr], [0, ""]);
    await using it = new Daemon(`${scene.folder}/a.pid`);
    assertEquals(it.status("Uid", "Gid", "Groups"), ["0 0 0 0", "4 4 4 4", ""]);
    assertEquals(await scene.talk(), "hello");
    it.signal("SIGTERM");
    await it.ended();
  },
});
