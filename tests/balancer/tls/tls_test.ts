import { assert, assertEquals, assertRejects } from "@std/assert";
import type { OptionName } from "../../../src/config/options.ts";
import { Authority, type CertificateFiles, hasOpenssl } from "../../support/authority.ts";
import { Between } from "../../support/between.ts";
import { TestBalancer } from "../../support/balancer.ts";
import {
  discard,
  echo,
  randomBytes,
  readAll,
  readExactly,
  TestServer,
  until,
  writeAll,
} from "../../support/servers.ts";
import { ResettingServer } from "../../support/resetting.ts";
import { unless } from "../../support/unless.ts";

const NO_OPENSSL = { "there is no openssl": !hasOpenssl };
const bytes = (text: string) => new TextEncoder().encode(text);
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** A test with an authority of its own. */
function test(name: string, fn: (authority: Authority) => Promise<void>): void {
  Deno.test({
    ...unless(name, NO_OPENSSL),
    async fn() {
      using authority = new Authority();
      await fn(authority);
    },
  });
}

/** The options for a certificate. */
function showing(
  { cert, key }: CertificateFiles,
  more: Partial<Record<OptionName, string>> = {},
): Partial<Record<OptionName, string>> {
  return { tlsCert: cert, tlsKey: key, ...more };
}

/** A client whose handshake is over. */
async function connect(
  port: number,
  { text: ca }: Authority,
  { hostname = "localhost", alpn }: { hostname?: string; alpn?: string[] } = {},
): Promise<Deno.TlsConn> {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  const tls = await Deno.startTls(conn, {
    hostname,
    caCerts: [ca],
    ...alpn && { alpnProtocols: alpn },
  });
  try {
    await tls.handshake();
  } catch (error) {
    tls.close();
    throw error;
  }
  return tls;
}

test("what both sides send arrives, and each may finish before the other", async (authority) => {
  const answer = randomBytes(3_000_000);
  const request = randomBytes(2_000_000);
  let got = new Uint8Array();
  await using server = new TestServer(async (conn) => {
    got = new Uint8Array(await readAll(conn));
    await writeAll(conn, answer);
    await conn.closeWrite();
  });
  await using test = await TestBalancer.start([server.address], showing(authority.issue()));
  using client = await connect(test.port, authority);
  await writeAll(client, request);
  await client.closeWrite();
  assertEquals(await readAll(client), answer);
  assertEquals(got, request);
  await until(() => test.status.ended.done === 1, "the session is done");
  assertEquals([test.status.bytes_up, test.status.bytes_down], [2_000_000, 3_000_000]);
});

test("a server that finishes first is still sent what the client says", async (authority) => {
  let got = "";
  await using server = new TestServer(async (conn) => {
    await writeAll(conn, bytes("bye"));
    await conn.closeWrite();
    got = text(await readAll(conn));
  }, { speaksFirst: true });
  await using test = await TestBalancer.start([server.address], showing(authority.issue()));
  using client = await connect(test.port, authority);
  assertEquals(text(await readAll(client)), "bye");
  await writeAll(client, bytes("and after that"));
  await client.closeWrite();
  await until(() => got === "and after that", "the server has got it");
  await until(() => test.status.ended.done === 1, "the session is done");
});

test("a client that is cut without an end of TLS has not finished", async (authority) => {
  await using server = new TestServer(echo);
  await using test = await TestBalancer.start([server.address], showing(authority.issue()));
  await using between = new Between(test.port);
  using client = await connect(between.port, authority);
  await writeAll(client, bytes("half of a req"));
  await readExactly(client, 13);
  await between.cut();
  await until(() => test.status.ended["client-reset"] === 1, "the session is a reset one");
});

test("a client that just closes when it was told the end has finished", async (authority) => {
  await using server = new TestServer(async (conn) => {
    await readExactly(conn, 8);
    await writeAll(conn, bytes("answer"));
  });
  await using test = await TestBalancer.start([server.address], showing(authority.issue()));
  await using between = new Between(test.port);
  using client = await connect(between.port, authority);
  await writeAll(client, bytes("question"));
  assertEquals(text(await readAll(client)), "answer");
  await between.cut();
  await until(() => test.status.ended.done === 1, "the session is done");
});

test("a client is not told an end when its server has failed in the middle", async (authority) => {
  await using server = await ResettingServer.start("in the answer");
  await using test = await TestBalancer.start([server.address], showing(authority.issue()));
  using client = await connect(test.port, authority);
  await writeAll(client, bytes("x"));
  await assertRejects(() => readAll(client), Deno.errors.UnexpectedEof);
  await until(() => test.status.ended["server-reset"] === 1, "the session ended so");
});

test("a slow client gets everything, and holds up the server meanwhile", async (authority) => {
  let sent = 0;
  const all = 40_000_000;
  await using server = new TestServer(async (conn) => {
    await readExactly(conn, 1);
    const piece = new Uint8Array(100_000);
    for (; sent < all; sent += piece.length) await writeAll(conn, piece);
    await conn.closeWrite();
    await readAll(conn);
  });
  await using test = await TestBalancer.start([server.address], showing(authority.issue()));
  using client = await connect(test.port, authority);
  await writeAll(client, bytes("x"));
  let before = -1;
  const isStill = () => {
    const still = sent > 0 && sent === before;
    before = sent;
    return still;
  };
  await until(isStill, "it stands still");
  assert(sent < all, `${sent}`);
  assertEquals((await readAll(client)).length, all);
  await client.closeWrite();
  await until(() => test.status.ended.done === 1, "the session is done");
});

