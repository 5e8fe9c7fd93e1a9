import { assert, assertEquals } from "@std/assert";
import { connect as connectSocket } from "node:net";
import { Front } from "../../support/front.ts";
import { bytes, joined, V1, V2, v2 } from "../../support/proxy_headers.ts";
import {
  echo,
  randomBytes,
  readAll,
  readExactly,
  TestServer,
  tryClose,
  until,
  writeAll,
} from "../../support/servers.ts";

/** A header of version 1 that names a client. */
function headerOf(client: string): string {
  return `PROXY TCP4 ${client} 198.51.100.1 1000 443\r\n`;
}

/** So many connections, which are closed in the end. */
async function connections(front: Front, number: number) {
  const all = await Promise.all(Array.from({ length: number }, () => front.connect()));
  return { all, [Symbol.dispose]: () => all.forEach(tryClose) };
}

Deno.test("the client is whom the header names, its peer a field of its own, the payload whole", async () => {
  await using server = new TestServer(echo);
  await using front = await Front.start([server.address]);
  for (const { header, client } of [V1, V2]) {
    using conn = await front.connect();
    const payload = randomBytes(70_000);
    const sent = writeAll(conn, joined(header, payload));
    await until(() => front.balancer.sessions(9)[0]?.client === client, "it is named");
    const [session] = front.balancer.sessions(9);
    const { hostname, port } = conn.localAddr;
    assertEquals(session!.peer, `${hostname}:${port}`);
    assertEquals(await readExactly(conn, payload.length), payload);
    await sent;
    await conn.closeWrite();
    await until(() => front.balancer.sessions(9).length === 0, "it has ended");
    const entry = (await front.entries()).at(-1);
    assertEquals([entry.client, entry.peer], [client, `${hostname}:${port}`]);
    assertEquals([entry.reason, entry.bytes_up], ["done", payload.length]);
  }
});

