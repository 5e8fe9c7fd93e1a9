import { assert, assertEquals, assertMatch } from "@std/assert";
import { Authority, hasOpenssl } from "../support/authority.ts";
import { Program } from "../support/program.ts";
import { echo, readExactly, TestServer, tryClose, until, writeAll } from "../support/servers.ts";
import { unless } from "../support/unless.ts";

function test(name: string, fn: (authority: Authority) => Promise<void>): void {
  Deno.test({
    ...unless(name, { "there is no openssl": !hasOpenssl }),
    async fn() {
      using authority = new Authority();
      await fn(authority);
    },
  });
}

/** The program in front of one server, for clients that speak TLS. */
function startTls(authority: Authority, server: TestServer): Promise<Program> {
  const { cert, key } = authority.issue();
  return Program.start([server.address], ["--tls-cert", cert, "--tls-key", key]);
}

test("what a server does not read waits with its client, and not in memory", async (authority) => {
  const over = Promise.withResolvers<void>();
  await using server = new TestServer((conn) => {
    return conn.read(new Uint8Array(1)).then(() => over.promise);
  });
  await using program = await startTls(authority, server);
  const conn = await Deno.connect({ hostname: "127.0.0.1", port: program.port });
  const tls = await Deno.startTls(conn, { hostname: "localhost", caCerts: [authority.text] });
  const piece = new Uint8Array(64 * 1024);
  let sent = 0;
  const sending = (async () => {
    for (;;) sent += await tls.write(piece);
  })().catch(() => {});
  let before = -1;
  const stands = () => {
    assert(sent < 100 * 2 ** 20, `${sent} bytes were taken`);
    const same = sent > 0 && sent === before;
    before = sent;
    return new Promise<boolean>((resolve) => setTimeout(() => resolve(same), 300));
  };
  await until(stands, "no more is taken");
  over.resolve();
  tryClose(tls);
  await sending;
});

test("what is no TLS behind a handshake ends its session at once", async (authority) => {
  await using server = new TestServer(echo);
  await using program = await startTls(authority, server);
  // The client's bytes go through here.
  using between = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const client = await Deno.connect({ hostname: "127.0.0.1", port: between.addr.port });
  const near = await between.accept();
  using far = await Deno.connect({ hostname: "127.0.0.1", port: program.port });
  const passing = [pass(near, far), pass(far, near)];
  const tls = await Deno.startTls(client, { hostname: "localhost", caCerts: [authority.text] });
  await writeAll(tls, new TextEncoder().encode("hello"));
  assertEquals(new TextDecoder().decode(await readExactly(tls, 5)), "hello");
  const record = Uint8Array.of(23, 3, 3, 1, 0);
  await writeAll(far, new Uint8Array([...record, ...new Uint8Array(256)]));
  assertEquals((await program.entries(1))[0]!.reason, "client-reset");
  tls.close();
  near.close();
  await Promise.all(passing);
});

test("what comes instead of a handshake's end is not kept in memory", async (authority) => {
  await using server = new TestServer(echo);
  await using program = await startTls(authority, server);
  const record = new Uint8Array(5 + 16_384);
  record.set([22, 3, 3, 0x40, 0]);
  // Messages of a handshake, of another kind each, that are none.
  for (const kind of [1, 11, 16, 20]) {
    using conn = await Deno.connect({ hostname: "127.0.0.1", port: program.port });
    await writeAll(conn, await helloOfTls12());
    await conn.read(new Uint8Array(4096));
    let sent = 0;
    try {
      await writeAll(conn, Uint8Array.of(...record.subarray(0, 5), kind, 0, 0xff, 0xff));
      await writeAll(conn, new Uint8Array(16_380));
      for (; sent < 64 * 2 ** 20; sent += record.length) await writeAll(conn, record);
    } catch {
      // It has been closed.
    }
    assert(sent < 32 * 2 ** 20, `${sent} bytes of kind ${kind} were taken`);
  }
  await program.logged(/tls-failed/);
});

