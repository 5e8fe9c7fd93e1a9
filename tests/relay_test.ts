import { assert, assertEquals } from "@std/assert";
import { relay } from "../src/relay.ts";
import { Session } from "../src/session.ts";
import { type Access, adopt } from "../src/socket.ts";
import { Turns } from "../src/turns.ts";
import {
  randomBytes,
  readAll,
  readExactly,
  socketPair,
  tryClose,
  until,
  writeAll,
} from "./support/servers.ts";
import { StrictPool } from "./support/strict_pool.ts";

/** A session being relayed: `client` and `server` are the far ends of its two connections. */
async function setUp(access: Access) {
  const front = await socketPair();
  const back = await socketPair();
  const buffers = new StrictPool();
  const session = new Session(front.far, { id: 1, now: 0, buffers, access });
  const over = relay(session, adopt(back.near, access), {
    buffers,
    turns: new Turns(),
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
  })();
  let before = -1;
  while (before !== sent) {
    before = sent;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  session.abort("session-timeout");
  await finish();
  await flood.catch(() => {});
  assertEquals(session.reason, "session-timeout");
});

test("what was read ahead, and the end after it, come first", async (access) => {
  const front = await socketPair();
  const back = await socketPair();
  const buffers = new StrictPool();
  const session = new Session(front.far, { id: 1, now: 0, buffers, access });
  await writeAll(front.near, bytes("early"));
  await front.near.closeWrite();
  const over = relay(session, adopt(back.near, access), {
    buffers,
    turns: new Turns(),
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