test("the certificate is that for the name, and the protocol what both speak", async (authority) => {
  await using server = new TestServer(echo);
  const [first, second, third] = [["one.example"], ["two.example"], ["*.two.example"]]
    .map((names) => authority.issue({ names })) as [
      CertificateFiles,
      CertificateFiles,
      CertificateFiles,
    ];
  const options = showing(first, {
    certificates: `${second.cert}:${second.key},${third.cert}:${third.key}`,
    tlsAlpn: "h2,http/1.1",
  });
  await using test = await TestBalancer.start([server.address], options);
  for (const hostname of ["one.example", "two.example", "x.two.example"]) {
    using client = await connect(test.port, authority, { hostname, alpn: ["http/1.1"] });
    assertEquals((await client.handshake()).alpnProtocol, "http/1.1");
  }
  await assertRejects(
    () => connect(test.port, authority, { hostname: "three.example" }),
    Error,
    "not valid for name",
  );
  await assertRejects(
    () => connect(test.port, authority, { hostname: "one.example", alpn: ["other"] }),
    Error,
    "NoApplicationProtocol",
  );
  await until(() => test.status.ended["tls-failed"] === 2, "both have failed");
  assertEquals(test.status.tls_handshakes, 3);
  assertEquals(test.status.certificates.map(({ names }) => names.join()), [
    "one.example",
    "two.example",
    "*.two.example",
  ]);
});

test("what begins with no hello is turned away, and who says nothing in time", async (authority) => {
  await using server = new TestServer(discard);
  const options = showing(authority.issue(), { greetingTimeout: "100ms" });
  await using test = await TestBalancer.start([server.address], options);
  const send = async (first: string) => {
    using conn = await Deno.connect({ hostname: "127.0.0.1", port: test.port });
    await writeAll(conn, bytes(first));
    return await readAll(conn).catch(() => new Uint8Array());
  };
  assertEquals(await send("GET / HTTP/1.1\r\n\r\n"), new Uint8Array());
  assertEquals(await send("\x80\x2e\x01\x03\x01"), new Uint8Array());
  await until(() => test.status.ended["tls-failed"] === 2, "both have failed");
  assertEquals(await send(""), new Uint8Array());
  assertEquals(await send("\x16\x03\x01"), new Uint8Array());
  await until(() => test.status.ended["greeting-timeout"] === 2, "both were too late");
  assertEquals(server.accepted, 0);
});

test("of too many handshakes the oldest are closed, and nothing of them is left", async (authority) => {
  await using server = new TestServer(echo);
  const options = showing(authority.issue(), { tlsHandshakes: "50", greetingTimeout: "1h" });
  await using test = await TestBalancer.start([server.address], options);
  const conns: Deno.Conn[] = [];
  for (let i = 0; i < 200; i++) {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port: test.port });
    await writeAll(conn, bytes("\x16\x03\x01\x02\0\x01"));
    conns.push(conn);
  }
  await until(() => test.status.ended["tls-failed"] === 150, "150 were the oldest");
  assertEquals([test.status.tls_pending, test.status.greeting], [50, 50]);
  // The first ones are closed, the last ones are not, and whoever comes is served.
  assertEquals(await conns[0]!.read(new Uint8Array(1)), null);
  using client = await connect(test.port, authority);
  await writeAll(client, bytes("served"));
  assertEquals(text(await readExactly(client, 6)), "served");
  for (const conn of conns) conn.close();
  await until(() => test.status.tls_pending === 0, "all have left");
});

test("another certificate in the files, 100 times, costs nobody a handshake", async (authority) => {
  await using server = new TestServer(echo);
  const pairs = Array.from({ length: 4 }, () => authority.issue());
  const served = authority.issue();
  const options = showing(served);
  await using test = await TestBalancer.start([server.address], options);
  using held = await connect(test.port, authority);
  let over = false;
  let handshakes = 0;
  const load = Array.from({ length: 2 }, async () => {
    while (!over) {
      using client = await connect(test.port, authority);
      await writeAll(client, bytes("x"));
      await readExactly(client, 1);
      handshakes++;
    }
  });
  for (let i = 0; i < 100; i++) {
    for (const part of ["cert", "key"] as const) {
      await Deno.copyFile(pairs[i % 4]![part], served[part]);
    }
    await test.reconfigure(options);
    const seen = handshakes;
    await until(() => handshakes > seen, "somebody has come");
  }
  over = true;
  await Promise.all(load);
  assert(handshakes >= 100, `${handshakes}`);
  assertEquals(test.status.ended["tls-failed"] ?? 0, 0);
  await writeAll(held, bytes("still"));
  assertEquals(text(await readExactly(held, 5)), "still");
});
