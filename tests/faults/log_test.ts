import { assert, assertEquals, assertMatch } from "@std/assert";
import { Program } from "../support/program.ts";
import { echo, freePort, request, TestServer, until } from "../support/servers.ts";
import { unless } from "../support/unless.ts";

const onLinux = Deno.build.os === "linux";
const isRoot = onLinux && Deno.uid() === 0;

/** What takes longer has to wait for something. */
const AT_ONCE_MS = 3000;

/** Sets O_NONBLOCK on what a descriptor of the program's is a copy of. */
const NONBLOCKING = (descriptor: number) =>
  `python3 -c 'import fcntl, os; fcntl.fcntl(${descriptor}, fcntl.F_SETFL, ` +
  `fcntl.fcntl(${descriptor}, fcntl.F_GETFL) | os.O_NONBLOCK)'`;

const TERMINAL = new URL("../support/busy_terminal.py", import.meta.url).pathname;

/** Lines of a kilobyte, so that few sessions fill a pipe; each ends with its number again. */
const LONG = ["--access-log-format", `{id} ${"x".repeat(1000)} {id}`];

/** Lines of less than half a kilobyte, which end nowhere near the end of a page. */
const LINES = ["--access-log-format", `{id} ${"x".repeat(401)} {id}`];

/** A folder that is removed in the end, and a server that echoes. */
async function place() {
  const folder = await Deno.makeTempDir({ prefix: "iawlb-log-" });
  const server = new TestServer(echo);
  return {
    folder,
    server,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

async function run(command: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, { args }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

async function sessions(program: Program, number: number): Promise<void> {
  for (let i = 0; i < number; i++) assertEquals(await request(program.port, "hello"), "hello");
}

/** The numbers in lines of the format LONG, each of which has to be whole. */
function wholeIds(text: string): number[] {
  return text.split("\n").slice(0, -1).map((line) => {
    const [, id] = /^1\.(\d+) x{401,1000} 1\.\1$/.exec(line) ?? [];
    if (id === undefined) throw new Error(`a torn line: ${line.slice(0, 40)}…${line.slice(-40)}`);
    return Number(id);
  });
}

function upTo(number: number): number[] {
  return Array.from({ length: number }, (_, i) => i + 1);
}

async function lost(admin: number, log: "access" | "log"): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${admin}/metrics`)).text();
  return Number(
    new RegExp(`^iawlb_log_lines_lost_total\\{log="${log}"\\} (\\d+)$`, "m").exec(text)![1],
  );
}

/** Ends the program with SIGTERM and returns how long that took. */
async function endingTime(program: Program): Promise<number> {
  const begun = performance.now();
  assertEquals(await program.terminate(), 0);
  return performance.now() - begun;
}

/** Reads a FIFO from now on. */
async function reader(path: string) {
  const file = await Deno.open(path);
  const seen = { text: "" };
  const reading = (async () => {
    const decoder = new TextDecoder();
    for await (const bytes of file.readable) seen.text += decoder.decode(bytes, { stream: true });
  })();
  return { seen, ended: reading };
}

for (
  const { way, options, limit } of [
    { way: "a file", options: ["--access-log", "PATH"] },
    { way: "a file of two threads", options: ["--access-log", "PATH", "--threads", "2"] },
    { way: "standard output in a file", options: [], limit: "exec 1>PATH" },
  ]
) {
  Deno.test({
    ...unless(`a full disk: no torn line, every loss is told and counted: ${way}`, {
      "root mounts the disk": !isRoot,
    }),
    async fn() {
      await using here = await place();
      const disk = `${here.folder}/disk`;
      const path = `${disk}/log`;
      await Deno.mkdir(disk);
      await run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk);
      try {
        await Deno.writeFile(`${disk}/other`, new Uint8Array(45_000));
        const admin = freePort();
        await using program = await Program.start([`${here.server.address},workers=4`], [
          ...["--admin", `${admin}`, ...LINES],
          ...options.map((option) => option.replace("PATH", path)),
        ], limit?.replace("PATH", path));
        await sessions(program, 100);
        const told = await program.logged(
          /the access log cannot be written: No space left/,
          10_000,
        );
        assertEquals(JSON.parse(told).level, "error");
        await until(async () => await lost(admin, "access") > 0, "the loss is counted");
        await Deno.remove(`${disk}/other`);
        await sessions(program, 3);
        const summary = await program.logged(/the access log is written again/);
        const number = await lost(admin, "access");
        assertEquals(JSON.parse(summary).lines, number);
        assertEquals(await program.terminate(), 0);
        const ids = wholeIds(await Deno.readTextFile(path));
        assertEquals(ids.length + number, 103);
        assertEquals(new Set(ids).size, ids.length);
      } finally {
        await run("umount", disk);
      }
    },
  });
}

Deno.test({
  name: "a limit on the size of files costs lines, not the program, and tears none",
  ignore: !onLinux,
  async fn() {
    await using here = await place();
    const path = `${here.folder}/log`;
    // The file ends 10,500 bytes before the limit, which the shell counts in halves of a kilobyte.
    const size = 64 * 2 ** 20 - 10_500;
    await Deno.writeFile(path, new Uint8Array());
    await Deno.truncate(path, size);
    const admin = freePort();
    await using program = await Program.start([here.server.address], [
      ...["--admin", `${admin}`, "--access-log", path, ...LONG],
    ], "ulimit -f 131072");
    await sessions(program, 20);
    await program.logged(/the access log cannot be written: File too large/, 10_000);
    const text = async () => new TextDecoder().decode((await Deno.readFile(path)).subarray(size));
    assertEquals(wholeIds(await text()), upTo(10));
    assertEquals(await lost(admin, "access"), 10);
    // As a rotation does it.
    await Deno.rename(path, `${path}.1`);
    program.signal("SIGUSR2");
    await program.logged(/opened the access log/);
    await sessions(program, 1);
    assertEquals(await program.terminate(), 0);
    assertEquals(wholeIds(await Deno.readTextFile(path)), [21]);
  },
});

Deno.test({
  name: "a non-blocking standard output that is read slowly loses no line and tears none",
  ignore: !onLinux,
  async fn() {
    await using here = await place();
    const path = `${here.folder}/fifo`;
    await run("mkfifo", path);
    await using program = await Program.start(
      [here.server.address],
      LONG,
      `exec 1<>${path}; ${NONBLOCKING(1)}`,
    );
    await sessions(program, 150);
    const { seen, ended } = await reader(path);
    await until(() => seen.text.split("\n").length === 151, "all lines are there");
    assertEquals(await program.terminate(), 0);
    await ended;
    assertEquals(wholeIds(seen.text), upTo(150));
    assertEquals(program.log.filter((line) => /lost/.test(line)), []);
  },
});

Deno.test({
  name: "a non-blocking terminal that is read slowly has each line once",
  ignore: !onLinux,
  async fn() {
    await using here = await place();
    const go = `${here.folder}/go`;
    await using program = await Program.start(
      [here.server.address],
      LONG,
      `set -- python3 ${TERMINAL} ${go} "$@"`,
    );
    await sessions(program, 100);
    await Deno.writeTextFile(go, "");
    await until(() => program.out.length === 100, "all lines are there");
    assertEquals(await program.terminate(), 0);
    assertEquals(wholeIds(program.out.join("\n") + "\n"), upTo(100));
  },
});

Deno.test({
  name: "log and access log on one non-blocking standard error keep their lines apart and whole",
  ignore: !onLinux,
  async fn() {
    await using here = await place();
    const path = `${here.folder}/fifo`;
    await run("mkfifo", path);
    const port = freePort();
    await using program = Program.launch([
      ...["--access-log", "/dev/stderr", "--log-level", "debug", ...LONG],
      ...[`127.0.0.1:${port}`, here.server.address],
    ], `exec 2<>${path}; ${NONBLOCKING(2)}`);
    program.port = port;
    await until(
      () => Deno.connect({ port }).then((conn) => (conn.close(), true), () => false),
      "it listens",
    );
    await sessions(program, 149);
    const { seen, ended } = await reader(path);
    await until(() => / 1\.150\n/.test(seen.text), "all lines are there");
    assertEquals(await program.terminate(), 0);
    await ended;
    const lines = seen.text.trimEnd().split("\n");
    const access = lines.filter((line) => /^1\.\d+ x/.test(line));
    assertEquals(wholeIds(access.join("\n") + "\n").length, 150);
    for (const line of lines) assertMatch(line, /^(1\.\d+ x|\S+ \[\w+\] iawlb: |.*Warning)/);
    assertEquals(lines.filter((line) => line.includes("accepted from")).length, 150);
  },
});

Deno.test({
  name: "a standard output that nobody reads holds no session up, and not the end for long",
  ignore: !onLinux,
  async fn() {
    await using here = await place();
    const path = `${here.folder}/fifo`;
    await run("mkfifo", path);
    await using program = await Program.start([here.server.address], LONG, `exec 1<>${path}`);
    await sessions(program, 150);
    const time = await endingTime(program);
    assert(time < 20_000, `${time} ms`);
    assertMatch(
      program.log.join("\n"),
      /access log cannot be written: nobody reads it; lines lost so far: \d+/,
    );
  },
});

Deno.test({
  name: "a standard output that takes nothing is told, counted, and hurts nobody",
  ignore: !onLinux,
  async fn() {
    await using here = await place();
    const admin = freePort();
    await using program = await Program.start(
      [here.server.address],
      ["--admin", `${admin}`],
      "exec 1>/dev/full",
    );
    await sessions(program, 5);
    await program.logged(/the access log cannot be written: No space left/, 10_000);
    await until(async () => await lost(admin, "access") === 5, "all are counted");
    assertEquals(await program.terminate(), 0);
  },
});

Deno.test({
  name: "a log that takes nothing hurts nobody, and its losses are counted",
  ignore: !onLinux,
  async fn() {
    await using here = await place();
    const [port, admin] = [freePort(), freePort()];
    await using program = Program.launch(
      ["--admin", `${admin}`, `127.0.0.1:${port}`, here.server.address],
      "exec 2>/dev/full",
    );
    await until(() => lost(admin, "log").then((number) => number > 0, () => false), "it counts");
    program.port = port;
    await sessions(program, 1);
    assertEquals(await program.terminate(), 0);
    assertEquals(program.out.length, 1);
  },
});

Deno.test({
  name: "a FIFO without a reader holds nobody up, and its lines wait for one",
  ignore: !onLinux,
  async fn() {
    await using here = await place();
    const path = `${here.folder}/fifo`;
    await run("mkfifo", path);
    await using program = await Program.start([here.server.address], [
      "--access-log",
      path,
      ...LONG,
    ]);
    await sessions(program, 100);
    const first = await reader(path);
    await until(() => first.seen.text.split("\n").length === 101, "all lines are there");
    assertEquals(wholeIds(first.seen.text), upTo(100));
    program.signal("SIGUSR2");
    await program.logged(/opened the access log/);
    await first.ended;
    await sessions(program, 100);
    const second = await reader(path);
    await until(() => second.seen.text.split("\n").length === 101, "the others are there");
    assertEquals(wholeIds(second.seen.text), upTo(200).slice(100));
    const time = await endingTime(program);
    assert(time < AT_ONCE_MS, `${time} ms`);
    await second.ended;
  },
});

Deno.test({
  name: "a FIFO whose reader has left does not keep the program from ending at once",
  ignore: !onLinux,
  async fn() {
    await using here = await place();
    const path = `${here.folder}/fifo`;
    await run("mkfifo", path);
    const shipper = new Deno.Command("cat", { args: [path], stdout: "null" }).spawn();
    await using program = await Program.start([here.server.address], ["--access-log", path]);
    await sessions(program, 1);
    shipper.kill("SIGKILL");
    await shipper.status;
    await sessions(program, 3);
    program.signal("SIGUSR2");
    await program.logged(/opened the access log/);
    await sessions(program, 1);
    const time = await endingTime(program);
    assert(time < AT_ONCE_MS, `${time} ms`);
    assertMatch(program.log.at(-1)!, /access log cannot be written: nobody reads it/);
  },
});

Deno.test({
  name: "a FIFO with a reader who does not read holds nobody up, and loses what has no room",
  ignore: !onLinux,
  async fn() {
    await using here = await place();
    const path = `${here.folder}/fifo`;
    await run("mkfifo", path);
    using _idle = await Deno.open(path, { read: true, write: true });
    await using program = await Program.start([here.server.address], [
      "--access-log",
      path,
      ...LONG,
    ]);
    await sessions(program, 150);
    assert(await endingTime(program) < 20_000);
    const told = program.log.filter((line) => /access log cannot be written: nobody/.test(line));
    assert(JSON.parse(told.at(-1)!).lines >= 150 - 64, told.join("\n"));
  },
});

Deno.test("what is nothing to write lines to is refused in one line", async () => {
  await using here = await place();
  using _socket = Deno.listen({ transport: "unix", path: `${here.folder}/socket` });
  for (
    const [where, why] of [
      [here.folder, /it is a folder/],
      [`${here.folder}/socket`, /it is a socket; must be a file or a FIFO/],
      [`${here.folder}/none/log`, /there is no such folder/],
      ...(onLinux ? [["/dev/tty", /./] as const] : []),
    ] as const
  ) {
    await using program = Program.launch(["--access-log", where, "127.0.0.1:0", "9001"]);
    assertEquals(await program.ended(), 1);
    const lines = program.log.filter((line) => !line.includes("Warning"));
    assertEquals(lines.length, 1);
    assertMatch(lines[0]!, /^iawlb: Cannot open the access log "/);
    assertMatch(lines[0]!, why);
  }
});

for (
  const [where, stream] of [
    ...[["-", "out"], ["/dev/stdout", "out"], ["/dev/stderr", "log"], ["on", "out"]],
    ["a link to /dev/stdout", "out"],
  ] as const
) {
  Deno.test(`--access-log ${where} is a standard stream, which nobody can open again`, async () => {
    await using here = await place();
    // As images of containers have it.
    const link = `${here.folder}/access.log`;
    await Deno.symlink("/dev/stdout", link);
    await using program = await Program.start(
      [here.server.address],
      [
        ...["--access-log", where.startsWith("a link") ? link : where],
        ...["--access-log-format", "ended {id}"],
      ],
    );
    await sessions(program, 2);
    await until(() => program[stream].includes("ended 1.2"), "its lines are there");
    program.signal("SIGUSR2");
    await program.logged(/the access log is no file: nothing to open again/);
    await sessions(program, 1);
    assertEquals(await program.terminate(), 0);
    assertEquals(program[stream].filter((line) => line.startsWith("ended")).length, 3);
  });
}

for (
  const args of [["--help"], ["--version"], ["--print-config", "8080", "9001"], ["ctl", "--help"], [
    "top",
    "--help",
  ]]
) {
  for (
    const [where, why] of [["/dev/full", "No space left on device (os error 28)"], [
      "closed",
      "nobody reads it",
    ]]
  ) {
    Deno.test({
      name: `${args.join(" ")} to ${where} ends with one line and status 1`,
      ignore: !onLinux,
      async fn() {
        await using here = await place();
        const fifo = `${here.folder}/fifo`;
        await run("mkfifo", fifo);
        const closed = `exec 3<>${fifo} 1>${fifo} 3>&-`;
        await using program = Program.launch(args, where === "closed" ? closed : `exec 1>${where}`);
        assertEquals(await program.ended(), 1);
        const lines = program.log.filter((line) => !line.includes("Warning"));
        assertEquals(lines, [`iawlb: Cannot write to standard output: ${why}`]);
      },
    });
  }
}

Deno.test({
  name: "a non-blocking standard output that is read slowly gets the whole help",
  ignore: !onLinux,
  async fn() {
    await using here = await place();
    const path = `${here.folder}/fifo`;
    await run("mkfifo", path);
    const whole = Program.launch(["--help"]);
    assertEquals(await whole.ended(), 0);
    // Another writer has left little room.
    using filler = await Deno.open(path, { read: true, write: true });
    for (let i = 0; i < 15; i++) await filler.write(new Uint8Array(4096).fill(0x2e));
    await using program = Program.launch(["--help"], `exec 1<>${path}; ${NONBLOCKING(1)}`);
    let text = "";
    const decoder = new TextDecoder();
    const buffer = new Uint8Array(1000);
    const end = whole.out.at(-1)!;
    while (!text.endsWith(`${end}\n`)) {
      text += decoder.decode(buffer.subarray(0, (await filler.read(buffer))!), { stream: true });
    }
    assertEquals(text.replace(/^\.{61440}/, ""), whole.out.join("\n") + "\n");
    assertEquals(await program.ended(), 0);
  },
});
