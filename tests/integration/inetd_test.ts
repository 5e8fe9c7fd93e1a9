import { assert, assertEquals, assertMatch } from "@std/assert";
import { Daemon } from "../support/daemon.ts";
import { Program, runProgram } from "../support/program.ts";
import { freePort, readExactly, request, tryClose, until, writeAll } from "../support/servers.ts";
import { SyslogReceiver } from "../support/syslog_receiver.ts";
import { unless } from "../support/unless.ts";

const encoder = new TextEncoder();
const NEEDS_ROOT = { "programs of other users need root": Deno.uid() !== 0 };

/** An inetd.conf in a folder of its own. */
class Conf implements AsyncDisposable {
  readonly path: string;
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
    this.path = `${folder}/inetd.conf`;
  }

  static async make(...lines: string[]): Promise<Conf> {
    const conf = new Conf(await Deno.makeTempDir());
    await conf.write(...lines);
    return conf;
  }

  async write(...lines: string[]): Promise<void> {
    await Deno.writeTextFile(this.path, lines.map((line) => `${line}\n`).join(""));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#folder, { recursive: true });
  }
}

function line(port: number, rest: string): string {
  return `127.0.0.1:${port}\tstream\ttcp\tnowait\troot\t${rest}`;
}

Deno.test("every problem of an inetd.conf is told with its line, and nothing is served", async () => {
  await using conf = await Conf.make(
    "echo stream tcp nowait root internal",
    "tftp dgram udp wait root /usr/sbin/in.tftpd in.tftpd /srv/tftp",
    "finger stream tcp nowait",
    "nosuchservice stream tcp nowait root internal",
    "echo stream tcp nowait root internal",
  );
  for (const args of [["--check-config"], []]) {
    const { code, stderr } = await runProgram(["inetd", conf.path, ...args]);
    assertEquals(code, 2);
    const lines = stderr.trim().split("\n");
    assertEquals(lines.length, 4, stderr);
    for (const [i, number] of [2, 3, 4, 5].entries()) {
      assert(lines[i]!.startsWith(`iawlb: ${conf.path}:${number}: `), lines[i]);
    }
    assertMatch(lines[0]!, /this runtime cannot hand over/);
    assertMatch(lines[3]!, /collides with "echo" in line 1/);
  }
  const missing = await runProgram(["inetd", `${conf.path}.not`]);
  assertEquals([missing.code, missing.stderr], [
    2,
    `iawlb: ${conf.path}.not: cannot be read: there is no such file\n`,
  ]);
});

