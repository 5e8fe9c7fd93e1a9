import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Authority, hasOpenssl } from "../support/authority.ts";
import { inspected, told } from "../support/inspected.ts";
import { listener } from "../support/instance.ts";
import { ResettingServer } from "../support/resetting.ts";
import {
  answer,
  echo,
  freePort,
  randomBytes,
  readAll,
  readExactly,
  TestServer,
  until,
  writeAll,
} from "../support/servers.ts";
import { UdpClient } from "../support/udp.ts";
import { unless } from "../support/unless.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

/** Lines without their times. */
function plain(lines: readonly string[]): string[] {
  return lines.map((line) => line.replace(/^\d\d:\d\d:\d\d\.\d{6} |^ {16}/, ""));
}

Deno.test("watch shows a live session from where it is to its end", async () => {
  await using server = new TestServer(echo);
  await using site = await inspected(listener([server.address]));
  const conn = await Deno.connect({ port: site.port });
  await writeAll(conn, bytes("before"));
  await readExactly(conn, 6);
  const { lines, ended } = site.ctl("watch", "1.1");
  await told(lines, /from 127\.0\.0\.1:\d+ at listener .*; before that 6 B up and 6 B down$/);
  await writeAll(conn, bytes("GET / HTTP/1.1\r\nHost: é\x1b[0m\r\n\r\n"));
  await told(lines, /1\.1 < GET/);
  await conn.closeWrite();
  assertEquals((await readAll(conn)).length, 32);
  conn.close();
  await ended;
  assertEquals(plain(lines).slice(1), [
    ...[..."><"].flatMap((sign) => [
      `1.1 ${sign} GET / HTTP/1.1`,
      `    ${sign} Host: é\\x1b[0m`,
      `    ${sign} `,
    ]),
    "1.1 > (has finished sending)",
    "1.1 < (has finished sending)",
    "1.1 is over: done; 38 B up, 38 B down",
  ]);
});

Deno.test("what is watched moves on unchanged, and the streams are what they were before", async () => {
  await using server = new TestServer(echo);
  await using site = await inspected(listener([server.address]));
  const conn = await Deno.connect({ port: site.port });
  const sent = randomBytes(3_000_000);
  async function through(): Promise<void> {
    const [got] = await Promise.all([readExactly(conn, sent.length), writeAll(conn, sent)]);
    assertEquals(got, sent);
  }
  await through();
  for (let round = 0; round < 2; round++) {
    const all = [
      site.ctl("watch", "1.1", "--json", "--for", "1500ms"),
      site.ctl("watch", "1.1", "--hex", "--for", "1500ms"),
    ];
    await Promise.all(all.map(({ lines }) => told(lines, /1\.1/)));
    await through();
    await Promise.all(all.map(({ ended }) => ended));
    // Whatever it was, each byte is where it belongs.
    for (const line of all[0]!.lines) {
      const { kind, offset, bytes } = JSON.parse(line);
      if (kind !== "bytes") continue;
      const piece = Uint8Array.fromBase64(bytes);
      const at = offset % sent.length;
      assertEquals(piece, sent.subarray(at, at + piece.length));
    }
    assert(all[1]!.lines.some((line) => /left out/.test(line)), "not everything was shown");
  }
  await through();
  conn.close();
});

Deno.test("a session that waits is watched from its connect on; one that is sent again is shown once", async () => {
  await using resetting = await ResettingServer.start("after reading");
  await using server = new TestServer(answer("served"));
  await using busy = new TestServer(echo);
  await using site = await inspected(listener([busy.address], { workers: "1" }));
  await using others = await inspected(listener([`127.0.0.1:${resetting.port}`, server.address]));
  using first = await Deno.connect({ port: site.port });
  await writeAll(first, bytes("x"));
  await readExactly(first, 1);
  const second = await Deno.connect({ port: site.port });
  await writeAll(second, bytes("waits\n"));
  const { lines, ended } = site.ctl("watch", "1.2");
  await told(lines, /not connected yet/);
  first.close();
  await readExactly(second, 6);
  await told(lines, /1\.2 is connected to/);
  second.close();
  await ended;
  assertEquals(plain(lines).filter((line) => line.includes("waits")), [
    "1.2 > waits",
    "1.2 < waits",
  ]);

  const all = others.ctl("watch", "--client", "127.0.0.0/8", "--for", "1s");
  await others.looking(1);
  for (let n = 1; n <= 2; n++) {
    const conn = await Deno.connect({ port: others.port });
    await writeAll(conn, bytes(`number ${n}\n`));
    await conn.closeWrite();
    assertEquals(new TextDecoder().decode(await readAll(conn)), "served");
    conn.close();
  }
  await all.ended;
  assert(resetting.accepted > 0);
  assertEquals(plain(all.lines).filter((line) => line.includes("number")), [
    "1.1 > number 1",
    "1.2 > number 2",
  ]);
});

