import { assert, assertEquals } from "@std/assert";
import { type AlertName, ALERTS } from "../../../src/net/client_hello/alert.ts";
import { Front } from "../../support/front.ts";
import {
  hello,
  helloMessage,
  type HelloParts,
  inRecords,
  randomHello,
  SSL2_HELLO,
} from "../../support/hellos.ts";
import { heldServer } from "../../support/instance.ts";
import { bytes, joined, V1 } from "../../support/proxy_headers.ts";
import { Random } from "../../support/random.ts";
import { readAll, readExactly, TestServer, until, writeAll } from "../../support/servers.ts";

/** A server that says its name, how many bytes it has got, and their sum, when the client finishes. */
function named(name: string): TestServer {
  return new TestServer(async (conn) => {
    const all = await readAll(conn);
    await writeAll(conn, bytes(`${name} ${fingerprint(all)}`));
  });
}

function fingerprint(all: Uint8Array): string {
  return `${all.length} ${all.reduce((sum, byte) => (sum * 31 + byte) % 1_000_003, 7)}`;
}

/** What the client gets. */
async function answerTo(front: Front, ...pieces: (string | Uint8Array)[]): Promise<Uint8Array> {
  using conn = await front.connect();
  for (const piece of pieces) {
    await writeAll(conn, joined(piece));
    // Each in a read of its own, most likely.
    if (pieces.length > 1) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await conn.closeWrite();
  return await readAll(conn).catch(() => new Uint8Array());
}

/** The name of the server that a hello of this kind leads to, or the alert that answers it. */
async function whose(front: Front, parts: HelloParts): Promise<string> {
  const answer = await answerTo(front, hello(parts));
  if (answer[0] === 21) {
    assertEquals([...answer.slice(0, 6)], [21, 3, 3, 0, 2, 2]);
    const [name] = Object.entries(ALERTS).find(([, number]) => number === answer[6])!;
    return name;
  }
  return new TextDecoder().decode(answer).split(" ")[0]!;
}

const NO_PROXY = { acceptProxy: "none" };

Deno.test("exact names come before those of one label, and these before all others", async () => {
  await using a = named("a");
  await using b = named("b");
  await using wild = named("wild");
  await using rest = named("rest");
  await using front = await Front.start([
    `${a.address},sni=a.example|WWW.A.Example.`,
    `${b.address},sni=b.wild.example`,
    `${wild.address},sni=*.wild.example`,
    rest.address,
  ], NO_PROXY);
  const expected: Record<string, string> = {
    "a.example": "a",
    "www.a.example": "a",
    "A.EXAMPLE.": "a",
    "other.a.example": "rest",
    "b.wild.example": "b",
    "c.wild.example": "wild",
    "d.c.wild.example": "rest",
    "wild.example": "rest",
    "localhost": "rest",
  };
  for (const [name, server] of Object.entries(expected)) {
    assertEquals(await whose(front, { names: [name] }), server, name);
  }
  assertEquals(await whose(front, {}), "rest");
  assertEquals(await whose(front, { names: ["no name"] }), "rest");
  const { routes } = front.balancer.status();
  assertEquals(routes.map(({ name, sessions, live }) => [name, sessions, live]), [
    ["a.example", 2, 0],
    ["www.a.example", 1, 0],
    ["*", 6, 0],
    ["b.wild.example", 1, 0],
    ["*.wild.example", 1, 0],
  ]);
  const entries = await front.entries();
  assertEquals(entries.map(({ server_name }) => server_name).slice(0, 3), [
    "a.example",
    "www.a.example",
    "a.example",
  ]);
  assertEquals("server_name" in entries.at(-1), false);
});

Deno.test("a name that nobody has ends with an alert, and so does no name without a rest", async () => {
  await using a = named("a");
  await using front = await Front.start([`${a.address},sni=a.example`], NO_PROXY);
  const unknown: AlertName = "unrecognized_name";
  assertEquals(await whose(front, { names: ["b.example"] }), unknown);
  assertEquals(await whose(front, {}), unknown);
  assertEquals(await whose(front, { names: ["a.example"] }), "a");
  assertEquals((await answerTo(front, "GET / HTTP/1.1\r\n\r\n")).length, 0);
  assertEquals((await answerTo(front, SSL2_HELLO)).length, 0);
  assertEquals(front.ended["unknown-name"], 4);
  assertEquals((await front.entries()).length, 1);
});

Deno.test("the client's first protocol that somebody has decides, then who has none", async () => {
  await using two = named("h2");
  await using one = named("h1");
  await using mail = named("mail");
  await using rest = named("rest");
  await using front = await Front.start([
    `${two.address},sni=a.example,alpn=h2`,
    `${one.address},sni=a.example,alpn=http/1.1|http/1.0`,
    `${mail.address},sni=b.example,alpn=imap`,
    rest.address,
  ], NO_PROXY);
  const at = (name: string, ...alpn: string[]) => whose(front, { names: [name], alpn });
  assertEquals(await at("a.example", "h3", "h2", "http/1.1"), "h2");
  assertEquals(await at("a.example", "http/1.1", "h2"), "h1");
  assertEquals(await at("a.example", "http/1.0"), "h1");
  const none: AlertName = "no_application_protocol";
  assertEquals(await at("a.example", "h3"), none);
  assertEquals(await whose(front, { names: ["a.example"] }), none);
  assertEquals(await at("b.example", "imap"), "mail");
  assertEquals(await at("c.example", "imap"), "rest");
});

Deno.test("whatever a client sends goes on untouched, hellos of 60 KiB in many reads, too", async () => {
  await using a = named("a");
  await using rest = named("rest");
  await using front = await Front.start([`${a.address},sni=a.example`, rest.address], NO_PROXY);
  const text = async (...pieces: (string | Uint8Array)[]) => {
    return new TextDecoder().decode(await answerTo(front, ...pieces));
  };
  for (const length of [0, 3900, 4096, 16_000, 60_000]) {
    const message = helloMessage({
      names: ["a.example"],
      extensions: [[51, "k".repeat(length)]],
    });
    const all = joined(inRecords(message), "and more".repeat(1000));
    assertEquals(await text(all), `a ${fingerprint(all)}`, `${length} bytes`);
    const cut = Math.floor(all.length / 3);
    const pieces = [all.slice(0, cut), all.slice(cut, 2 * cut), all.slice(2 * cut)];
    assertEquals(await text(...pieces), `a ${fingerprint(all)}`, `${length} bytes in pieces`);
  }
  for (const other of ["GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", SSL2_HELLO, "\x16\x03"]) {
    const all = joined(other, "x".repeat(70_000));
    assertEquals(await text(all), `rest ${fingerprint(all)}`);
  }
});

Deno.test("10,000 hellos at random, cut at random places, are all served by the right one", async () => {
  const random = new Random(7);
  await using some = named("some");
  await using rest = named("rest");
  const hellos = Array.from({ length: 10_000 }, () => randomHello(random));
  const names = new Set(hellos.flatMap(({ name }, i) => name && i % 2 === 0 ? [name] : []));
  await using front = await Front.start(
    [`${some.address},sni=${[...names].join("|")}`, rest.address],
    NO_PROXY,
  );
  const send = async () => {
    for (let next = hellos.pop(); next; next = hellos.pop()) {
      const { bytes: all, name } = next;
      const at = random.below(all.length);
      const answer = await answerTo(front, all.slice(0, at), all.slice(at));
      const server = name && names.has(name) ? "some" : "rest";
      assertEquals(new TextDecoder().decode(answer), `${server} ${fingerprint(all)}`);
    }
  };
  await Promise.all(Array.from({ length: 100 }, send));
  assertEquals(front.ended, { done: 10_000 });
});

Deno.test("a silent client goes to who has all others when its time is over", async () => {
  await using a = named("a");
  await using greeter = new TestServer(async (conn) => {
    await writeAll(conn, bytes("220 mail\r\n"));
    await writeAll(conn, await readAll(conn));
  }, { speaksFirst: true });
  await using front = await Front.start([`${a.address},sni=a.example`, greeter.address], {
    ...NO_PROXY,
    greetingTimeout: "150ms",
  });
  using silent = await front.connect();
  using slow = await front.connect();
  const part = hello({ names: ["a.example"] }).slice(0, 30);
  await writeAll(slow, part);
  for (const conn of [silent, slow]) {
    assertEquals(await readExactly(conn, 10), bytes("220 mail\r\n"));
    await writeAll(conn, bytes("QUIT"));
    await conn.closeWrite();
  }
  assertEquals(await readAll(silent), bytes("QUIT"));
  assertEquals(await readAll(slow), joined(part, "QUIT"));
});

Deno.test("without anybody for all others a silent client ends, and one that leaves is gone", async () => {
  await using a = named("a");
  await using front = await Front.start([`${a.address},sni=a.example`], {
    ...NO_PROXY,
    greetingTimeout: "100ms",
  });
  using silent = await front.connect();
  assertEquals((await readAll(silent)).length, 0);
  assertEquals(front.ended, { "greeting-timeout": 1 });
  (await front.connect()).close();
  await until(() => front.ended["client-gone"] === 1, "it is gone");
  assertEquals(front.balancer.status().greeting, 0);
});

Deno.test("a PROXY header comes before the hello, each within its own time", async () => {
  await using a = named("a");
  await using rest = named("rest");
  await using front = await Front.start([`${a.address},sni=a.example`, rest.address], {
    acceptProxyTimeout: "150ms",
    greetingTimeout: "1h",
  });
  const all = hello({ names: ["a.example"] });
  const answer = await answerTo(front, V1.header, all);
  assertEquals(new TextDecoder().decode(answer), `a ${fingerprint(all)}`);
  assertEquals((await front.entries())[0].client, V1.client);
  using silent = await front.connect();
  using named2 = await front.connect();
  await writeAll(named2, V1.header);
  await until(() => front.ended["greeting-timeout"] === 1, "the silent one is too late");
  assert(front.greeting === 1);
  assertEquals((await readAll(silent)).length, 0);
});

Deno.test("with --fair-by sni names take turns, whoever serves them", async () => {
  const held = heldServer("x");
  await using _held = held.server;
  await using front = await Front.start([`${held.server.address},workers=1`], {
    queueOrder: "fair",
    fairBy: "sni",
    greetingTimeout: "100ms",
  });
  const served: string[] = [];
  const visits: Promise<void>[] = [];
  const header = "PROXY TCP4 203.0.113.7 198.51.100.1 1000 443\r\n";
  for (const name of ["a", "a", "a", "a", "b", ""]) {
    const conn = await front.connect();
    await writeAll(conn, joined(header, name ? hello({ names: [name] }) : "GET /"));
    visits.push(
      readAll(conn).then(() => {
        served.push(name);
        conn.close();
      }),
    );
    await until(() => front.greeting === 0, "it waits");
    await conn.closeWrite();
  }
  held.release();
  await Promise.all(visits);
  assertEquals(served, ["a", "a", "b", "", "a", "a"]);
  const entries = await front.entries();
  assertEquals(entries.map(({ server_name }) => server_name ?? ""), served);
  assertEquals(front.balancer.status().routes, []);
});

Deno.test("where nobody asks for a hello nothing is read of it", async () => {
  await using a = named("a");
  await using front = await Front.start([a.address], NO_PROXY);
  assertEquals(await whose(front, { names: ["b.example"] }), "a");
  assertEquals(front.balancer.status().routes, []);
  assertEquals("server_name" in (await front.entries())[0], false);
});
