import { assert, assertEquals, assertMatch } from "@std/assert";
import { HeaderServer } from "../support/header_server.ts";
import { Program, runProgram } from "../support/program.ts";
import { find, run } from "../support/packaged_servers.ts";
import { ResettingServer } from "../support/resetting.ts";
import { freePort, readAll, TestServer, tryClose, until, writeAll } from "../support/servers.ts";

/** A client of which the port is known, and what it has got once the server has spoken first. */
class Client implements Disposable {
  readonly conn: Deno.Conn;

  private constructor(conn: Deno.Conn) {
    this.conn = conn;
  }

  static async connect(target: number | string): Promise<Client> {
    return new Client(
      typeof target === "string"
        ? await Deno.connect({ transport: "unix", path: target })
        : await Deno.connect({ hostname: "127.0.0.1", port: target }),
    );
  }

  get port(): number {
    return (this.conn.localAddr as Deno.NetAddr).port;
  }

  /** What the server says first, to the end of its line. */
  async greeting(): Promise<string> {
    let line = "";
    const buffer = new Uint8Array(1);
    while (await this.conn.read(buffer) !== null && buffer[0] !== 10) {
      line += String.fromCharCode(buffer[0]!);
    }
    return line;
  }

  /** Sends a text, finishes, and returns what comes after the greeting. */
  async finish(text: string): Promise<string> {
    await writeAll(this.conn, new TextEncoder().encode(text));
    await this.conn.closeWrite();
    return new TextDecoder().decode(await readAll(this.conn));
  }

  [Symbol.dispose](): void {
    tryClose(this.conn);
  }
}

for (const [version, threads, check] of [["v1", 1, "UNKNOWN"], ["v2", 2, "LOCAL"]] as const) {
  Deno.test(`--send-proxy ${version}, ${threads} threads: servers know the client before its first byte`, async () => {
    await using server = new HeaderServer();
    const options = ["--send-proxy", version, "--threads", `${threads}`];
    await using program = await Program.start([server.address], [
      ...options,
      ...["--check", "tcp", "--check-interval", "50ms"],
    ]);
    const headers: string[] = [];
    for (let i = 0; i < 4; i++) {
      using client = await Client.connect(program.port);
      const header = `TCP4 127.0.0.1 127.0.0.1 ${client.port} ${program.port}`;
      headers.push(header);
      // One that speaks first, and one that waits for the server to do so.
      if (i % 2 === 0) await writeAll(client.conn, new TextEncoder().encode("ab"));
      assertEquals(await client.greeting(), header);
      assertEquals(await client.finish("cde"), "bye");
    }
    assertEquals(
      server.received,
      headers.map((header, i) => {
        return { header, text: i % 2 === 0 ? "abcde" : "cde" };
      }),
    );
    // What is before the payload is counted by nobody.
    const entries = await program.entries(4);
    assertEquals(entries.map(({ bytes_up }) => bytes_up).toSorted(), [3, 3, 5, 5]);
    assertEquals(entries.filter(({ reason }) => reason !== "done"), []);
    await until(() => server.checks.length > threads, "it is checked");
    assertEquals([...new Set(server.checks)], [check]);
    assertEquals(server.strangers, []);
    assertEquals(await program.terminate(), 0);
  });
}

Deno.test("what clients have sent while they waited comes with the header, in one read", async () => {
  const first: string[] = [];
  await using server = new TestServer(async (conn) => {
    const buffer = new Uint8Array(4096);
    const n = await conn.read(buffer);
    const text = new TextDecoder().decode(buffer.subarray(0, n ?? 0));
    if (!text.includes("UNKNOWN")) first.push(text.split("\r\n")[1]!);
    if (!text.includes("wait")) return;
    await until(() => waiting, "the others wait");
  }, { speaksFirst: true });
  let waiting = false;
  await using program = await Program.start([`${server.address},send-proxy=v1,workers=1`]);
  const clients: Client[] = [];
  for (const text of ["wait", ...Array.from({ length: 20 }, (_, i) => `hello ${i}`)]) {
    clients.push(await Client.connect(program.port));
    await writeAll(clients.at(-1)!.conn, new TextEncoder().encode(text));
  }
  await until(async () => (await program.status()).waiting === 20, "they wait");
  waiting = true;
  for (const client of clients) {
    await readAll(client.conn);
    client[Symbol.dispose]();
  }
  assertEquals(first.slice(1).toSorted(), clients.slice(1).map((_, i) => `hello ${i}`).toSorted());
});

Deno.test("a session that is reset has a header of its own at its next server, with all that it sent", async () => {
  for (const when of ["at once", "after reading"] as const) {
    await using bad = await ResettingServer.start(when);
    await using good = new HeaderServer();
    await using program = await Program.start(
      [`${bad.address},send-proxy=v2`, `${good.address},send-proxy=v1`],
    );
    const headers: string[] = [];
    for (let i = 0; i < 10; i++) {
      using client = await Client.connect(program.port);
      headers.push(`TCP4 127.0.0.1 127.0.0.1 ${client.port} ${program.port}`);
      assertEquals(await client.finish("hello"), `${headers.at(-1)}\nbye`);
    }
    assertEquals(good.received, headers.map((header) => ({ header, text: "hello" })));
    const moved = (await program.entries(10)).filter(({ attempts }) => attempts === 2);
    assert(moved.length > 0);
    const { destinations: [reset] } = await program.status();
    assertEquals([reset.state, reset.failures], ["up", 0]);
  }
});

