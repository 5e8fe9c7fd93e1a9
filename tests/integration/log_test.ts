import { assert, assertEquals, assertMatch } from "@std/assert";
import { Program } from "../support/program.ts";
import { echo, freePort, request, TestServer, until } from "../support/servers.ts";
import { SyslogReceiver } from "../support/syslog_receiver.ts";

const onLinux = Deno.build.os === "linux";
const LOGROTATE = await firstFile(["/usr/sbin/logrotate", "/sbin/logrotate"]);

async function firstFile(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    if (await Deno.stat(path).then(({ isFile }) => isFile, () => false)) return path;
  }
}

Deno.test("the start is one line with the bound address, the destinations and the limits", async () => {
  // Those that nobody listens on would soon be logged as down.
  await using first = new TestServer(echo);
  await using second = new TestServer(echo);
  const { address } = second;
  await using program = await Program.spawn(["127.0.0.1:0", first.address, `${address},workers=7`]);
  assertEquals(program.log.length, 1);
  assertMatch(program.log[0]!, /^\S+ \[info\] iawlb: listening on 127\.0\.0\.1:\d+ for /);
  assert(
    program.log[0]!.endsWith(
      ` for ${first.address} (256 workers), ${address} (7 workers); queue 1024`,
    ),
    program.log[0],
  );
});