Deno.test("what inetd.conf comes to is printed as a file that says the same", async () => {
  await using conf = await Conf.make(
    "echo stream tcp4 nowait root internal",
    "echo dgram udp wait root internal",
    "daytime stream tcp nowait.20 root internal",
    "time stream tcp6 nowait root internal",
  );
  const printed = await runProgram(["inetd", conf.path, "--print-config", "--queue", "7"]);
  assertEquals(printed.code, 0, printed.stderr);
  assertMatch(printed.stdout, /listen = "0.0.0.0:echo" {2}# \S+inetd.conf:1\n/);
  assertMatch(printed.stdout, /rate-guard = "20\/1m\/10m" {2}# \S+inetd.conf:3\n/);
  await Deno.writeTextFile(`${conf.path}.toml`, printed.stdout);
  const again = await runProgram(["--config", `${conf.path}.toml`, "--print-config"]);
  assertEquals(again.code, 0, again.stderr);
  const values = (text: string) => text.replaceAll(/ {2}# .*$/gm, "");
  assertEquals(values(again.stdout), values(printed.stdout).trimEnd() + "\n");
  const { stdout } = await runProgram(["inetd", conf.path, "--check-config"]);
  assertEquals(stdout, `${conf.path} is fine: 4 listeners, 4 destinations\n`);
});

Deno.test({
  ...unless("SIGHUP under load: lines come and go, and no session is dropped", NEEDS_ROOT),
  fn: async () => {
    const [stays, goes, comes] = [freePort(), freePort(), freePort()];
    const cat = (port: number, ...args: string[]) =>
      line(port, ["/bin/cat cat", ...args].join(" "));
    await using conf = await Conf.make(cat(stays), cat(goes));
    const flags = ["--log-format", "json", "--rate-guard", "off", "--access-log-format", "json"];
    await using program = await Program.spawn(["inetd", conf.path, ...flags]);
    const ports = Array.from({ length: 200 }, (_, i) => [stays, goes][i % 2]!);
    const long = await Promise.all(ports.map((port) => Talk.begin(port)));
    const allSay = (text: string) => Promise.all(long.map((talk) => talk.says(text)));
    let over = false;
    let served = 0;
    const load = Array.from({ length: 4 }, async () => {
      while (!over) {
        assertEquals(await request(stays, "short"), "short");
        served++;
      }
    });
    const versions = [
      [cat(stays), cat(comes)],
      [cat(stays, "-u"), cat(goes), cat(comes)],
      [cat(stays), cat(comes)],
    ];
    for (const [i, lines] of versions.entries()) {
      const [before, log] = [served, program.log.length];
      await conf.write(...lines);
      program.signal("SIGHUP");
      const isApplied = () =>
        program.log.slice(log).some((text) => /reload: .*(added|removed)/.test(text));
      await until(isApplied, `reload ${i} is applied`);
      await until(() => served > before + 4, "clients are served after it");
      await allSay(`after reload ${i}`);
    }
    // Where nobody listens any more the session that is there goes on.
    assertEquals(await request(comes, "new"), "new");
    await assertRefused(goes);
    await conf.write(cat(stays), "oops");
    program.signal("SIGHUP");
    const refusal = await program.logged(/reload refused/);
    assertMatch(refusal, /inetd.conf:2: /);
    await allSay("still here");
    over = true;
    await Promise.all(load);
    await Promise.all(long.map((talk) => talk.end()));
    assertEquals(await program.terminate(), 0);
    // Who only looked whether somebody still listens has said nothing.
    const entries = program.access().filter(({ bytes_up }) => Number(bytes_up) > 0);
    assertEquals([...new Set(entries.map(({ reason }) => reason))], ["done"]);
    assertEquals(entries.length, served + 1 + long.length);
  },
});

Deno.test({
  ...unless("a program that is started too often is not started for a while", NEEDS_ROOT),
  fn: async () => {
    const port = freePort();
    const entry = line(port, "/bin/cat cat").replace("nowait", "nowait.3");
    await using conf = await Conf.make(entry);
    await using program = await Program.spawn(["inetd", conf.path, "--log-format", "json"]);
    for (let i = 0; i < 3; i++) assertEquals(await request(port, `${i}`), `${i}`);
    const refused = await request(port, "x").catch(() => "");
    assertEquals(refused, "");
    assertMatch(await program.logged(/rate-guard/), /more than 3 new sessions within 1m/);
    assertEquals(await program.terminate(), 0);
  },
});

Deno.test({
  ...unless("lines with programs that need a socket are refused, and say what to do", NEEDS_ROOT),
  fn: async () => {
    await using conf = await Conf.make(
      line(7001, "/usr/sbin/tcpd /usr/sbin/in.ftpd -l"),
      line(7002, "/usr/bin/rsync rsyncd --daemon"),
    );
    const { code, stderr } = await runProgram(["inetd", conf.path]);
    assertEquals(code, 2);
    const [tcpd, rsync, ...more] = stderr.trimEnd().split("\n");
    assertMatch(tcpd!, /inetd.conf:1: .* it lets nobody in; must be the program itself/);
    assertMatch(
      rsync!,
      /inetd.conf:2: .* listens by itself .* must be rsync --server --daemon \.$/,
    );
    assertEquals(more, []);
  },
});

Deno.test({
  ...unless("what is printed for a file serves the same", NEEDS_ROOT),
  fn: async () => {
    const ports = [freePort(), freePort(), freePort()];
    const [said, who, twice] = ports as [number, number, number];
    await using conf = await Conf.make(
      line(said, "/bin/echo echo it's \\ $HOME a,b"),
      line(who, "/usr/bin/id id -un").replace("root", "nobody.nogroup"),
      line(twice, "/bin/cat").replace("nowait", "nowait.2"),
    );
    const ask = (port: number) => request(port, "x").catch(() => "");
    const answers = async (args: string[]) => {
      await using program = await Program.spawn(args);
      const all = [await ask(said), await ask(who)];
      for (let i = 0; i < 3; i++) all.push(await ask(twice));
      assertEquals(await program.terminate(), 0);
      return all;
    };
    const { stdout } = await runProgram(["inetd", conf.path, "--print-config"]);
    await Deno.writeTextFile(`${conf.path}.toml`, stdout);
    const expected = ["it's \\ $HOME a,b\n", "nobody\n", "x", "x", ""];
    assertEquals(await answers(["inetd", conf.path]), expected);
    assertEquals(await answers(["--config", `${conf.path}.toml`]), expected);
  },
});

Deno.test({
  ...unless("as a daemon it reads its file again, wherever it was started", NEEDS_ROOT),
  fn: async () => {
    const [first, second] = [freePort(), freePort()];
    await using conf = await Conf.make(line(first, "/bin/cat"));
    const folder = conf.path.replace(/[^/]*$/, "");
    await using syslog = SyslogReceiver.unix(`${folder}log`);
    const args = ["inetd", "inetd.conf", "--daemon", "--pid-file", "a.pid"];
    const started = await runProgram([...args, `--log=syslog:${syslog.address}`], `cd ${folder}`);
    assertEquals([started.code, started.stderr], [0, ""]);
    await using daemon = new Daemon(`${folder}a.pid`);
    assertEquals(await request(first, "hello"), "hello");
    await conf.write(line(first, "/bin/cat"), line(second, "/bin/cat"));
    daemon.signal("SIGHUP");
    await syslog.received(/listener \S+ added/);
    assertEquals(await request(second, "hello"), "hello");
    await conf.write("oops");
    daemon.signal("SIGHUP");
    assertMatch((await syslog.received(/reload refused/)).text, /inetd.conf:1: "oops"/);
    assertEquals(await request(second, "hello"), "hello");
    daemon.signal("SIGTERM");
    await daemon.ended();
    const files = Array.from(Deno.readDirSync(folder), ({ name }) => name).sort();
    assertEquals(files, ["inetd.conf", "log"]);
  },
});

Deno.test({
  ...unless("programs with options, quotes and owners are printed as what they are", NEEDS_ROOT),
  fn: async () => {
    await using conf = await Conf.make(
      line(7001, "/bin/cat cat it's \\ $HOME a,b"),
      line(7002, "/bin/echo echo -n").replace("root", "nobody.nogroup"),
      line(7003, "/bin/cat").replace("nowait", "nowait.5.60"),
    );
    const printed = await runProgram(["inetd", conf.path, "--print-config"]);
    assertEquals(printed.code, 0, printed.stderr);
    await Deno.writeTextFile(`${conf.path}.toml`, printed.stdout);
    const again = await runProgram(["--config", `${conf.path}.toml`, "--print-config"]);
    assertEquals(again.code, 0, again.stderr);
    const destinations = (text: string) => text.match(/^ {2}".*",/gm);
    assertEquals(destinations(again.stdout), destinations(printed.stdout));
    assertEquals(destinations(printed.stdout), [
      String.raw`  "user=root,exec:/bin/cat 'it'\\''s' '\\' '$HOME' a,b",`,
      '  "user=nobody,group=nogroup,exec:/bin/echo -n",',
      '  "user=root,workers=5,exec:/bin/cat",',
    ]);
  },
});

/** A session that lasts. */
class Talk {
  readonly #conn: Deno.Conn;

  private constructor(conn: Deno.Conn) {
    this.#conn = conn;
  }

  static async begin(port: number): Promise<Talk> {
    const talk = new Talk(await Deno.connect({ hostname: "127.0.0.1", port }));
    await talk.says("hello");
    return talk;
  }

  /** Sends a text, which has to come back. */
  async says(text: string): Promise<void> {
    const bytes = encoder.encode(text);
    await writeAll(this.#conn, bytes);
    assertEquals(await readExactly(this.#conn, bytes.length), bytes);
  }

  async end(): Promise<void> {
    await this.#conn.closeWrite();
    assertEquals(await this.#conn.read(new Uint8Array(1)), null);
    tryClose(this.#conn);
  }
}

async function assertRefused(port: number): Promise<void> {
  await until(async () => {
    try {
      tryClose(await Deno.connect({ hostname: "127.0.0.1", port }));
      return false;
    } catch (error) {
      return error instanceof Deno.errors.ConnectionRefused;
    }
  }, `nobody listens at ${port}`);
}
