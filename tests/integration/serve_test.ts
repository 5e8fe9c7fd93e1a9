import { assert, assertEquals, assertMatch } from "@std/assert";
import { Program, runProgram } from "../support/program.ts";
import { hasProc, residentMemory } from "../support/process.ts";
import { pathOf } from "../support/real_servers.ts";
import { freePort, readAll, request, tryClose, until, writeAll } from "../support/servers.ts";
import { unless } from "../support/unless.ts";

const MIB = 1024 * 1024;
const encoder = new TextEncoder();

async function serve(service: string, options: readonly string[] = []): Promise<Program> {
  const listen = `127.0.0.1:${freePort()}`;
  return await Program.spawn(["serve", service, listen, "--log-format", "json", ...options]);
}

/** What a command prints that gets this text, in `sh`, with the port as its first argument. */
async function typed(program: string, port: number, script: string): Promise<string> {
  const { stdout } = await new Deno.Command("sh", { args: ["-c", script, program, `${port}`] })
    .output();
  return new TextDecoder().decode(stdout);
}

function without(program: string): Record<string, boolean> {
  return { [`there is no ${program}`]: pathOf(program) === undefined };
}

Deno.test({
  ...unless("nc is answered by echo, daytime and chargen", without("nc")),
  fn: async () => {
    await using echo = await serve("echo");
    assertEquals(await typed("nc", echo.port, "printf 'a\\nb' | nc -N 127.0.0.1 $1"), "a\nb");
    const [entry] = await echo.entries(1);
    assertEquals([entry!.reason, entry!.destination], ["done", "service:echo"]);
    await using daytime = await serve("daytime");
    assertMatch(
      await typed("nc", daytime.port, "nc -N 127.0.0.1 $1 </dev/null"),
      /^\w+day, \w+ \d+, \d{4} \d\d:\d\d:\d\d-UTC\r\n$/,
    );
    await using chargen = await serve("chargen");
    const lines = await typed("nc", chargen.port, "nc -d 127.0.0.1 $1 | head -n 100");
    assertEquals(lines.length, 7400);
    assert(lines.startsWith(" !\"#$%&'()*+,-./"));
    for (const program of [echo, daytime, chargen]) assertEquals(await program.terminate(), 0);
  },
});

Deno.test({
  ...unless("socat gets its bytes back, and telnet talks to the chat", {
    ...without("socat"),
    ...without("telnet"),
  }),
  fn: async () => {
    await using echo = await serve("echo");
    const same =
      "head -c 5000000 /dev/urandom >$0.in; socat -t 20 - TCP:127.0.0.1:$1 <$0.in | cmp - $0.in && echo same; rm $0.in";
    const file = await Deno.makeTempFile();
    assertEquals(await typed(file, echo.port, same), "same\n");
    await Deno.remove(file);
    await using chat = await serve("chat");
    const talk =
      "(printf 'ann\\n'; sleep 0.5; printf '/who\\n'; sleep 0.3) | telnet 127.0.0.1 $1 2>&1";
    assertMatch(
      await typed("telnet", chat.port, talk),
      /\* your name\?[^]*\* hello ann[^]*\* there is 1: ann/,
    );
  },
});

/** Somebody in the room, who reads as fast as it can. */
class Guest {
  readonly #conn: Deno.Conn;
  lines = 0;
  missed = 0;
  hello = false;

  constructor(conn: Deno.Conn) {
    this.#conn = conn;
    void this.#read();
  }

  async send(text: string): Promise<void> {
    await writeAll(this.#conn, encoder.encode(text));
  }

  /** Waits until it has so many lines. */
  async has(number: number): Promise<void> {
    await until(() => this.lines >= number, `${number} lines have come`);
  }

  close(): void {
    tryClose(this.#conn);
  }

  async #read(): Promise<void> {
    const buffer = new Uint8Array(65_536);
    const decoder = new TextDecoder();
    let rest = "";
    try {
      for (let n = await this.#conn.read(buffer); n; n = await this.#conn.read(buffer)) {
        const lines = (rest + decoder.decode(buffer.subarray(0, n))).split("\n");
        rest = lines.pop()!;
        for (const line of lines) {
          if (line.startsWith("<")) this.lines++;
          else if (line.startsWith("* hello")) this.hello = true;
          else this.missed += Number(/missed (\d+)/.exec(line)?.[1] ?? 0);
        }
      }
    } catch {
      // It was closed.
    }
  }
}

/** One who does not read until it is told to; see `deaf_member.py`. */
class DeafMember implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #output: ReadableStreamDefaultReader<Uint8Array>;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;

