import { assert, assertEquals } from "@std/assert";
import { relay } from "../../src/session/relay.ts";
import { Session } from "../../src/session/session.ts";
import { type Access, adopt } from "../../src/net/socket.ts";
import { FairReads } from "../../src/net/fair_reads.ts";
import {
  randomBytes,
  readAll,
  readExactly,
  socketPair,
  tryClose,
  until,
  writeAll,
} from "../support/servers.ts";
import { StrictPool } from "../support/strict_pool.ts";

/** A session being relayed: `client` and `server` are the far ends of its two connections. */
async function setUp(
  access: Access,
  settings: { halfClose: "keep" | "abandon" } = { halfClose: "keep" },
) {
  const front = await socketPair();
  const back = await socketPair();
  const buffers = new StrictPool();
  const session = new Session(adopt(front.far, { access }), { id: 1, now: 0, buffers, settings });
  session.startReading();
  const over = relay(session, adopt(back.near, { access }), {
    buffers,
    fairReads: new FairReads(),
    redispatch: "held",
  });
  async function finish(): Promise<void> {
    await over;
    session.close(0);
    tryClose(front.near);
    tryClose(back.far);
    await until(() => buffers.out === 0, "all buffers are back");
  }
  return { client: front.near, server: back.far, session, finish };
}

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytes = (text: string) => new TextEncoder().encode(text);

/** A test of both ways to use a socket. */
function test(name: string, body: (access: Access) => Promise<void>): void {
  for (const access of ["direct", "public"] as const) {
    Deno.test(`${name} (${access} sockets)`, () => body(access));
  }
}

test("both directions are copied and counted", async (access) => {
  const { client, server, session, finish } = await setUp(access);
  const up = randomBytes(1_000_000);
  const down = randomBytes(2_000_000);
  const [atServer, atClient] = await Promise.all([
    readAll(server),
    readAll(client),
    writeAll(client, up).then(() => client.closeWrite()),
    writeAll(server, down).then(() => server.closeWrite()),
  ]);
  await finish();
  assertEquals(atServer.length, up.length);
  assert(atServer.every((byte, i) => byte === up[i]));
  assert(atClient.every((byte, i) => byte === down[i]));
  assertEquals([session.up.bytes, session.down.bytes], [up.length, down.length]);
  assertEquals(session.reason, "done");
});

test("a half-close is passed on and the other direction goes on", async (access) => {
  const { client, server, session, finish } = await setUp(access);
  await writeAll(client, bytes("request"));
  await client.closeWrite();
  assertEquals(text(await readAll(server)), "request");
  assertEquals([session.up.ended, session.down.ended], [true, false]);
  await writeAll(server, bytes("a late answer"));
  await server.closeWrite();
  assertEquals(text(await readAll(client)), "a late answer");
  await finish();
  assertEquals(session.reason, "done");
});

test("a server that fails closes the client", async (access) => {
  const { client, server, session, finish } = await setUp(access);
  await writeAll(client, bytes("more than the server reads"));
  await readExactly(server, 4);
  await writeAll(server, bytes("partial"));
  server.close();
  assertEquals(text(await readAll(client)), "partial");
  await writeAll(client, bytes("anybody there?")).catch(() => {});
  await finish();
  assertEquals(session.reason, "server-reset");
});

test("a client that fails closes the server", async (access) => {
  const { client, server, session, finish } = await setUp(access);
  await writeAll(server, bytes("more than the client reads"));
  await readExactly(client, 4);
  client.close();
  assertEquals(text(await readAll(server)), "");
  await writeAll(server, bytes("anybody there?")).catch(() => {});
  await finish();
  assertEquals(session.reason, "client-reset");
});

test("an abort closes both sides at once and keeps its reason", async (access) => {
  const { client, server, session, finish } = await setUp(access);
  await writeAll(client, bytes("hello"));
  await readExactly(server, 5);
  session.abort("idle-timeout");
  await finish();
  assertEquals(await client.read(new Uint8Array(1)).catch(() => null), null);
  assertEquals(session.reason, "idle-timeout");
});

