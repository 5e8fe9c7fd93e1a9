// Destinations by the name in the hello: real clients and servers of TLS around the real program.
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { createServer } from "node:https";
import { once } from "node:events";
import { Authority } from "../support/authority.ts";
import { A, address } from "../support/dns_message.ts";
import { DnsServer } from "../support/dns_server.ts";
import { hello } from "../support/hellos.ts";
import { heldServer } from "../support/instance.ts";
import { NamedClient, namedClients } from "../support/named_client.ts";
import { Program, runProgram } from "../support/program.ts";
import { bytes } from "../support/proxy_headers.ts";
import { Client, pathOf } from "../support/real_servers.ts";
import { answer, freePort, readAll, TestServer, until, writeAll } from "../support/servers.ts";
import { unless } from "../support/unless.ts";

const NEEDED = {
  "there is no openssl": !pathOf("openssl"),
  "there is no curl": !pathOf("curl"),
};

/** Servers of a.example (this process), b.example (openssl) and one of plain HTTP. */
class Servers implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack();
  readonly destinations: string[] = [];

  static async start(): Promise<Servers> {
    const servers = new Servers();
    const authority = servers.#stack.use(new Authority());
    const a = authority.issue({ names: ["a.example"] });
    const b = authority.issue({ names: ["b.example", "*.b.example"] });
    const https = createServer({
      cert: Deno.readTextFileSync(a.cert),
      key: Deno.readTextFileSync(a.key),
    }, (_, response) => void response.end("this is a"));
    https.listen(0, "127.0.0.1");
    await once(https, "listening");
    servers.#stack.defer(() => {
      https.closeAllConnections();
      return new Promise((resolve) => https.close(() => resolve()));
    });
    const port = freePort();
    const openssl = servers.#stack.use(
      new Client("openssl", [
        ...["s_server", "-quiet", "-www", "-accept", `127.0.0.1:${port}`, "-alpn", "h2,http/1.1"],
        ...["-cert", b.cert, "-key", b.key],
      ]),
    );
    assert(openssl);
    await until(() => canConnect(port), "openssl listens");
    const plain = servers.#stack.use(
      new TestServer(async (conn) => {
        await conn.read(new Uint8Array(4096));
        await writeAll(conn, bytes("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nplain"));
        await readAll(conn).catch(() => {});
      }),
    );
    servers.destinations.push(
      `127.0.0.1:${(https.address() as { port: number }).port},sni=a.example`,
      `127.0.0.1:${port},sni=b.example|*.b.example`,
      plain.address,
    );
    return servers;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack[Symbol.asyncDispose]();
  }
}

async function canConnect(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return true;
  } catch {
    return false;
  }
}

/** What openssl's client says of a connection that it ends at once. */
async function talk(port: number, ...args: string[]): Promise<string> {
  await using client = new Client("openssl", [
    ...["s_client", "-connect", `127.0.0.1:${port}`, ...args],
  ]);
  return (await client.ended()).text;
}

async function get(port: number, host: string, ...args: string[]) {
  await using client = new Client("curl", [
    ...["-sS", "-k", "--http1.1", "-m", "20", "--resolve", `${host}:${port}:127.0.0.1`, ...args],
  ]);
  return await client.ended();
}

for (const threads of ["1", "2"]) {
  Deno.test(
    unless(`openssl and curl find their servers by name, with --threads ${threads}`, NEEDED),
    async () => {
      await using servers = await Servers.start();
      await using program = await Program.start(servers.destinations, ["--threads", threads]);
      const { port } = program;
      const [a, b] = [/subject=CN ?= ?a\.example/, /subject=CN ?= ?b\.example/];
      for (const version of ["-tls1_2", "-tls1_3"]) {
        assertMatch(await talk(port, version, "-servername", "a.example"), a);
        assertMatch(await talk(port, version, "-servername", "b.example"), b);
        assertMatch(await talk(port, version, "-servername", "X.B.Example"), b);
      }
      const alpn = await talk(port, "-servername", "b.example", "-alpn", "h2");
      assertStringIncludes(alpn, "ALPN protocol: h2");
      // Hellos over a record of 512 bytes, and in records of that size.
      const sized = await talk(port, "-servername", "b.example", "-max_send_frag", "512");
      assertMatch(sized, b);
      const [fromA, fromB] = await Promise.all([
        get(port, "a.example", `https://a.example:${port}/`),
        get(
          port,
          "y.b.example",
          "-o",
          "/dev/null",
          "-w",
          "%{http_code}",
          `https://y.b.example:${port}/`,
        ),
      ]);
      assertEquals([fromA, fromB], [{ code: 0, text: "this is a" }, { code: 0, text: "200" }]);
      assertEquals((await get(port, "c.example", `http://c.example:${port}/`)).text, "plain");
      // Neither of them has certificates for it: what answers is no TLS.
      assertStringIncludes(await talk(port, "-noservername"), "wrong version number");
      const status = await program.status();
      assertEquals(
        status.routes.map(({ name, live }: { name: string; live: number }) => [name, live]).sort(),
        [["*", 0], ["*.b.example", 0], ["a.example", 0], ["b.example", 0]],
      );
      assertEquals(await program.terminate(), 0);
      const names = program.access().map(({ server_name }) => server_name);
      assertEquals(names.filter((name) => name === "x.b.example").length, 2);
      assertEquals(names.filter((name) => name === undefined).length, 2);
    },
  );
}