  constructor(path: string, last: string) {
    this.#child = new Deno.Command("python3", {
      args: [new URL("../support/deaf_member.py", import.meta.url).pathname, path, last],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#output = this.#child.stdout.getReader();
    this.#input = this.#child.stdin.getWriter();
  }

  /** The next line that it prints. */
  async line(): Promise<string> {
    let text = "";
    while (!text.endsWith("\n")) {
      const { done, value } = await this.#output.read();
      if (done) throw new Error(`it has ended after ${text}`);
      text += new TextDecoder().decode(value);
    }
    return text.trim();
  }

  /** Has it read everything. */
  async read(): Promise<void> {
    await this.#input.write(encoder.encode("\n"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.#output.cancel();
    await this.#input.close().catch(() => {});
    await this.#child.status;
  }
}

Deno.test({
  ...unless(
    "in a chat of 200 everybody gets every line, but one who does not read, who is told so",
    without("python3"),
  ),
  fn: async () => {
    const folder = await Deno.makeTempDir();
    const path = `${folder}/chat.sock`;
    await using chat = await Program.spawn(["serve", "chat", `unix:${path}`]);
    await using deaf = new DeafMember(path, "> the end");
    assertEquals(await deaf.line(), "ready");
    const guests: Guest[] = [];
    for (let i = 0; i < 200; i++) {
      const guest = new Guest(await Deno.connect({ transport: "unix", path }));
      guests.push(guest);
      await guest.send(`guest${i}\n`);
    }
    await until(() => guests.every(({ hello }) => hello), "all are in the room");
    const speakers = guests.slice(0, 100);
    const each = 60;
    for (let i = 0; i < each; i++) {
      await Promise.all(speakers.map((guest) => guest.send(`${"x".repeat(200)}\n`)));
    }
    const others = (guest: Guest) => speakers.includes(guest) ? each * 99 : each * 100;
    await until(() => guests.every((guest) => guest.lines === others(guest)), "all have it all");
    assertEquals(guests.filter(({ missed }) => missed > 0).length, 0);
    await guests[0]!.send("the end\n");
    await guests[1]!.has(others(guests[1]!) + 1);
    await deaf.read();
    const [read, missed] = (await deaf.line()).split(" ").map(Number) as [number, number];
    // Those who joined are lines as well, which it has missed or read without counting them.
    assert(missed > 0 && read + missed >= each * 100 + 1, `${read} and ${missed}`);
    assert(read + missed <= each * 100 + 201, `${read} and ${missed}`);
    for (const guest of guests) guest.close();
    assertEquals(await chat.terminate(), 0);
    await Deno.remove(folder, { recursive: true });
  },
});

Deno.test("a client that does not read chargen stops it: its memory does not grow", async () => {
  await using chargen = await serve("chargen");
  const clients = await Promise.all(Array.from({ length: 50 }, async () => {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port: chargen.port });
    await conn.read(new Uint8Array(1000));
    return conn;
  }));
  const sent = async () => (await chargen.status()).bytes_down as number;
  let [before, now] = [-1, await sent()];
  await until(async () => {
    [before, now] = [now, await sent()];
    return before === now;
  }, "nothing more is sent");
  // What the kernel takes for those who do not read, and no more.
  assert(now < 50 * 16 * MIB, `${now}`);
  if (hasProc) {
    const memory = residentMemory(chargen.pid);
    for (let i = 0; i < 5; i++) await sent();
    const growth = (residentMemory(chargen.pid) - memory) / MIB;
    assert(growth < 10, `${growth} MiB more`);
    assert(memory < 250 * MIB, `${memory / MIB} MiB`);
  }
  assertEquals(await sent(), now);
  // Whoever reads goes on where it was.
  const [first] = clients;
  let text = "";
  const buffer = new Uint8Array(65_536);
  while (text.length < 8 * MIB) {
    text += new TextDecoder().decode(buffer.subarray(0, await first!.read(buffer) ?? 0));
  }
  const lines = text.split("\r\n").slice(1, -1);
  for (const [i, line] of lines.entries()) {
    const next = lines[i + 1];
    assert(line.length === 72 && (!next || next.startsWith(line.slice(1))), line);
  }
  for (const conn of clients) tryClose(conn);
  assertEquals(await chargen.terminate(), 0);
});

