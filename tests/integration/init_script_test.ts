import { assert, assertEquals, assertMatch } from "@std/assert";
import { Daemon } from "../support/daemon.ts";
import { Program, runProgram } from "../support/program.ts";
import { echo, freePort, TestServer, until } from "../support/servers.ts";
import { SyslogReceiver } from "../support/syslog_receiver.ts";
import { unless } from "../support/unless.ts";

const BINARY = Deno.env.get("IAWLB_BINARY");
const SCRIPT = new URL("../../examples/init.d/iawlb", import.meta.url).pathname;
const LOGROTATE = new URL("../../examples/init.d/iawlb.logrotate", import.meta.url).pathname;

/** Whom the program becomes. */
const USER = "www-data";

async function has(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

/** What all of these need. */
const obstacles = {
  "not Linux": Deno.build.os !== "linux",
  "not root": Deno.build.os !== "windows" && Deno.uid() !== 0,
  "not the standalone binary, and sources may be out of the user's reach": BINARY === undefined,
  "no setpriv": !await has("/usr/bin/setpriv"),
  [`no user ${USER}`]: !(await Deno.readTextFile("/etc/passwd").catch(() => "")).includes(USER),
};

/** A machine's folders for the program, below one of its own, that the user can enter. */
class Machine implements AsyncDisposable {
  readonly server = new TestServer(echo);
  readonly config: string;
  readonly binary: string;

  private constructor(readonly root: string, readonly syslog: SyslogReceiver) {
    this.config = `${root}/iawlb.toml`;
    this.binary = `${root}/bin/iawlb`;
  }

  static async make(): Promise<Machine> {
    const root = await Deno.makeTempDir();
    const machine = new Machine(root, SyslogReceiver.unix(`${root}/syslog`));
    await Deno.chmod(root, 0o755);
    await Deno.chmod(`${root}/syslog`, 0o666);
    await Deno.mkdir(`${machine.root}/bin`);
    await machine.install();
    await Deno.writeTextFile(
      `${machine.root}/default`,
      `DAEMON=${machine.binary}\nCONFIG=${machine.config}\nRUN_AS=${USER}\n` +
        `RUN_DIR=${machine.root}/run\nLOG_DIR=${machine.root}/log\n`,
    );
    return machine;
  }

  /** Puts the binary where it belongs, as dpkg does: a new file takes the place of the old one. */
  async install(): Promise<void> {
    await Deno.copyFile(BINARY!, `${this.binary}.new`);
    await Deno.chmod(`${this.binary}.new`, 0o755);
    await Deno.rename(`${this.binary}.new`, this.binary);
  }

  async configure(...ports: number[]): Promise<void> {
    const listeners = ports.map((port) => {
      return `[[listener]]\nlisten = "127.0.0.1:${port}"\ndestinations = ["${this.server.address}"]\n`;
    });
    const program = `log = "syslog:${this.syslog.address}"\n` +
      `access-log = "${this.root}/log/access.log"\n` +
      `admin = "${this.admin}"\n`;
    await Deno.writeTextFile(this.config, program + listeners.join(""));
  }

  get admin(): string {
    return `unix:${this.root}/run/admin.sock`;
  }

  /** Tells the init script what to do. */
  async script(action: string): Promise<{ code: number; stdout: string; stderr: string }> {
    return await run(["sh", SCRIPT, action], { DEFAULTS: `${this.root}/default` });
  }

  /** What is running by the pid file. */
  daemon(): Daemon {
    return new Daemon(`${this.root}/run/iawlb.pid`);
  }

  get log(): string {
    try {
      return Deno.readTextFileSync(`${this.root}/log/access.log`);
    } catch {
      return "";
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.script("stop");
    await this.server[Symbol.asyncDispose]();
    await this.syslog[Symbol.asyncDispose]();
    await Deno.remove(this.root, { recursive: true });
  }
}

async function run([program, ...args]: string[], env: Record<string, string> = {}) {
  const { code, stdout, stderr } = await new Deno.Command(program!, { args, env }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, stdout: out!, stderr: err! };
}

/** A port below 1024 of loopback that nobody has. */
function freeLowPort(not: readonly number[] = []): number {
  for (let port = 1023; port > 512; port--) {
    if (not.includes(port)) continue;
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch {
      // Somebody has it.
    }
  }
  throw new Error("no port below 1024 is free");
}

async function talk(port: number): Promise<void> {
  using client = await Deno.connect({ hostname: "127.0.0.1", port });
  await client.write(new TextEncoder().encode("x"));
  assertEquals(await client.read(new Uint8Array(1)), 1);
}

Deno.test({
  ...unless("an init script starts, reloads, rotates, upgrades and stops a daemon on low ports", {
    ...obstacles,
    "no start-stop-daemon": !await has("/usr/sbin/start-stop-daemon") &&
      !await has("/sbin/start-stop-daemon"),
    "no logrotate": !await has("/usr/sbin/logrotate"),
  }),
  fn: async () => {
    await using machine = await Machine.make();
    const [first, second] = [freeLowPort(), freeLowPort([freeLowPort()])];
    await machine.configure(first);
    assertEquals((await machine.script("status")).code, 3);
    assertEquals(await machine.script("start"), { code: 0, stdout: "", stderr: "" });
    assertEquals((await machine.script("start")).code, 0, "a second start is none");
    await using before = machine.daemon();
    await talk(first);
    const [uid, gid] = ["u", "g"].map((flag) => id(flag));
    const four = (number: string) => Array(4).fill(number).join(" ");
    assertEquals(before.status("Name", "Uid", "Gid", "Groups", "CapEff", "CapPrm"), [
      "iawlb",
      four(uid!),
      four(gid!),
      "",
      "0000000000000400",
      "0000000000000400",
    ]);
    assertEquals((await machine.script("status")).code, 0);

    // Another port below 1024, of which nobody knew when root was given up.
    await machine.configure(first, second);
    assertEquals((await machine.script("reload")).code, 0);
    await until(() => talk(second).then(() => true, () => false), "the new listener is there");
    await Deno.writeTextFile(machine.config, "listen = 1");
    const refused = await machine.script("reload");
    assertEquals([refused.code, /destinations is missing/.test(refused.stderr)], [2, true]);
    await machine.configure(first, second);

    // logrotate, with the packaged file for these folders.
    await until(() => machine.log !== "", "it logs");
    const text = (await Deno.readTextFile(LOGROTATE))
      .replaceAll("/var/log/iawlb", `${machine.root}/log`)
      .replace("su iawlb iawlb", `su ${USER} ${USER}`)
      .replaceAll("/etc/init.d/iawlb", `DEFAULTS=${machine.root}/default sh ${SCRIPT}`);
    await Deno.writeTextFile(`${machine.root}/rotate`, text);
    await Deno.chmod(`${machine.root}/rotate`, 0o644);
    const rotated = await run([
      ...["/usr/sbin/logrotate", "--force", "--state", `${machine.root}/state`],
      `${machine.root}/rotate`,
    ]);
    assertEquals([rotated.code, rotated.stderr], [0, ""]);
    await until(() => has(`${machine.root}/log/access.log`), "the log is there again");
    await talk(first);
    await until(() => machine.log.split("\n").length === 2, "it logs into the new file");

    // A new binary takes over, and the old one finishes its session.
    const client = await Deno.connect({ hostname: "127.0.0.1", port: first });
    await client.write(new TextEncoder().encode("a"));
    await client.read(new Uint8Array(1));
    await machine.install();
    assertEquals(await machine.script("upgrade"), { code: 0, stdout: "", stderr: "" });
    await using after = machine.daemon();
    assert(before.pid !== after.pid && before.runs && after.runs);
    const { stdout: state } = await run([machine.binary, "ctl", machine.admin, "status"]);
    assertMatch(state, new RegExp(`^iawlb \\S+, pid ${after.pid} \\(generation 2\\), running`));
    await Promise.all([talk(first), talk(second)]);
    await client.write(new TextEncoder().encode("b"));
    assertEquals(await client.read(new Uint8Array(1)), 1);
    client.close();
    await before.ended();
    assertEquals(machine.daemon().pid, after.pid, "the pid file is the new one's");

    assertEquals(await machine.script("restart"), { code: 0, stdout: "", stderr: "" });
    assertEquals(after.runs, false);
    await talk(second);
    assertEquals(await machine.script("stop"), { code: 0, stdout: "", stderr: "" });
    assertEquals(await has(`${machine.root}/run/iawlb.pid`), false);
    assertEquals((await machine.script("status")).code, 3);
  },
});

Deno.test({
  ...unless("what --user will need later and does not have is refused at the start", obstacles),
  fn: async () => {
    await using machine = await Machine.make();
    await machine.configure(freePort());
    await Deno.mkdir(`${machine.root}/log`);
    const args = ["--config", machine.config, "--user", USER, "--daemon", "--admin", "off"];
    const log = await runProgram(args);
    assertEquals(log.code, 1);
    assertEquals(
      log.stderr,
      `iawlb: --access-log "${machine.root}/log/access.log": its folder "${machine.root}/log" cannot be ` +
        `written to by ${USER}, so that the log could not be opened again (SIGUSR2); must be in a ` +
        "folder of theirs, such as /var/log/iawlb\n",
    );
    const pidFile = `${machine.root}/iawlb.pid`;
    for (const there of [false, true]) {
      if (there) {
        await Deno.writeTextFile(pidFile, "");
        await Deno.chown(pidFile, Number(id("u")), Number(id("g")));
      }
      const pid = await runProgram([...args, "--access-log", "off", "--pid-file", pidFile]);
      assertEquals(pid.code, 1);
      assertMatch(
        pid.stderr,
        /^iawlb: --pid-file ".*": its folder ".*" cannot be written to by whom the program runs as/,
      );
    }
    await Deno.chmod(`${machine.root}/syslog`, 0o600);
    const syslog = await runProgram([...args, "--access-log", "off"]);
    assertEquals(syslog, {
      code: 1,
      stdout: "",
      stderr:
        `iawlb: --log: syslog at ${machine.root}/syslog takes nothing from ${USER}: permission ` +
        "denied; must be one that they may write to\n",
    });
    await Deno.chmod(machine.config, 0o600);
    const config = await runProgram([...args, "--access-log", "off"]);
    assertEquals(config, {
      code: 2,
      stdout: "",
      stderr: `iawlb: ${machine.config}: cannot be read: permission denied\n`,
    });
  },
});

Deno.test({
  ...unless("a daemon that its user cannot even run is told of by its starter", obstacles),
  fn: async () => {
    await using machine = await Machine.make();
    await Deno.chmod(`${machine.root}/bin`, 0o700);
    const args = ["--daemon", "--user", USER, "127.0.0.1:0", "9"];
    const { code, stderr } = await run([machine.binary, ...args]);
    assertEquals(code, 1);
    assertEquals(
      stderr,
      `iawlb: the daemon ended with status 1 before it served; ${machine.binary} must be readable and ` +
        `executable by ${USER}\n`,
    );
  },
});

Deno.test({
  ...unless(
    "without --daemon signals and the exit status pass through the first process",
    obstacles,
  ),
  fn: async () => {
    await using machine = await Machine.make();
    const port = freeLowPort();
    await using program = await Program.spawn([
      ...["--user", USER, "--group", "daemon", "--log-format", "json"],
      `127.0.0.1:${port}`,
      machine.server.address,
    ], 'set -- setpriv --groups 4,27 "$@"');
    await talk(port);
    const children = Deno.readTextFileSync(`/proc/${program.pid}/task/${program.pid}/children`);
    const groups = /^Groups:[ \t]*(.*)$/m.exec(
      Deno.readTextFileSync(`/proc/${children.trim()}/status`),
    );
    assertEquals(groups?.[1]?.trim(), "");
    const status = await program.status();
    assertEquals(status.accepted, 1);
    program.signal("SIGHUP");
    await program.logged(/reload: nothing has changed/);
    assertEquals(await program.terminate(), 0);
  },
});

Deno.test({
  ...unless("without setpriv a program becomes another user all the same, but has no low ports", {
    ...obstacles,
    "no unshare": !await has("/usr/bin/unshare"),
  }),
  fn: async () => {
    await using machine = await Machine.make();
    // In a namespace of its own, in which it is another program.
    const hidden = "set -- unshare --mount sh -c " +
      `'mount --bind /bin/false /usr/bin/setpriv && exec "$@"' sh "$@"`;
    for (const limit of [hidden, 'set -- setpriv --bounding-set=-net_bind_service "$@"']) {
      const low = await runProgram(
        ["--user", USER, `127.0.0.1:${freeLowPort()}`, machine.server.address],
        limit,
      );
      assertEquals(low.code, 1);
      assertMatch(
        low.stderr,
        /^iawlb: Cannot listen on \S+: permission denied; ports below 1024 need/m,
      );
      await using program = await Program.spawn([
        ...["--user", USER, "--log-format", "json"],
        `127.0.0.1:${freePort()}`,
        machine.server.address,
      ], limit);
      await talk(program.port);
      assertEquals(await program.terminate(), 0);
    }
  },
});

Deno.test({
  ...unless("a program that is not run by root is not made another user", obstacles),
  fn: async () => {
    await using machine = await Machine.make();
    const as = ["--reuid", USER, "--regid", USER, "--clear-groups"];
    const args = ["--user", "root", "127.0.0.1:0", "9"];
    const { code, stderr } = await run(["setpriv", ...as, machine.binary, ...args]);
    assertEquals(code, 2);
    assertMatch(
      stderr,
      /^iawlb: --user root: only root can become somebody else, and this is run by/,
    );
  },
});

/** A number of the user. */
function id(flag: string): string {
  const { stdout } = new Deno.Command("id", { args: [`-${flag}`, USER] }).outputSync();
  return new TextDecoder().decode(stdout).trim();
}