test("a message without end behind a handshake ends its session", async (authority) => {
  const begun = Promise.withResolvers<void>();
  await using server = new TestServer(async (conn) => {
    begun.resolve();
    await echo(conn);
  });
  await using program = await startTls(authority, server);
  const keys = `${authority.folder}/keys`;
  using between = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const client = new Deno.Command("openssl", {
    args: [
      ...["s_client", "-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256", "-keylogfile", keys],
      ...["-connect", `127.0.0.1:${between.addr.port}`],
    ],
    ...{ stdin: "piped", stdout: "null", stderr: "null" },
  }).spawn();
  const near = await between.accept();
  const far = await Deno.connect({ hostname: "127.0.0.1", port: program.port });
  const passing = [pass(near, far), pass(far, near)];
  await begun.promise;
  const [, secret] = /^CLIENT_TRAFFIC_SECRET_0 \S+ (\S+)$/m.exec(Deno.readTextFileSync(keys))!;
  const encrypt = await encryption(Uint8Array.fromHex(secret!));
  let sent = 0;
  try {
    const piece = new Uint8Array(16_000);
    // One of almost 64 KiB, which is said to be a ticket.
    await writeAll(far, await encrypt(Uint8Array.of(4, 0, 0xff, 0xff)));
    for (let i = 0; i < 5; i++) await writeAll(far, await encrypt(piece));
    for (; sent < 64 * 2 ** 20; sent += piece.length) await writeAll(far, await encrypt(piece));
  } catch {
    // It has been closed.
  }
  assert(sent < 32 * 2 ** 20, `${sent} bytes were taken`);
  assertEquals((await program.entries(1))[0]!.reason, "client-reset");
  client.kill("SIGKILL");
  await client.stdin.close().catch(() => {});
  await client.status;
  near.close();
  far.close();
  await Promise.all(passing);
});

/** Makes records of a handshake, as a client of TLS 1.3 does with its secret (RFC 8446, 5.2 and 7.3). */
async function encryption(secret: Uint8Array<ArrayBuffer>) {
  const hmac = { name: "HMAC", hash: "SHA-256" };
  const expand = await crypto.subtle.importKey("raw", secret, hmac, false, ["sign"]);
  const derived = async (what: string, length: number) => {
    const label = new TextEncoder().encode(`tls13 ${what}`);
    const info = Uint8Array.of(0, length, label.length, ...label, 0, 1);
    return new Uint8Array(await crypto.subtle.sign("HMAC", expand, info)).slice(0, length);
  };
  const raw = await derived("key", 16);
  const key = await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt"]);
  const iv = await derived("iv", 12);
  let number = 0;
  return async (message: Uint8Array): Promise<Uint8Array> => {
    const nonce = iv.slice();
    const view = new DataView(nonce.buffer);
    view.setUint32(8, view.getUint32(8) ^ number++);
    const length = message.length + 1 + 16;
    const header = Uint8Array.of(23, 3, 3, length >> 8, length & 0xff);
    const options = { name: "AES-GCM", iv: nonce, additionalData: header };
    const inner = Uint8Array.of(...message, 22);
    return Uint8Array.of(
      ...header,
      ...new Uint8Array(await crypto.subtle.encrypt(options, key, inner)),
    );
  };
}

test("a client that resets its connection has left the handshake", async (authority) => {
  await using server = new TestServer(echo);
  await using program = await startTls(authority, server);
  const conn = await Deno.connect({ hostname: "127.0.0.1", port: program.port });
  await writeAll(conn, await helloOfTls12());
  // Whoever closes without having read everything resets.
  await conn.read(new Uint8Array(1));
  conn.close();
  assertMatch(await program.logged(/tls-failed/), /left during the handshake/);
});

/** What openssl says first to somebody who is to speak TLS 1.2. */
async function helloOfTls12(): Promise<Uint8Array> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const child = new Deno.Command("openssl", {
    args: ["s_client", "-tls1_2", "-connect", `127.0.0.1:${listener.addr.port}`],
    ...{ stdin: "null", stdout: "null", stderr: "null" },
  }).spawn();
  using conn = await listener.accept();
  const buffer = new Uint8Array(4096);
  const received = await conn.read(buffer);
  child.kill("SIGKILL");
  await child.status;
  return buffer.subarray(0, received ?? 0);
}

/** Passes on what one sends to the other, until one of them ends. */
async function pass(from: Deno.Conn, to: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(64 * 1024);
  try {
    for (let n; (n = await from.read(buffer)) !== null;) {
      await writeAll(to, buffer.subarray(0, n));
    }
  } catch {
    // It has ended.
  }
}
