import { assert, assertEquals } from "@std/assert";
import { formatHostPort } from "../../src/net/address.ts";
import { TestBalancer } from "../support/balancer.ts";
import { randomBytes, until } from "../support/servers.ts";
import { echo, silent, UdpClient, UdpServer } from "../support/udp.ts";

type Options = Parameters<typeof TestBalancer.start>[1];

function start(servers: readonly UdpServer[], options: Options = {}): Promise<TestBalancer> {
  return TestBalancer.start(servers.map(({ address }) => address), options, "udp:127.0.0.1:0");
}

const IP = { IPv4: "127.0.0.1", IPv6: "::1" };
const LISTEN = { IPv4: "udp:127.0.0.1:0", IPv6: "udp:[::1]:0" };

for (const from of ["IPv4", "IPv6"] as const) {
  for (const to of ["IPv4", "IPv6"] as const) {
    Deno.test(`datagrams of every size go both ways, empty ones too: ${from} to ${to}`, async () => {
      await using server = new UdpServer(echo, IP[to]);
      await using balancer = await TestBalancer.start([server.address], {}, LISTEN[from]);
      const client = new UdpClient(balancer.port, { hostname: IP[from], server: IP[from] });
      await using _ = client;
      for (const length of [0, 1, 512, 1500, 65_507]) {
        const bytes = randomBytes(length);
        await client.send(bytes);
        const answer = await client.next();
        assertEquals(answer.bytes, bytes);
        assertEquals([answer.from.hostname, answer.from.port], [IP[from], balancer.port]);
      }
      const { accepted, bytes_up, bytes_down, datagrams_up, datagrams_down } = balancer.status;
      const bytes = 1 + 512 + 1500 + 65_507;
      assertEquals([accepted, bytes_up, bytes_down, datagrams_up, datagrams_down], [
        1,
        bytes,
        bytes,
        5,
        5,
      ]);
      const [{ client: name } = { client: "" }] = balancer.balancer.sessions(1);
      assertEquals(name, formatHostPort(IP[from], client.port));
    });
  }
}

Deno.test("a session is a client's address and port, with a port of its own at the destination", async () => {
  await using server = new UdpServer();
  await using balancer = await start([server]);
  await using one = new UdpClient(balancer.port);
  await using other = new UdpClient(balancer.port);
  assertEquals(await one.ask("a"), "a");
  assertEquals(await other.ask("b"), "b");
  assertEquals(await one.ask("c"), "c");
  const [first, second, third] = server.received.map(({ from }) => from.port);
  assertEquals([first === second, first === third], [false, true]);
  const infos = balancer.balancer.sessions(9);
  assertEquals(infos.map(({ client }) => client), [
    `127.0.0.1:${one.port}`,
    `127.0.0.1:${other.port}`,
  ]);
});

Deno.test("a session in which nothing comes for --udp-idle is over, and the next datagram begins another", async () => {
  await using server = new UdpServer();
  await using balancer = await start([server], { udpIdle: "50ms" });
  await using client = new UdpClient(balancer.port);
  await client.ask("a");
  await until(() => balancer.status.ended["udp-idle"] === 1, "the session is over");
  assertEquals(balancer.status.active, 0);
  assertEquals(await client.ask("b"), "b");
  assertEquals(balancer.status.accepted, 2);
});

Deno.test("with --udp-answers a session is over once all that it has sent is answered", async () => {
  const held: Parameters<typeof echo>[0][] = [];
  await using server = new UdpServer((received) => void held.push(received));
  await using balancer = await start([server], { udpAnswers: "2" });
  await using client = new UdpClient(balancer.port);
  await client.send("A", "AAAA");
  await until(() => held.length === 2, "both are asked for");
  for (const { from } of held) {
    assertEquals(balancer.status.active, 1);
    await server.send("first", from);
    await client.next();
    await server.send("second", from);
    await client.next();
  }
  await until(() => balancer.status.ended.done === 1, "the session is over");
});

Deno.test("with --udp-answers a slot is free after --udp-request-timeout without an answer", async () => {
  await using server = new UdpServer(silent);
  await using balancer = await start([server], {
    udpAnswers: "1",
    udpRequestTimeout: "60ms",
    workers: "1",
  });
  await using one = new UdpClient(balancer.port);
  await using other = new UdpClient(balancer.port);
  await one.send("a");
  await until(() => server.texts.length === 1, "one is there");
  await other.send("b");
  await until(() => server.texts.length === 2, "the slot is free for the other");
  await until(() => balancer.status.ended["request-timeout"] === 2, "both are over");
});

Deno.test("datagrams wait in order while all slots are taken", async () => {
  await using server = new UdpServer();
  await using balancer = await start([server], { workers: "1" });
  await using one = new UdpClient(balancer.port);
  await using other = new UdpClient(balancer.port);
  await one.ask("a");
  await other.send("1", "2", "", "3");
  await until(() => balancer.status.waiting === 1, "the other waits");
  balancer.balancer.endSession(1);
  for (const text of ["1", "2", "", "3"]) assertEquals((await other.next()).text, text);
  assertEquals(server.texts, ["a", "1", "2", "", "3"]);
});