Deno.test("one that could not be connected waits, and is not shown as connected", async () => {
  const port = freePort();
  await using site = await inspected(listener([`127.0.0.1:${port}`]));
  const conn = await Deno.connect({ port: site.port });
  await until(async () => {
    const [session] = await site.instance.sessions({ limit: 1 });
    return session?.stage === "waiting" &&
      (await site.destinations())[`127.0.0.1:${port}`]!.failures > 0;
  }, "it has not been connected");
  const { lines, ended } = site.ctl("watch", "1.1");
  await told(lines, /1\.1 from .* not connected yet/);
  await site.ctl("end", "1.1").ended;
  await ended;
  assertEquals(plain(lines).at(-1), "1.1 is over: killed; 0 B up, 0 B down");
  conn.close();
});

Deno.test("datagrams are shown, each for itself", async () => {
  await using site = await inspected(listener(["service:echo"], {}, "udp:127.0.0.1:0"));
  await using client = new UdpClient(site.port);
  assertEquals(await client.ask("one"), "one");
  const { lines, ended } = site.ctl("watch", "--listener", "1", "--for", "1s");
  await told(lines, /1\.1 from/);
  assertEquals(await client.ask("two"), "two");
  assertEquals(await client.ask("two"), "two");
  await told(lines, /</);
  await ended;
  assertEquals(plain(lines).slice(1), ["1.1 > two", "1.1 < two", "1.1 > two", "1.1 < two"]);
});

Deno.test({
  ...unless(
    "where TLS ends here the text is shown in clear with a warning; otherwise it stays encrypted",
    {
      "there is no openssl": !hasOpenssl,
    },
  ),
  async fn() {
    using authority = new Authority();
    const { cert, key } = authority.issue();
    await using server = new TestServer(echo);
    await using site = await inspected(listener([server.address], { tlsCert: cert, tlsKey: key }));
    await using front = await inspected(listener([`127.0.0.1:${site.port}`]));
    const shown = front.ctl("watch", "--listener", "1", "--for", "2s");
    const clear = site.ctl("watch", "--listener", "1", "--for", "2s");
    await Promise.all([front.looking(1), site.looking(1)]);
    const conn = await Deno.connect({ port: front.port });
    const tls = await Deno.startTls(conn, { hostname: "localhost", caCerts: [authority.text] });
    await writeAll(tls, bytes("secret\n"));
    await readExactly(tls as unknown as Deno.Conn, 7);
    await told(clear.lines, /> secret$/);
    await told(clear.lines, /! TLS 1\.3 ends at iawlb: this is in clear/);
    await told(shown.lines, /! this is TLS that does not end at iawlb/);
    assert(!shown.lines.some((line) => line.includes("secret")));
    tls.close();
    await Promise.all([told(shown.lines, / is over: /), told(clear.lines, / is over: /)]);
    await Promise.all([shown.ended, clear.ended]);
  },
});

Deno.test("threads are looked into as one; what is not there is said", async () => {
  await using server = new TestServer(echo);
  await using site = await inspected(listener([server.address], { threads: "2" }));
  const all = site.ctl("watch", "--destination", server.address, "--for", "2s");
  await site.looking(1);
  const conns = await Promise.all(
    Array.from({ length: 20 }, () => Deno.connect({ port: site.port })),
  );
  for (const [n, conn] of conns.entries()) {
    await writeAll(conn, bytes(`number ${n}\n`));
    await readExactly(conn, `number ${n}\n`.length);
  }
  const one = site.ctl("watch", "1.1", "1.2");
  await told(one.lines, /1\.1 from/);
  await told(one.lines, /1\.2 from/);
  for (const conn of conns) conn.close();
  await Promise.all([all.ended, one.ended]);
  for (let n = 0; n < 20; n++) {
    const shown = plain(all.lines).filter((line) => line.endsWith(` number ${n}`));
    assertEquals(shown.length, 2, `number ${n}`);
  }
  const numbers = new Set(all.lines.map((line) => Number(/ 1\.(\d+) from/.exec(line)?.[1]) % 2));
  assert(numbers.has(0) && numbers.has(1), "both threads were looked into");
  const gone = site.ctl("watch", "1.1");
  const error = await gone.ended.then(() => "", String);
  assertMatch(error, /there is no session 1\.1/);
  const unknown = await site.ctl("watch", "--listener", "nobody").ended.then(() => "", String);
  assertStringIncludes(unknown, 'listener "nobody": must be one of');
});