Deno.test(
  unless("openssl is told of a name and a protocol that nobody has", NEEDED),
  async () => {
    await using server = new TestServer(answer("a"));
    await using program = await Program.start([`${server.address},sni=a.example,alpn=h2`]);
    const { port } = program;
    assertStringIncludes(await talk(port, "-servername", "b.example"), "SSL alert number 112");
    const other = await talk(port, "-servername", "a.example", "-alpn", "http/1.1");
    assertStringIncludes(other, "SSL alert number 120");
    const { code } = await get(port, "c.example", `https://c.example:${port}/`);
    assertEquals(code, 35);
    await program.logged(
      /not greeted: 1 unknown-name, the latest from .*: no destination for b\.example/,
    );
    assertEquals((await program.status()).ended, { "unknown-name": 3 });
  },
);

Deno.test("a drain serves who is greeted and who waits, with threads, too", async () => {
  const held = heldServer("a");
  await using _held = held.server;
  await using program = await Program.start([`${held.server.address},sni=a.example,workers=4`], [
    ...["--threads", "2", "--greeting-timeout", "1h"],
  ]);
  using clients = await namedClients(program.port, 12, "a.example");
  const half = await Promise.all(Array.from({ length: 6 }, async () => {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port: program.port });
    await writeAll(conn, hello({ names: ["a.example"] }).slice(0, 50));
    return conn;
  }));
  await until(async () => {
    const { greeting, waiting, active } = await program.status();
    return greeting === 6 && waiting + active === 12;
  }, "all have come");
  const { routes } = await program.status();
  assert(routes[0].waiting >= 8);
  assertEquals([routes.length, routes[0].live], [1, 12]);
  program.signal("SIGTERM");
  await program.logged(/draining: .*6 being greeted/);
  held.release();
  assertEquals(new Set(await clients.answers()), new Set(["a"]));
  for (const conn of half) {
    await writeAll(conn, hello({ names: ["a.example"] }).slice(50));
    await conn.closeWrite();
    assertEquals(await readAll(conn), bytes("a"));
    conn.close();
  }
  assertEquals(await program.ended(), 0);
});

Deno.test("a name of records has its clients wait while it leads nowhere", async () => {
  await using server = new TestServer(answer("found"));
  await using dns = new DnsServer(() => ({ code: 2 }));
  await using program = await Program.start([`dns:web.test.:${server.port},sni=a.example`], [
    ...["--resolver", dns.address, "--resolve-interval", "1s"],
  ]);
  using waiting = await NamedClient.connect(program.port, "a.example");
  using unknown = await NamedClient.connect(program.port, "b.example");
  assertEquals(await unknown.answer, "alert 112");
  await until(async () => (await program.status()).waiting === 1, "it waits");
  dns.script = ({ name, type }) => ({
    answers: type === A ? [address(name, "127.0.0.1", 1)] : [],
  });
  assertEquals(await waiting.answer, "found");
  const status = await program.status();
  assertEquals(status.destinations.map(({ sni }: { sni: string }) => sni), ["a.example"]);
});

Deno.test("what is no name or protocol is one line and the status 2, and so is UDP", async () => {
  const problems: [string[], RegExp][] = [
    [["443", "10.0.0.1:443,sni=a_b/"], /sni "a_b\/" must be names such as www\.example\.com, /],
    [["443", "10.0.0.1:443,sni=a.*.example"], /must be names/],
    [["443", "10.0.0.1:443,sni=bücher.example"], /in their form xn--/],
    [["443", "10.0.0.1:443,sni="], /must be names/],
    [["443", "10.0.0.1:443,alpn=h2 http"], /alpn "h2 http" must be names of protocols such as h2/],
    [["udp:443", "udp:10.0.0.1:443,sni=a.example"], /sni must be none for UDP/],
    [["--greeting-timeout", "0", "443", "10.0.0.1:443"], /--greeting-timeout "0": must be /],
  ];
  for (const [args, pattern] of problems) {
    const { code, stderr } = await runProgram(args);
    assertEquals([code, stderr.trim().split("\n").length], [2, 1], stderr);
    assertMatch(stderr, pattern);
  }
  const fine = [
    "--greeting-timeout",
    "5s",
    "443",
    "10.0.0.1:443,sni=A.example|*.b.example,alpn=h2",
  ];
  const { code, stdout } = await runProgram(["--print-config", ...fine]);
  assertEquals(code, 0);
  assertStringIncludes(stdout, "sni=A.example|*.b.example,alpn=h2");
  assertStringIncludes(stdout, 'greeting-timeout = "5s"  # --greeting-timeout');
});