Deno.test("of what a session keeps while it waits the oldest is dropped, and counted", async () => {
  await using server = new UdpServer();
  await using balancer = await start([server], {
    workers: "1",
    udpBuffer: "3,2KiB,1MiB",
  });
  await using one = new UdpClient(balancer.port);
  await using many = new UdpClient(balancer.port);
  await using large = new UdpClient(balancer.port);
  await one.ask("a");
  await many.send("1", "2", "3", "4", "5");
  await until(() => balancer.status.datagrams_dropped === 2, "two are dropped");
  await large.send(new Uint8Array(1500), new Uint8Array(1000), new Uint8Array(1000));
  await until(() => balancer.status.datagrams_dropped === 3, "the largest is dropped");
  balancer.balancer.endSession(1);
  for (const text of ["3", "4", "5"]) assertEquals((await many.next()).text, text);
  balancer.balancer.endSession(2);
  for (let i = 0; i < 2; i++) assertEquals((await large.next()).bytes.length, 1000);
});

Deno.test("what waits in all is bounded: a session of which nothing is left is over", async () => {
  await using server = new UdpServer();
  await using balancer = await start([server], {
    workers: "1",
    udpBuffer: "3,2KiB,4KiB",
  });
  await using one = new UdpClient(balancer.port);
  await one.ask("a");
  const waiting: UdpClient[] = [];
  for (let i = 1; i <= 4; i++) {
    const client = new UdpClient(balancer.port);
    waiting.push(client);
    await client.send(new Uint8Array(1500).fill(i));
    await until(() => balancer.status.waiting === i, "it waits");
  }
  balancer.balancer.endSession(1);
  assertEquals((await waiting[2]!.next()).bytes[0], 3);
  assertEquals(balancer.status.ended.dropped, 2);
  balancer.balancer.endSession(4);
  assertEquals((await waiting[3]!.next()).bytes[0], 4);
  for (const client of waiting) await client[Symbol.asyncDispose]();
});

Deno.test("a flood of clients stays within the queue and the backlog", async () => {
  await using server = new UdpServer(silent);
  await using balancer = await start([server], { workers: "1", queue: "10", backlog: "20" });
  const clients = Array.from({ length: 100 }, () => new UdpClient(balancer.port));
  for (const client of clients) await client.send("x");
  await until(
    () => balancer.status.datagrams_dropped >= 100 - 1 - 10 - 20 - 1,
    "the rest is dropped",
  );
  const { waiting, active, accepted } = balancer.status;
  assertEquals([waiting, active], [10, 1]);
  // One that is accepted may wait for room.
  assert(accepted <= 12, `${accepted} are accepted`);
  for (const client of clients) await client[Symbol.asyncDispose]();
});

Deno.test("a session that waits for longer than --queue-timeout is over", async () => {
  await using server = new UdpServer(silent);
  await using balancer = await start([server], { workers: "1", queueTimeout: "100ms" });
  await using one = new UdpClient(balancer.port);
  await using other = new UdpClient(balancer.port);
  await one.send("a");
  await until(() => server.texts.length === 1, "one is there");
  await other.send("b");
  await until(() => balancer.status.ended["queue-timeout"] === 1, "the other has waited in vain");
  assertEquals(balancer.status.datagrams_dropped, 1);
});

Deno.test("what others send to where a destination answers is dropped", async () => {
  await using server = new UdpServer(silent);
  await using stranger = new UdpServer();
  await using balancer = await start([server]);
  await using client = new UdpClient(balancer.port);
  await client.send("a");
  await until(() => server.received.length === 1, "it is asked");
  const { from } = server.received[0]!;
  await stranger.send("forged", from);
  await until(() => balancer.status.datagrams_foreign === 1, "the stranger is dropped");
  await server.send("answer", from);
  assertEquals((await client.next()).text, "answer");
});

Deno.test("with --udp-reply-port any a session goes on with the port that answers first", async () => {
  await using transfer = new UdpServer();
  await using other = new UdpServer(silent);
  await using server = new UdpServer(({ from }) => transfer.send("begin", from));
  await using balancer = await start([server], { udpReplyPort: "any" });
  await using client = new UdpClient(balancer.port);
  assertEquals(await client.ask("request"), "begin");
  assertEquals(await client.ask("next"), "next");
  assertEquals([server.texts, transfer.texts], [["request"], ["next"]]);
  await other.send("later", transfer.received[0]!.from);
  await until(() => balancer.status.datagrams_foreign === 1, "another port comes too late");
});

Deno.test("limits by address and access rules count for clients of UDP", async () => {
  await using server = new UdpServer();
  await using balancer = await start([server], { maxPerIp: "1", deny: "127.0.0.3" });
  await using first = new UdpClient(balancer.port);
  await using second = new UdpClient(balancer.port);
  await using other = new UdpClient(balancer.port, { hostname: "127.0.0.2" });
  await using denied = new UdpClient(balancer.port, { hostname: "127.0.0.3" });
  await first.ask("a");
  await second.send("b");
  await denied.send("c");
  assertEquals(await other.ask("d"), "d");
  const { ended } = balancer.status;
  assertEquals([ended["refused-per-ip"], ended["refused-address"]], [1, 1]);
  assertEquals(server.texts, ["a", "d"]);
});