Deno.test("a text access-log line has every field", async () => {
  await using server = new TestServer(echo);
  await using program = await Program.spawn(["127.0.0.1:0", server.address]);
  await request(program.port, "hello");
  await program.terminate();
  assertMatch(
    program.out[0]!,
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z id=1\.1 listener=127\.0\.0\.1:0 client=127\.0\.0\.1:\d+ destination=127\.0\.0\.1:\d+ reason=done queue=[\d.]+ms connect=[\d.]+ms total=[\d.]+ms up=5 down=5 attempts=1$/,
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
    "listener",
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

Deno.test("--access-log-format makes the lines look as it says", async () => {
  await using server = new TestServer(echo);
  await using program = await Program.start([server.address], [
    "--access-log-format",
    "{client_ip}\\t{listener} {reason} {{{bytes_up}/{bytes_down}}} {total:us}",
  ]);
  await request(program.port, "hello");
  assertEquals(await program.terminate(), 0);
  const start = `127.0.0.1\t127.0.0.1:${program.port} done {5/5} `;
  assert(program.out[0]!.startsWith(start), program.out[0]);
  assertMatch(program.out[0]!.slice(start.length), /^\d+$/);
});

/** Makes requests without a pause, until it is told to stop. Returns how many were answered. */
function load(program: Program): () => Promise<number> {
  let going = true;
  async function client(): Promise<number> {
    let number = 0;
    for (; going; number++) assertEquals(await request(program.port, "hello"), "hello");
    return number;
  }
  const clients = Array.from({ length: 4 }, client);
  return async () => {
    going = false;
    return (await Promise.all(clients)).reduce((sum, number) => sum + number, 0);
  };
}

/** The numbers of the sessions in files of an access log, each line of which has to be whole. */
async function idsIn(paths: readonly string[]): Promise<number[]> {
  const texts = await Promise.all(paths.map((path) => Deno.readTextFile(path)));
  const lines = texts.flatMap((text) => text.trimEnd().split("\n")).filter((line) => line !== "");
  for (const line of lines) assertMatch(line, /^1\.\d+ done end$/);
  return lines.map((line) => Number(line.split(" ")[0]!.slice("1.".length)));
}

Deno.test({
  name: "SIGUSR2 opens the access log again: no line is lost or split while it is moved under load",
  ignore: !onLinux,
  async fn() {
    const directory = await Deno.makeTempDir();
    const path = `${directory}/access.log`;
    const size = () => Deno.stat(path).then(({ size }) => size, () => 0);
    await using server = new TestServer(echo);
    await using program = await Program.start([server.address], [
      "--access-log",
      path,
      "--access-log-format",
      "{id} {reason} end",
    ]);
    const stop = load(program);
    const moved: string[] = [];
    for (let i = 1; i <= 10; i++) {
      await until(async () => await size() > 1000, "there are lines");
      moved.push(`${path}.${i}`);
      await Deno.rename(path, moved.at(-1)!);
      program.signal("SIGUSR2");
      await until(
        () => program.log.filter((line) => line.includes("opened the access log")).length === i,
        "it is open again",
      );
    }
    const number = await stop();
    assertEquals(await program.terminate(), 0);
    const ids = await idsIn([...moved, path]);
    assertEquals(ids.length, number);
    assertEquals(ids.toSorted((a, b) => a - b), Array.from({ length: number }, (_, i) => i + 1));
    await Deno.remove(directory, { recursive: true });
  },
});

Deno.test({
  name: `logrotate loses no line${LOGROTATE ? "" : " (skipped: it is not installed)"}`,
  ignore: !onLinux || !LOGROTATE,
  async fn() {
    const directory = await Deno.makeTempDir();
    const path = `${directory}/access.log`;
    await using server = new TestServer(echo);
    await using program = await Program.start([server.address], [
      "--access-log",
      path,
      "--access-log-format",
      "{id} {reason} end",
    ]);
    // As in docs/operating.md, with the process by its number instead of by systemd.
    await Deno.writeTextFile(
      `${directory}/conf`,
      `${path} {
        rotate 7
        compress
        delaycompress
        postrotate
          kill -USR2 ${program.pid}
        endscript
      }`,
    );
    const stop = load(program);
    for (let i = 1; i <= 3; i++) {
      await until(() => Deno.stat(path).then(({ size }) => size > 1000, () => false), "lines");
      const { success, stderr } = await new Deno.Command(LOGROTATE!, {
        args: ["--force", "--state", `${directory}/state`, `${directory}/conf`],
      }).output();
      assert(success, new TextDecoder().decode(stderr));
    }
    const number = await stop();
    assertEquals(await program.terminate(), 0);
    const files = [...Deno.readDirSync(directory)].map(({ name }) => `${directory}/${name}`);
    const compressed = files.filter((file) => file.endsWith(".gz"));
    assertEquals(compressed.length, 2);
    await new Deno.Command("gunzip", { args: compressed }).output();
    const ids = await idsIn([3, 2, 1].map((i) => `${path}.${i}`).concat(path));
    assertEquals(ids.length, number);
    assertEquals(new Set(ids).size, number);
    await Deno.remove(directory, { recursive: true });
  },
});

for (const threads of ["1", "2"]) {
  Deno.test({
    name: `with --log and --access-log syslog everything is there, with --threads ${threads}`,
    ignore: !onLinux,
    async fn() {
      const directory = await Deno.makeTempDir();
      {
        await using syslog = SyslogReceiver.unix(`${directory}/log`);
        await using server = new TestServer(echo);
        const port = freePort();
        await using program = Program.launch([
          ...["--log", `syslog:${syslog.address}`, "--access-log", "syslog", "--threads", threads],
          ...[`127.0.0.1:${port}`, server.address, `127.0.0.1:${freePort()}`],
        ]);
        await syslog.received(/^listening on /);
        await request(port, "hello");
        await syslog.received(/is down/);
        assertEquals(await program.terminate(), 0);
        const line = await syslog.received(/ reason=done /);
        assertEquals([line.id, line.severity, line.app], ["access", 6, "iawlb"]);
        assertEquals(line.pid, `${program.pid}`);
        const down = await syslog.received(/is down/);
        assertEquals([down.id, down.severity], ["log", 4]);
        await syslog.received(/^drained, nothing was cut/);
        assertEquals([program.log, program.out], [[], []]);
      }
      await Deno.remove(directory, { recursive: true });
    },
  });
}

Deno.test({
  name: "a syslog daemon that is away stops nothing, and is told what it missed when it is back",
  ignore: !onLinux,
  async fn() {
    const directory = await Deno.makeTempDir();
    {
      await using server = new TestServer(echo);
      const port = freePort();
      await using program = Program.launch([
        ...["--log", `syslog:unix:${directory}/log`, "--access-log", "syslog"],
        ...[`127.0.0.1:${port}`, server.address],
      ]);
      await program.logged(/cannot be reached, messages are lost until it is back: ENOENT/);
      await until(() => request(port, "hello").then(() => true, () => false), "it serves");
      await using syslog = SyslogReceiver.unix(`${directory}/log`);
      await request(port, "hello");
      await syslog.received(/^\d+ messages could not be sent to syslog and are lost$/);
      assertEquals(await program.terminate(), 0);
      await syslog.received(/ reason=done /);
    }
    await Deno.remove(directory, { recursive: true });
  },
});