/** A client of a UNIX socket that has an address of its own, and prints what it gets. */
const NAMED_CLIENT = `
import socket, sys
client = socket.socket(socket.AF_UNIX)
client.bind(sys.argv[1])
client.connect(sys.argv[2])
print(client.recv(1000).decode(), end="")
`;

Deno.test("of clients of a UNIX socket servers are told if there is something to tell", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/front.sock`;
  await using server = new HeaderServer();
  const between = `${folder}/back.sock`;
  using listener = Deno.listen({ transport: "unix", path: between });
  const relayed = (async () => {
    for await (const conn of listener) {
      const back = await Deno.connect({ port: server.port });
      conn.readable.pipeTo(back.writable).catch(() => {});
      back.readable.pipeTo(conn.writable).catch(() => {});
    }
  })();
  try {
    for (
      const [destination, header] of [
        [`${server.address},send-proxy=v2`, "LOCAL"],
        [`unix:${between},send-proxy=v2`, "LOCAL"],
        [`${server.address},send-proxy=v1`, "UNKNOWN"],
      ] as const
    ) {
      await using program = Program.launch([`unix:${path}`, destination]);
      await program.logged(/listening on /);
      using client = await Client.connect(path);
      assertEquals(await client.greeting(), header);
      if (header !== "LOCAL" || !find("python3")) continue;
      // The path by which clients know the listener, not the one by which it was bound.
      const own = `${folder}/${crypto.randomUUID()}`;
      const greeting = await run("python3", ["-c", NAMED_CLIENT, own, path]);
      assertEquals(greeting, `UNIX ${own} ${path}\n`);
    }
  } finally {
    listener.close();
    await relayed;
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("another header at run time is that of the next connect, and nothing else changes", async () => {
  await using server = new HeaderServer();
  const folder = await Deno.makeTempDir();
  const [port, admin, file] = [freePort(), `unix:${folder}/admin.sock`, `${folder}/iawlb.toml`];
  const write = (lines: string) => {
    return Deno.writeTextFile(
      file,
      `listen = "127.0.0.1:${port}"\nthreads = 2\nadmin = "${admin}"\n${lines}\n`,
    );
  };
  try {
    await write(`destinations = ["${server.address}"]\nsend-proxy = "v1"`);
    await using program = await Program.spawn(["--config", file, "--log-format", "json"]);
    await program.logged(/admin API on /);
    using first = await Client.connect(port);
    assertMatch(await first.greeting(), /^TCP4 /);

    const set = await runProgram(["ctl", admin, "set", "1.1", "send-proxy=v2", "--json"]);
    assertEquals([set.code, set.stderr], [0, ""]);
    const { send_proxy, sessions, active } = JSON.parse(set.stdout);
    assertEquals([send_proxy, sessions, active], ["v2", 1, 1]);
    await program.logged(/send-proxy v1 → v2/);
    using second = await Client.connect(port);
    assertMatch(await second.greeting(), /^TCP4 /);

    await write(`destinations = ["${server.address},send-proxy=v1"]`);
    program.signal("SIGHUP");
    await program.logged(/send-proxy v2 → v1/);
    using third = await Client.connect(port);
    assertMatch(await third.greeting(), /^TCP4 /);
    for (const client of [first, second, third]) assertEquals(await client.finish("x"), "bye");
    await until(() => server.received.every(({ text }) => text === "x"), "all have finished");
    const { destinations: [destination] } = await program.status();
    assertEquals([destination.id, destination.sessions], ["1.1", 3]);
    // The clients cannot see the version; the server has.
    assertEquals(server.versions, ["v1", "v2", "v1"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a server that closes at once, or resets, ends its session and no other", async () => {
  await using server = new TestServer(async (conn, number) => {
    const buffer = new Uint8Array(1000);
    const n = await conn.read(buffer);
    if (number % 2 === 0) await writeAll(conn, buffer.subarray(0, n ?? 0));
  }, { speaksFirst: true });
  await using program = await Program.start([`${server.address},send-proxy=v1,workers=1`]);
  let answers = 0;
  for (let i = 0; i < 10; i++) {
    using client = await Client.connect(program.port);
    const answer = await client.finish("hello").catch(() => "");
    if (answer !== "") answers++;
    assertMatch(answer, /^(PROXY TCP4 .*\r\n(hello)?)?$/);
  }
  // One connection may have been the look at a new destination.
  assert(answers >= 4, `${answers} were answered`);
  const { destinations: [{ state, failures }] } = await program.status();
  assertEquals([state, failures], ["up", 0]);
  assertEquals(await program.terminate(), 0);
});

Deno.test("a loop is found behind a header, too", async () => {
  const ports = [freePort(), freePort()];
  const file = await Deno.makeTempFile({ suffix: ".toml" });
  await Deno.writeTextFile(
    file,
    ports.map((port, i) => {
      return `[[listener]]\nlisten = "127.0.0.1:${port}"\n` +
        `destinations = ["127.0.0.1:${ports[1 - i]},send-proxy=v${i + 1}"]\n`;
    }).join("\n"),
  );
  try {
    await using program = await Program.spawn(["--config", file, "--log-format", "json"]);
    for (const text of ["hello", ""]) {
      using client = await Client.connect(ports[0]!);
      await writeAll(client.conn, new TextEncoder().encode(text)).catch(() => {});
      await readAll(client.conn).catch(() => {});
    }
    await program.logged(/loop: session [\d.]+ of /);
    await until(() => program.access().some(({ reason }) => reason === "loop"), "it has ended");
    assert(program.out.length < 50, `${program.out.length} sessions`);
    assertEquals(await program.terminate(), 0);
  } finally {
    await Deno.remove(file);
  }
});
