import { assert, assertEquals } from "@std/assert";
import { TestFile } from "../support/config_file.ts";
import { hasProc, nothingLeft, openDescriptors } from "../support/process.ts";
import { Program } from "../support/program.ts";
import {
  freePort,
  readAll,
  readExactly,
  request,
  TestServer,
  until,
  writeAll,
} from "../support/servers.ts";

const ABANDON = ["--half-close", "abandon"];
const bytes = (text: string) => new TextEncoder().encode(text);
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** Takes requests of six bytes and answers those that are called "answer". */
class PickyServer extends TestServer {
  readonly got: string[] = [];
  /** How connections ended. */
  ended = 0;

  /** @param busy While this goes on it notices nothing else, once it was pestered. */
  constructor(busy?: Promise<void>) {
    super(async (conn) => {
      try {
        for (;;) {
          const what = text(await readExactly(conn, 6));
          this.got.push(what);
          if (what === "answer") await writeAll(conn, bytes("served"));
          else await busy;
        }
      } finally {
        this.ended++;
      }
    });
  }
}

/** Sends a text and finishes sending. */
async function sendAndFinish(conn: Deno.Conn, what: string): Promise<void> {
  await writeAll(conn, bytes(what));
  await conn.closeWrite();
}

/** A session that is being served and will not be answered. */
async function occupy(port: number, server: PickyServer): Promise<Deno.Conn> {
  const before = server.got.length;
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await writeAll(conn, bytes("pester"));
  await until(() => server.got.length > before, "the request has reached the server");
  return conn;
}

Deno.test("with --half-close abandon who finishes sending leaves the queue, whatever it sent", async () => {
  await using server = new PickyServer();
  await using program = await Program.start([server.address], ["--workers", "1", ...ABANDON]);
  using first = await occupy(program.port, server);
  for (const [i, what] of ["", "hello", "x".repeat(4096), "x".repeat(60_000)].entries()) {
    using client = await Deno.connect({ port: program.port });
    await sendAndFinish(client, what);
    const entry = (await program.entries(i + 1))[i]!;
    assertEquals([entry.reason, entry.destination, entry.attempts], ["client-gone", null, 0]);
    assertEquals(text(await readAll(client)), "");
  }
  using last = await Deno.connect({ port: program.port });
  await writeAll(last, bytes("answer"));
  await until(async () => (await program.status()).waiting === 1, "the last one waits");
  await first.closeWrite();
  assertEquals(text(await readExactly(last, 6)), "served");
  assertEquals([server.accepted, server.got], [2, ["pester", "answer"]]);
  const gone = (await program.entries(5))[4]!;
  assertEquals([gone.reason, gone.destination], ["client-gone", server.address]);
});

Deno.test("clients that give up in the same moment do not follow each other to the server", async () => {
  await using server = new PickyServer();
  await using program = await Program.start([server.address], ["--workers", "1", ...ABANDON]);
  const descriptors = hasProc ? openDescriptors(program.pid) : 0;
  const clients = [await occupy(program.port, server)];
  for (let i = 0; i < 5; i++) {
    const client = await Deno.connect({ port: program.port });
    await writeAll(client, bytes("pester"));
    clients.push(client);
  }
  await until(async () => (await program.status()).waiting === 5, "five wait");
  // They have come some time ago, by which it is told what the same moment is.
  await new Promise((resolve) => setTimeout(resolve, 1000));
  await Promise.all(clients.map((client) => client.closeWrite()));
  const entries = await program.entries(6);
  assert(entries.every(({ reason }) => reason === "client-gone"));
  assertEquals([server.accepted, server.got.length], [1, 1]);
  for (const client of clients) client.close();
  const left = { destinations: [server.port], descriptors, more: 8 };
  if (hasProc) await nothingLeft(program.pid, left);
});

