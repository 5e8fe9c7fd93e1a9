import { assert, assertEquals } from "@std/assert";
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