for (const balance of ["hash", "round-robin", "least-conn", "first"] as const) {
  Deno.test(`the policy ${balance} chooses among destinations of UDP`, async () => {
    await using one = new UdpServer();
    await using other = new UdpServer();
    await using balancer = await start([one, other], { balance });
    const clients = Array.from({ length: 6 }, () => new UdpClient(balancer.port));
    for (const client of clients) await client.ask("x");
    const shares = [one, other].map(({ received }) => received.length).sort();
    assertEquals(shares, balance === "hash" || balance === "first" ? [0, 6] : [3, 3]);
    for (const client of clients) await client[Symbol.asyncDispose]();
  });
}

Deno.test("a drain loses no answer, and waits no longer than for these", async () => {
  await using server = new UdpServer(silent);
  await using balancer = await start([server], { udpRequestTimeout: "20s" });
  await using asking = new UdpClient(balancer.port);
  await using answered = new UdpClient(balancer.port);
  await answered.send("a");
  await until(() => server.received.length === 1, "it is asked");
  await server.send("A", server.received[0]!.from);
  await answered.next();
  await asking.send("b");
  await until(() => server.received.length === 2, "it is asked again");
  const drained = balancer.balancer.drain();
  await until(() => balancer.status.ended.done === 1, "the one that was answered is over");
  assertEquals(balancer.status.active, 1);
  await server.send("B", server.received[1]!.from);
  assertEquals((await asking.next()).text, "B");
  assertEquals(await drained, true);
  assertEquals(balancer.balancer.totals.balanced, true);
});

Deno.test("a drain waits for an answer that never comes as long as --udp-request-timeout", async () => {
  await using server = new UdpServer(silent);
  await using balancer = await start([server], { udpRequestTimeout: "100ms" });
  await using client = new UdpClient(balancer.port);
  await client.send("a");
  await until(() => server.received.length === 1, "it is asked");
  assertEquals(await balancer.balancer.drain(), true);
  assertEquals(balancer.status.ended["request-timeout"], 1);
});

Deno.test("a drain serves what waits", async () => {
  await using server = new UdpServer();
  await using balancer = await start([server], { workers: "1", udpIdle: "20s" });
  await using one = new UdpClient(balancer.port);
  await using other = new UdpClient(balancer.port);
  await one.ask("a");
  await other.send("b");
  await until(() => balancer.status.waiting === 1, "the other waits");
  assertEquals(await balancer.balancer.drain(), true);
  assertEquals((await other.next()).text, "b");
});

Deno.test("a reload changes sessions that there are", async () => {
  await using server = new UdpServer();
  await using balancer = await start([server]);
  await using client = new UdpClient(balancer.port);
  await client.ask("a");
  await balancer.reconfigure({ udpIdle: "50ms" });
  await until(() => balancer.status.ended["udp-idle"] === 1, "the session is over");
});

Deno.test("an operator can end a session", async () => {
  await using server = new UdpServer();
  await using balancer = await start([server]);
  await using client = new UdpClient(balancer.port);
  await client.ask("a");
  assert(balancer.balancer.endSession(1));
  await until(() => balancer.status.ended.killed === 1, "it is over");
  assertEquals(await client.ask("b"), "b");
});

Deno.test("every address of this machine answers as itself", async () => {
  await using server = new UdpServer();
  await using balancer = await TestBalancer.start([server.address], {}, "udp:0.0.0.0:0");
  const addresses = Deno.networkInterfaces().filter(({ family }) => family === "IPv4");
  for (const { address } of addresses) {
    await using client = new UdpClient(balancer.port, { hostname: address, server: address });
    await client.send("who");
    const { text, from } = await client.next();
    assertEquals([text, from.hostname], ["who", address]);
  }
});

Deno.test("sessions leave a destination that drains once they are answered, or soon", async () => {
  await using one = new UdpServer(({ text, from }, server) => {
    return text === "ask" ? server.send("answer", from) : undefined;
  });
  await using other = new UdpServer();
  await using balancer = await start([one, other], {
    balance: "first",
    udpRequestTimeout: "100ms",
  });
  await using answered = new UdpClient(balancer.port);
  await using telling = new UdpClient(balancer.port);
  assertEquals(await answered.ask("ask"), "answer");
  await telling.send("tell");
  await until(() => one.received.length === 2, "both are there");
  balancer.balancer.setAdminState(1, "drain");
  await until(async () => {
    await telling.send("tell");
    return other.texts.includes("tell");
  }, "one that never stops sending is elsewhere");
  assertEquals(await answered.ask("again"), "again");
  const { ended } = balancer.status;
  assertEquals([ended.done, ended["request-timeout"]], [1, 1]);
});