for (
  const [kind, options] of [
    ["", []],
    [" with --threads", ["--threads", "2", "--workers", "2"]],
    [" over UNIX sockets", []],
  ] as const
) {
  Deno.test(`who finishes unanswered makes room at once, who was answered ends as ever${kind}`, async () => {
    const dir = await Deno.makeTempDir({ prefix: "iawlb-" });
    try {
      await using server = new PickyServer();
      const path = `${dir}/front.sock`;
      const unix = kind.includes("UNIX");
      await using program = unix
        ? await Program.spawn([
          ...[...ABANDON, "--log-format", "json", `unix:${path}`, server.address],
        ])
        : await Program.start([server.address], [...options, ...ABANDON]);
      const connect = (): Promise<Deno.Conn> => {
        return unix
          ? Deno.connect({ transport: "unix", path })
          : Deno.connect({ port: program.port });
      };
      const requests = ["pester", "answer pester", "answer", "answer answer", ""];
      for (const [i, script] of requests.entries()) {
        using client = await connect();
        const parts = script.split(" ").filter((part) => part !== "");
        for (const part of parts) {
          const before = server.got.length;
          await writeAll(client, bytes(part));
          if (part === "answer") assertEquals(text(await readExactly(client, 6)), "served");
          else await until(() => server.got.length > before, "the request has arrived");
        }
        await until(() => server.accepted === i + 1, "it is served");
        await client.closeWrite();
        assertEquals(text(await readAll(client)), "");
        const entry = (await program.entries(i + 1))[i]!;
        assertEquals(entry.reason, script.endsWith("pester") ? "client-gone" : "done", script);
        await until(() => server.ended === i + 1, "the destination is told");
      }
      assertEquals(await program.terminate(), 0);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  });
}

Deno.test("with --half-close abandon a client leaves while it is being connected", async () => {
  // Nobody accepts, and the backlog is full: the next connect gets no answer.
  using deaf = Deno.listen({ hostname: "127.0.0.1", port: freePort(), tcpBacklog: 1 });
  const { port } = deaf.addr as Deno.NetAddr;
  const filling: Deno.Conn[] = [];
  for (let full = false; !full;) {
    const signal = AbortSignal.timeout(300);
    await Deno.connect({ hostname: "127.0.0.1", port, signal })
      .then((conn) => filling.push(conn), () => full = true);
  }
  const options = ["--connect-timeout", "1m", "--queue-timeout", "0", ...ABANDON];
  await using program = await Program.start([`127.0.0.1:${port}`], options);
  using client = await Deno.connect({ port: program.port });
  await until(async () => (await program.status()).active === 1, "it is being connected");
  await sendAndFinish(client, "hello");
  const [entry] = await program.entries(1);
  assertEquals([entry!.reason, entry!.attempts], ["client-gone", 1]);
  for (const conn of filling) conn.close();
});

Deno.test("with --half-close abandon a client leaves that is back in the queue after a failed connect", async () => {
  const port = freePort();
  const options = ["--queue-timeout", "0", ...ABANDON];
  await using program = await Program.start([`127.0.0.1:${port}`], options);
  using client = await Deno.connect({ port: program.port });
  await writeAll(client, new Uint8Array(10_000));
  await program.logged(/refused/);
  await until(async () => (await program.status()).waiting === 1, "it waits again");
  await client.closeWrite();
  const [entry] = await program.entries(1);
  assertEquals([entry!.reason, entry!.bytes_up], ["client-gone", 0]);
});

Deno.test("a reload between keep and abandon counts at once, for sessions that are there, too", async () => {
  const busy = Promise.withResolvers<void>();
  await using server = new PickyServer(busy.promise);
  using _ = { [Symbol.dispose]: () => busy.resolve() };
  const write = (mode: string) =>
    `listen = "127.0.0.1:${port}"\ndestinations = ["${server.address}"]
    workers = 1\nlog-format = "json"\nhalf-close = "${mode}"\n`;
  const port = freePort();
  using file = new TestFile(write("keep"));
  await using program = await Program.spawn(["--config", file.path]);
  const reload = async (mode: "keep" | "abandon", number: number) => {
    file.write(write(mode));
    program.signal("SIGHUP");
    const count = () => program.log.filter((line) => line.includes("half-close")).length;
    await until(() => count() === number, `it has gone over to ${mode}`);
  };
  using served = await occupy(port, server);
  await served.closeWrite();
  using waits = await Deno.connect({ port });
  await sendAndFinish(waits, "x".repeat(5000));
  using stays = await Deno.connect({ port });
  await writeAll(stays, bytes("answer"));
  await until(async () => (await program.status()).waiting === 2, "two wait");
  assertEquals(program.out, []);
  await reload("abandon", 1);
  const reasons = (await program.entries(2)).map(({ reason }) => reason);
  assertEquals(reasons, ["client-gone", "client-gone"]);
  assertEquals(text(await readExactly(stays, 6)), "served");
  await reload("keep", 2);
  await writeAll(stays, bytes("pester"));
  await until(() => server.got.at(-1) === "pester", "the request has arrived");
  await stays.closeWrite();
  await until(async () => (await program.status()).active === 1, "it is still being served");
  busy.resolve();
  assertEquals(text(await readAll(stays)), "");
  assertEquals((await program.entries(3))[2]!.reason, "done");
});

Deno.test("with --half-close abandon an answer is whole for who finishes after its first byte", async () => {
  const answer = new Uint8Array(3_000_000).fill(7);
  await using server = new TestServer(async (conn) => {
    await readExactly(conn, 5);
    await writeAll(conn, answer);
    await conn.closeWrite();
  });
  await using program = await Program.start([server.address], ABANDON);
  using client = await Deno.connect({ port: program.port });
  await writeAll(client, bytes("hello"));
  await readExactly(client, 1);
  await client.closeWrite();
  assertEquals((await readAll(client)).length, answer.length - 1);
  assertEquals((await program.entries(1))[0]!.reason, "done");
  // That is what it means: whoever half-closes before, and would still read, gets nothing.
  assertEquals(await request(program.port, "hello"), "");
});