test("an abort ends a relay whose client does not read", async (access) => {
  const { server, session, finish } = await setUp(access);
  let sent = 0;
  const flood = (async () => {
    for (;;) sent += await server.write(new Uint8Array(1_000_000));
  })().catch(() => {});
  let before = -1;
  while (before !== sent) {
    before = sent;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  session.abort("session-timeout");
  await finish();
  await flood;
  assertEquals(session.reason, "session-timeout");
});

/** Sends from one end and waits until the other has it. */
async function pass(from: Deno.Conn, to: Deno.Conn, text: string): Promise<void> {
  await writeAll(from, bytes(text));
  assertEquals(await readExactly(to, text.length), bytes(text));
}

for (const trips of [0, 1, 3]) {
  test(`to abandon means: gone when it finishes unanswered, after ${trips} answers`, async (access) => {
    const { client, server, session, finish } = await setUp(access, { halfClose: "abandon" });
    for (let i = 0; i < trips; i++) {
      await pass(client, server, "request");
      await pass(server, client, "answer");
    }
    await pass(client, server, "request");
    await client.closeWrite();
    assertEquals(text(await readAll(server)), "", "the destination is closed");
    await finish();
    assertEquals([session.reason, session.up.bytes], ["client-gone", 7 * (trips + 1)]);
  });

  test(`to abandon changes nothing for who has ${trips} answers to all requests`, async (access) => {
    const { client, server, session, finish } = await setUp(access, { halfClose: "abandon" });
    for (let i = 0; i < trips; i++) {
      await pass(client, server, "request");
      await pass(server, client, "answer");
    }
    await client.closeWrite();
    assertEquals(text(await readAll(server)), "");
    await pass(server, client, "and more");
    await server.closeWrite();
    assertEquals(text(await readAll(client)), "");
    await finish();
    assertEquals(session.reason, "done");
  });
}

test("to abandon means: a destination that spoke first has not answered yet", async (access) => {
  const { client, server, session, finish } = await setUp(access, { halfClose: "abandon" });
  await pass(server, client, "hello");
  await pass(client, server, "request");
  await client.closeWrite();
  assertEquals(text(await readAll(server)), "");
  await finish();
  assertEquals(session.reason, "client-gone");
});

test("to abandon means: the end of a large upload without an answer, all of it passed on", async (access) => {
  const { client, server, session, finish } = await setUp(access, { halfClose: "abandon" });
  const up = randomBytes(5_000_000);
  await pass(client, server, "may I?");
  await pass(server, client, "go on");
  const [atServer] = await Promise.all([
    readAll(server),
    writeAll(client, up).then(() => client.closeWrite()),
  ]);
  assertEquals(atServer.length, up.length);
  await finish();
  assertEquals(session.reason, "client-gone");
});

test("to abandon means nothing once the destination has finished", async (access) => {
  const { client, server, session, finish } = await setUp(access, { halfClose: "abandon" });
  await pass(client, server, "request");
  await writeAll(server, bytes("answer"));
  await server.closeWrite();
  assertEquals(text(await readAll(client)), "answer");
  await pass(client, server, "goodbye");
  await client.closeWrite();
  await finish();
  assertEquals([session.reason, session.up.bytes], ["done", 14]);
});

test("a client that has finished unanswered is gone when that begins to count", async (access) => {
  const settings: { halfClose: "keep" | "abandon" } = { halfClose: "keep" };
  const { client, server, session, finish } = await setUp(access, settings);
  const request = "x".repeat(5000);
  await pass(client, server, request);
  await client.closeWrite();
  assertEquals(text(await readAll(server)), "");
  session.review();
  assertEquals(session.reason, undefined);
  settings.halfClose = "abandon";
  session.review();
  await finish();
  assertEquals(session.reason, "client-gone");
});

test("what is sent from then on counts in a session that was answered before", async (access) => {
  const settings: { halfClose: "keep" | "abandon" } = { halfClose: "keep" };
  const { client, server, session, finish } = await setUp(access, settings);
  await pass(client, server, "request");
  await pass(server, client, "answer");
  settings.halfClose = "abandon";
  session.review();
  assertEquals(session.reason, undefined);
  await pass(client, server, "request");
  await client.closeWrite();
  assertEquals(text(await readAll(server)), "");
  await finish();
  assertEquals(session.reason, "client-gone");
});

test("to keep counts at once in a session that began otherwise", async (access) => {
  const settings: { halfClose: "keep" | "abandon" } = { halfClose: "abandon" };
  const { client, server, session, finish } = await setUp(access, settings);
  await pass(client, server, "request");
  settings.halfClose = "keep";
  session.review();
  await client.closeWrite();
  assertEquals(text(await readAll(server)), "");
  await pass(server, client, "answer");
  await server.closeWrite();
  await finish();
  assertEquals(session.reason, "done");
});

test("what was read ahead, and the end after it, come first", async (access) => {
  const front = await socketPair();
  const back = await socketPair();
  const buffers = new StrictPool();
  const session = new Session(adopt(front.far, { access }), { id: 1, now: 0, buffers });
  session.startReading();
  await writeAll(front.near, bytes("early"));
  await front.near.closeWrite();
  const over = relay(session, adopt(back.near, { access }), {
    buffers,
    fairReads: new FairReads(),
    redispatch: "held",
  });
  assertEquals(text(await readAll(back.far)), "early");
  await back.far.closeWrite();
  await over;
  session.close(0);
  assertEquals([session.up.bytes, session.reason], [5, "done"]);
  front.near.close();
  back.far.close();
});