Deno.test("beyond --max-clients clients wait, or are closed at once", async () => {
  for (const overflow of ["wait", "reject"]) {
    await using echo = await serve("echo", ["--max-clients", "2", "--overflow", overflow]);
    const connect = async () => {
      const conn = await Deno.connect({ hostname: "127.0.0.1", port: echo.port });
      await writeAll(conn, encoder.encode("a"));
      return conn;
    };
    const served = [await connect(), await connect()];
    for (const conn of served) await conn.read(new Uint8Array(1));
    const third = await connect();
    if (overflow === "reject") {
      assertEquals((await readAll(third).catch(() => new Uint8Array())).length, 0);
    } else {
      const answer = third.read(new Uint8Array(1));
      const status = await echo.status();
      assertEquals([status.active, status.accepted], [2, 2]);
      served[0]!.close();
      assertEquals(await answer, 1);
    }
    for (const conn of [...served, third]) tryClose(conn);
  }
});

Deno.test("what a drain can end it ends: nothing is cut", async () => {
  for (const service of ["chat", "chargen", "syslog", "http"]) {
    await using program = await serve(service, service === "http" ? ["--requests", "0"] : []);
    const conn = await Deno.connect({ hostname: "127.0.0.1", port: program.port });
    const reading = readAll(conn).catch(() => {});
    await until(async () => (await program.status()).active === 1, "it is served");
    const begun = performance.now();
    assertEquals(await program.terminate(), 0, service);
    assert(performance.now() - begun < 10_000, service);
    await reading;
    tryClose(conn);
  }
});

Deno.test("syslog shows what passes its filter, and nothing else, on standard output", async () => {
  await using program = await serve("syslog", ["--filter", "mail.warning"]);
  await request(program.port, "<20>one\n<22>two\n<19>three\n<132>four\n");
  await until(() => program.out.length === 2, "both are shown");
  assertMatch(program.out[0]!, /^\d{4}-\d\d-\d\dT[\d:.]+Z 127\.0\.0\.1:\d+ mail\.warning one$/);
  assertMatch(program.out[1]!, / mail\.err three$/);
  assertEquals(await program.terminate(), 0);
  assertEquals(program.out.length, 2);
});

Deno.test("a maintenance page answers while the servers are away, and is read anew by a reload", async () => {
  const folder = await Deno.makeTempDir();
  const [page, file] = [`${folder}/page.html`, `${folder}/iawlb.toml`];
  await Deno.writeTextFile(page, "back soon");
  await Deno.writeTextFile(
    file,
    `listen = "127.0.0.1:${freePort()}"
destinations = [
  "127.0.0.1:${freePort()}",
  { address = "service:http", status = 503, body = "${page}", backup = true, name = "sorry" },
]
`,
  );
  await using program = await Program.spawn(["--config", file, "--log-format", "json"]);
  const ask = () => request(program.port, "GET / HTTP/1.1\r\nhost: a\r\n\r\n");
  assertMatch(await ask(), /^HTTP\/1.1 503 [^]*text\/html[^]*\r\n\r\nback soon$/);
  await Deno.writeTextFile(page, "back in an hour");
  program.signal("SIGHUP");
  await program.logged(/destination sorry: body .* \(9 bytes, .* → .* \(15 bytes, /);
  await until(async () => (await ask()).endsWith("back in an hour"), "the new page is shown");
  assertEquals(await program.terminate(), 0);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("serve prints the configuration that it stands for, which is one", async () => {
  const { code, stdout } = await runProgram([
    ...["serve", "http", "8080", "--delay", "1s", "--max-clients", "7", "--print-config"],
  ]);
  assertEquals(code, 0);
  assertMatch(stdout, /^ {2}"service:http,delay=1s,workers=7", /m);
  assertMatch(stdout, /^max-connections = 7 /m);
  const file = await Deno.makeTempFile({ suffix: ".toml" });
  await Deno.writeTextFile(file, stdout);
  const check = await runProgram(["--config", file, "--check-config"]);
  assertEquals([check.code, check.stderr], [0, ""]);
  await Deno.remove(file);
});
