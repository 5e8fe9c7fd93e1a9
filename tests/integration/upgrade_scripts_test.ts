import { assertEquals, assertMatch, assertNotEquals, assertStringIncludes } from "@std/assert";
import { Daemon } from "../support/daemon.ts";
import { Program, programLine } from "../support/program.ts";
import { echo, freePort, readExactly, TestServer, until, writeAll } from "../support/servers.ts";
import { ServiceReceiver } from "../support/service_receiver.ts";
import { unless } from "../support/unless.ts";

const PACKAGING = new URL("../../packaging/", import.meta.url).pathname;

const obstacles = { "not Linux": Deno.build.os !== "linux" };

/** A command for the scripts, which find it before that of the machine. */
async function install(path: string, text: string): Promise<void> {
  await Deno.writeTextFile(path, `#!/bin/sh\n${text}\n`);
  await Deno.chmod(path, 0o755);
}

/**
 * What the scripts of the package see of systemd: a service whose main process changes when that says
 * so, and which runs `ExecReload=` beside it.
 */
class Service implements AsyncDisposable {
  readonly receiver = new ServiceReceiver();
  readonly server = new TestServer(echo);
  readonly port = freePort();
  readonly folder = this.receiver.directory;
  program!: Program;
  /** Whose child a new main process was when the service manager learnt of it. */
  parent?: number;

  /** @param replaceable Whether it has a pid file. */
  static async start(replaceable: boolean): Promise<Service> {
    const service = new Service();
    await service.configure();
    await Deno.mkdir(`${service.folder}/bin`);
    await Deno.mkdir(`${service.folder}/systemd`);
    const words = programLine().map((word) => `'${word}'`).join(" ");
    await install(`${service.folder}/bin/iawlb`, `exec ${words} "$@"`);
    await install(
      `${service.folder}/bin/systemctl`,
      `case $* in
"show --property ExecReload "*) echo "{ path=${PACKAGING}iawlb-reload }" ;;
"show --property MainPID "*) cat '${service.folder}/main' ;;
"--quiet is-active "*) ;;
"restart "*) echo restart >>'${service.folder}/restarts' ;;
"reload "*) echo $$ >'${service.folder}/reload'; MAINPID=$(cat '${service.folder}/main') exec sh '${PACKAGING}iawlb-reload' ;;
esac`,
    );
    const args = ["--config", service.config];
    if (replaceable) args.push("--pid-file", service.pidFile);
    // Only ExecStart= is told of the watchdog. That it is fed is the work of the next process here.
    service.program = await Program.spawn(
      args,
      `export NOTIFY_SOCKET='${service.receiver.path}' WATCHDOG_USEC=200000 WATCHDOG_PID=1`,
    );
    await service.receiver.told(/^READY=1$/);
    service.main = service.program.pid;
    return service;
  }

  get config(): string {
    return `${this.folder}/iawlb.toml`;
  }

  get pidFile(): string {
    return `${this.folder}/iawlb.pid`;
  }

  /** The process that serves. */
  get pid(): number {
    return Number(Deno.readTextFileSync(this.pidFile));
  }

  /** The main process, as the service manager has it. */
  get main(): number {
    return Number(Deno.readTextFileSync(`${this.folder}/main`));
  }

  set main(pid: number) {
    Deno.writeTextFileSync(`${this.folder}/main`, `${pid}`);
  }

  /** What it does until it is configured otherwise. */
  get listener(): string {
    return `[[listener]]\nlisten = "127.0.0.1:${this.port}"\n` +
      `destinations = ["${this.server.address}"]\n`;
  }

  async configure(text = this.listener): Promise<void> {
    await Deno.writeTextFile(this.config, text);
  }

  async run(script: string, ...args: string[]): Promise<{ code: number; stderr: string }> {
    // To a file: what takes over has the same standard error, and goes on.
    const said = `${this.folder}/said`;
    const { code } = await new Deno.Command("sh", {
      args: ["-c", 'exec "$@" 2>"$0"', said, "sh", `${PACKAGING}${script}`, ...args],
      env: {
        PATH: `${this.folder}/bin:${Deno.env.get("PATH")}`,
        IAWLB: `${this.folder}/bin/iawlb`,
        CONFIG: this.config,
        RUNTIME_DIRECTORY: this.folder,
        REQUEST: `${this.folder}/request`,
        SYSTEMD: `${this.folder}/systemd`,
        MAINPID: `${this.main}`,
        NOTIFY_SOCKET: this.receiver.path,
      },
      stdout: "null",
      stderr: "null",
    }).output();
    return { code, stderr: await Deno.readTextFile(said) };
  }