Deno.test("a header that comes byte by byte is read, and so is what comes behind it", async () => {
  await using server = new TestServer(echo);
  await using front = await Front.start([server.address]);
  for (const { header, client } of [V1, V2]) {
    using conn = await front.connect();
    conn.setNoDelay();
    for (const byte of joined(header, "hel")) {
      await writeAll(conn, Uint8Array.of(byte));
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    await writeAll(conn, bytes("lo"));
    assertEquals(await readExactly(conn, 5), bytes("hello"));
    assertEquals(front.balancer.sessions(1)[0]!.client, client);
  }
});

Deno.test("of peers that are not named a header is payload, and without any nothing is greeted", async () => {
  await using server = new TestServer(echo);
  for (const acceptProxy of ["none", "192.0.2.0/24,::/0,unix"]) {
    await using front = await Front.start([server.address], { acceptProxy });
    assertEquals(
      await front.send(V1.header, "hello"),
      new TextDecoder().decode(V1.header) + "hello",
    );
    await until(() => front.ended.done === 1, "it has ended");
    const [entry] = await front.entries();
    assert(entry.client.startsWith("127.0.0.1:"));
    assert(!("peer" in entry));
  }
});

Deno.test("LOCAL, UNKNOWN and families that are not known keep the peer's address", async () => {
  await using server = new TestServer(echo);
  await using front = await Front.start([server.address]);
  const headers = [
    v2({ command: 0x20, kind: 0x11, block: bytes("more than it should be") }),
    "PROXY UNKNOWN\r\n",
    "PROXY UNKNOWN 203.0.113.7 198.51.100.1 1 2\r\n",
    v2({ kind: 0x00, block: bytes("what") }),
    v2({ kind: 0xf1, block: bytes("ever") }),
  ];
  for (const header of headers) assertEquals(await front.send(header, "hello"), "hello");
  await until(() => front.ended.done === headers.length, "all have ended");
  for (const entry of await front.entries()) {
    assert(entry.client.startsWith("127.0.0.1:"));
    assert(!("peer" in entry));
  }
});

Deno.test("a wrong header ends the session at once, unserved and without a line in the access log", async () => {
  await using server = new TestServer(echo);
  await using front = await Front.start([server.address], { acceptProxyTimeout: "1h" });
  const checked = v2({ kind: 0x11, block: bytes("abcdefghijkl"), checksum: true });
  const wrong = [
    "GET / HTTP/1.1\r\n\r\n",
    "\x16\x03\x01\x02\x00",
    "PROXY TCP4 1.2.3.4 5.6.7.8 1 99999\r\nhello",
    "PROXY UNKNOWN" + "x".repeat(200),
    checked.with(20, 0),
    randomBytes(10_000).with(0, 0x47),
  ];
  for (const [i, header] of wrong.entries()) {
    using conn = await front.connect();
    await writeAll(conn, joined(header));
    // Whether it is a reset depends on what it had not read.
    assertEquals((await readAll(conn).catch(() => "")).length, 0);
    await until(() => front.ended["bad-proxy-header"] === i + 1, "it has ended");
  }
  assertEquals([server.accepted, front.balancer.status().accepted], [0, wrong.length]);
  assertEquals(await front.entries(), []);
});

Deno.test("200 silent peers hold up nobody, though the queue has room for one", async () => {
  await using server = new TestServer(echo);
  await using front = await Front.start([server.address], {
    queue: "1",
    workers: "1",
    acceptProxyTimeout: "1h",
  });
  using silent = await connections(front, 200);
  await until(() => front.greeting === 200, "all are accepted");
  assertEquals(front.balancer.sessions(1)[0]!.stage, "greeting");
  for (let i = 0; i < 5; i++) assertEquals(await front.send(V1.header, "hello"), "hello");
  // They go on whenever they want to.
  await writeAll(silent.all[100]!, joined(V2.header, "late"));
  assertEquals(await readExactly(silent.all[100]!, 4), bytes("late"));
});

Deno.test("those who are greeted count for --max-connections, and their time makes room", async () => {
  await using server = new TestServer(echo);
  await using front = await Front.start([server.address], {
    maxConnections: "5",
    acceptProxyTimeout: "300ms",
  });
  const begin = performance.now();
  using silent = await connections(front, 5);
  await until(() => front.greeting === 5, "all are accepted");
  assertEquals(await front.send(V1.header, "hello"), "hello");
  assert(performance.now() - begin >= 295, "it was not served before there was room");
  await until(() => front.ended["greeting-timeout"] === 5, "they were too late");
  for (const conn of silent.all) assertEquals((await readAll(conn)).length, 0);
});

Deno.test("a header that drips is late as well: the time counts from accept", async () => {
  await using server = new TestServer(echo);
  await using front = await Front.start([server.address], { acceptProxyTimeout: "150ms" });
  using conn = await front.connect();
  const drip = (async () => {
    for (const byte of V1.header) {
      await writeAll(conn, Uint8Array.of(byte));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })().catch(() => {});
  assertEquals((await readAll(conn).catch(() => "")).length, 0);
  await until(() => front.ended["greeting-timeout"] === 1, "it has ended");
  await drip;
  assertEquals([server.accepted, await front.entries()], [0, []]);
});

Deno.test("whoever leaves before the header is whole is gone, and whoever leaves behind it, too", async () => {
  await using server = new TestServer(echo);
  await using front = await Front.start([server.address, "127.0.0.1:1"], { workers: "1" });
  for (const pieces of [[], [V1.header.subarray(0, 20)], [V2.header.subarray(0, 14)]]) {
    assertEquals(await front.send(...pieces), "");
  }
  await until(() => front.ended["client-gone"] === 3, "they are gone");
  const socket = connectSocket(front.port, "127.0.0.1");
  socket.on("error", () => {});
  socket.write("PROXY TCP4 1.2");
  await until(() => front.greeting === 1, "it is being greeted");
  socket.resetAndDestroy();
  await until(() => front.ended["client-gone"] === 4, "it is gone, too");
  assertEquals(await front.entries(), []);
  // Admitted, and so in the access log.
  await using full = await Front.start([server.address], { workers: "1" });
  using busy = await full.connect();
  await writeAll(busy, joined(V1.header, "x"));
  await readExactly(busy, 1);
  using conn = await full.connect();
  await writeAll(conn, V1.header);
  await conn.closeWrite();
  await until(() => full.ended["client-gone"] === 1, "it is gone");
  const [entry] = await full.entries();
  assertEquals([entry.client, entry.reason], [V1.client, "client-gone"]);
});

Deno.test("addresses are admitted, counted and limited by what the header says", async () => {
  await using server = new TestServer(echo);
  const serves = async (front: Front, client: string) => {
    return await front.send(headerOf(client), "hello") === "hello";
  };
  {
    await using front = await Front.start([server.address], { deny: "203.0.113.0/24" });
    assertEquals(await serves(front, "203.0.113.9"), false);
    assertEquals(await serves(front, "203.0.114.9"), true);
    await until(() => front.ended["refused-address"] === 1, "one was refused");
    // The peer itself is not asked for, once it has named somebody else.
    await front.reconfigure({ deny: "127.0.0.1" });
    assertEquals(await serves(front, "203.0.113.9"), true);
    assertEquals(await front.send("PROXY UNKNOWN\r\n", "hello"), "");
  }
  {
    await using front = await Front.start([server.address], { maxPerIp: "1" });
    using conn = await front.connect();
    await writeAll(conn, bytes(headerOf("203.0.113.9") + "x"));
    await readExactly(conn, 1);
    assertEquals(await serves(front, "203.0.113.9"), false);
    assertEquals(await serves(front, "203.0.113.8"), true);
    conn.close();
    await until(() => front.balancer.sessions(1).length === 0, "the first one has ended");
    assertEquals(await serves(front, "203.0.113.9"), true);
    assertEquals(front.ended["refused-per-ip"], 1);
  }
  {
    await using front = await Front.start([server.address], { ratePerIp: "1" });
    assertEquals(await serves(front, "203.0.113.9"), true);
    assertEquals(await serves(front, "203.0.113.9"), false);
    assertEquals(await serves(front, "203.0.113.8"), true);
    assertEquals(front.ended["refused-rate"], 1);
  }
});

Deno.test("a limit by address that comes with a reload counts nobody twice who is being greeted", async () => {
  await using server = new TestServer(echo);
  await using front = await Front.start([server.address]);
  using conn = await front.connect();
  await until(() => front.greeting === 1, "it is being greeted");
  await front.reconfigure({ maxPerIp: "1" });
  await writeAll(conn, bytes(headerOf("203.0.113.9") + "x"));
  assertEquals(await readExactly(conn, 1), bytes("x"));
  assertEquals(await front.send(headerOf("203.0.113.9"), "hello"), "");
  conn.close();
  await until(() => front.balancer.sessions(1).length === 0, "it has ended");
  for (let i = 0; i < 2; i++) {
    assertEquals(await front.send(headerOf("203.0.113.9"), "hello"), "hello");
    await until(() => front.balancer.sessions(1).length === 0, "it has ended");
  }
});

/** A destination that says which client it serves, once it is let go. */
function held() {
  const hold = Promise.withResolvers<void>();
  const order: string[] = [];
  const server = new TestServer(async (conn) => {
    order.push(new TextDecoder().decode(await readExactly(conn, 1)));
    await hold.promise;
  });
  // A test that fails must not wait for what it would have released.
  const dispose = server[Symbol.asyncDispose].bind(server);
  server[Symbol.asyncDispose] = () => {
    hold.resolve();
    return dispose();
  };
  return { server, order, release: () => hold.resolve() };
}

Deno.test("the place in the queue is that of the end of the greeting, and a full queue is waited for", async () => {
  const { server, order, release } = held();
  await using _server = server;
  await using front = await Front.start([server.address], { queue: "1", workers: "1" });
  using greeted = await connections(front, 5);
  await until(() => front.greeting === 5, "all are being greeted");
  for (const [at, i] of [3, 0, 4, 1, 2].entries()) {
    await writeAll(greeted.all[i]!, joined(V1.header, String(i)));
    await until(() => front.greeting === 4 - at, "one more has been greeted");
  }
  await until(() => order.length === 1, "the first one is served");
  const places = () => front.balancer.sessions(9).map(({ place }) => place);
  assertEquals(places(), [null, 1, 2, 3, 4]);
  // While some wait beyond the queue nobody else is accepted, but for one who was waited for before.
  using late = await connections(front, 3);
  for (const conn of late.all) await writeAll(conn, joined(V1.header, "l"));
  await until(() => places().length === 6 && front.greeting === 0, "that one has been greeted");
  assertEquals(places(), [null, 1, 2, 3, 4, 5]);
  for (const conn of [...greeted.all, ...late.all]) await conn.closeWrite();
  release();
  await until(() => order.length === 8, "all are served");
  assertEquals(order.join(""), "30412lll");
});

Deno.test("with --overflow reject those who find no room when they were greeted are closed", async () => {
  const { server, order, release } = held();
  await using _server = server;
  await using front = await Front.start([server.address], {
    queue: "1",
    workers: "1",
    overflow: "reject",
  });
  using greeted = await connections(front, 4);
  await until(() => front.greeting === 4, "all are being greeted");
  for (const [i, conn] of greeted.all.entries()) {
    await writeAll(conn, joined(V1.header, String(i)));
    await conn.closeWrite();
    await until(() => front.greeting === 3 - i, "one more has been greeted");
    if (i === 0) await until(() => order.length === 1, "the first one is served");
  }
  await until(() => front.ended["refused-overflow"] === 2, "two were refused");
  release();
  await until(() => front.ended.done === 2, "two were served");
  assertEquals(order.join(""), "01");
});

Deno.test("a drain lets greetings end and serves those who are let in", async () => {
  await using server = new TestServer(echo);
  await using front = await Front.start([server.address], {
    acceptProxyTimeout: "500ms",
    batchSize: "100",
    batchDelay: "1s",
  });
  using two = await connections(front, 2);
  await until(() => front.greeting === 2, "both are being greeted");
  const drained = front.balancer.drain();
  await until(async () => !await front.connect().then(tryClose, () => true), "it is closed");
  await writeAll(two.all[0]!, joined(V1.header, "hello"));
  await two.all[0]!.closeWrite();
  assertEquals(await readAll(two.all[0]!), bytes("hello"));
  assertEquals(await drained, true);
  assertEquals([front.ended["greeting-timeout"], front.ended.done], [1, 1]);
});

Deno.test("a second signal and the operator end a greeting at once", async () => {
  await using server = new TestServer(echo);
  await using front = await Front.start([server.address], { acceptProxyTimeout: "1h" });
  using three = await connections(front, 3);
  await until(() => front.greeting === 3, "all are being greeted");
  const [first] = front.balancer.sessions(1);
  assert(front.balancer.endSession(Number(first!.id.split(".")[1])));
  assertEquals(front.ended, { killed: 1 });
  const drained = front.balancer.drain();
  assertEquals(await front.balancer.quit(), false);
  assertEquals([await drained, front.ended], [false, { killed: 1, quit: 2 }]);
  for (const conn of three.all) assertEquals((await readAll(conn)).length, 0);
});

Deno.test("a reload turns headers on and off while some are read, and changes their time", async () => {
  await using server = new TestServer(echo);
  await using front = await Front.start([server.address], { acceptProxyTimeout: "1h" });
  using three = await connections(front, 3);
  await until(() => front.greeting === 3, "all are being greeted");
  await front.reconfigure({ acceptProxy: "none" });
  assertEquals(await front.send("hello"), "hello");
  await writeAll(three.all[0]!, joined(V1.header, "x"));
  assertEquals(await readExactly(three.all[0]!, 1), bytes("x"));
  await front.reconfigure({ acceptProxy: "127.0.0.1", acceptProxyTimeout: "1ms" });
  await until(() => front.ended["greeting-timeout"] === 2, "the others are too late");
  await front.reconfigure({ acceptProxyTimeout: "1h" });
  assertEquals(await front.send(V2.header, "hello"), "hello");
  assertEquals((await front.entries()).at(-1).client, V2.client);
});