  /** The service manager learns who the main process is. */
  async learn(): Promise<void> {
    const main = this.main;
    const last = () =>
      this.receiver.notices.flatMap(({ lines }) => lines)
        .findLast((line) => line.startsWith("MAINPID="))?.slice("MAINPID=".length);
    await until(
      () => last() !== undefined && Number(last()) !== main,
      "a new main process is told",
    );
    this.main = Number(last());
    const status = await Deno.readTextFile(`/proc/${this.main}/status`);
    this.parent = Number(/^PPid:\s+(\d+)/m.exec(status)?.[1]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program[Symbol.asyncDispose]();
    await this.server[Symbol.asyncDispose]();
    await this.receiver[Symbol.asyncDispose]();
  }
}

/** One exchange on a connection that goes on. */
async function talk(client: Deno.TcpConn): Promise<void> {
  await writeAll(client, new TextEncoder().encode("hello"));
  assertEquals(new TextDecoder().decode(await readExactly(client, 5)), "hello");
}

Deno.test({
  ...unless("iawlb-upgrade replaces the main process of a service, and cuts nobody", obstacles),
  fn: async () => {
    await using service = await Service.start(true);
    const { program, receiver, port } = service;
    using client = await Deno.connect({ hostname: "127.0.0.1", port });
    await talk(client);
    const told = receiver.notices.length;
    const checked = await service.run("iawlb-upgrade", "--check");
    assertEquals([checked.code, service.pid], [0, program.pid]);
    const learnt = service.learn();
    const { code, stderr } = await service.run("iawlb-upgrade");
    await learnt;
    await using next = new Daemon(service.pidFile);
    assertEquals(code, 0, stderr);
    assertStringIncludes(
      stderr,
      `process ${next.pid} serves; process ${program.pid} finishes its sessions`,
    );
    assertEquals(service.main, next.pid);
    // systemd drains no main process that is not its child by the time it learns of it.
    assertNotEquals(service.parent, Number(await Deno.readTextFile(`${service.folder}/reload`)));
    // The watchdog is fed by the new one.
    await until(() => receiver.count("WATCHDOG=1") > 0, "the watchdog is fed");
    assertEquals(
      receiver.notices.slice(told).some(({ lines }) => lines[0] === "STOPPING=1"),
      false,
    );
    await talk(client);
    client.close();
    assertEquals(await program.ended(), 0);
    const fed = receiver.count("WATCHDOG=1");
    await until(() => receiver.count("WATCHDOG=1") > fed, "the watchdog is still fed");
    // Otherwise a reload is the configuration.
    const before = receiver.notices.length;
    assertEquals((await service.run("iawlb-reload")).code, 0);
    await receiver.told(/^RELOADING=1$/, before);
    assertEquals(service.pid, next.pid);
    next.signal("SIGTERM");
    await next.ended();
  },
});

Deno.test({
  ...unless(
    "a new process that cannot serve changes nothing, and iawlb-upgrade says so",
    obstacles,
  ),
  fn: async () => {
    await using service = await Service.start(true);
    const { program, port } = service;
    await service.configure("listen = 1");
    const mistaken = await service.run("iawlb-upgrade");
    assertEquals(mistaken.code, 1);
    assertMatch(mistaken.stderr, /destinations is missing/);
    assertStringIncludes(mistaken.stderr, `process ${program.pid} goes on`);
    // Somebody else has a port that the old process does not.
    using other = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const more = `[[listener]]\nlisten = "127.0.0.1:${other.addr.port}"\ndestinations = ["1"]\n`;
    await service.configure(service.listener + more);
    const taken = await service.run("iawlb-upgrade");
    assertEquals(taken.code, 1);
    assertMatch(taken.stderr, /the address is in use/);
    assertEquals([service.pid, service.main], [program.pid, program.pid]);
    // What is left of another upgrade, or is one.
    await service.configure();
    await Deno.mkdir(`${service.folder}/request`);
    const second = await service.run("iawlb-upgrade");
    assertEquals(second.code, 1);
    assertMatch(second.stderr, /another upgrade is going on/);
    assertEquals((await service.run("iawlb-upgrade", "--nonsense")).code, 2);
    using client = await Deno.connect({ hostname: "127.0.0.1", port });
    await talk(client);
    client.close();
    assertEquals(await program.terminate(), 0);
  },
});

Deno.test({
  ...unless("a process that cannot be replaced is restarted where that was asked for", obstacles),
  fn: async () => {
    await using service = await Service.start(false);
    const { code, stderr } = await service.run("iawlb-upgrade");
    assertEquals(code, 1);
    assertStringIncludes(stderr, "was started without --pid-file");
    assertEquals((await service.run("iawlb-upgrade", "--or-restart")).code, 0);
    assertEquals(await Deno.readTextFile(`${service.folder}/restarts`), "restart\n");
    assertEquals(await service.program.terminate(), 0);
  },
});
