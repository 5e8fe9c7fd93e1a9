import { assertEquals, assertRejects } from "@std/assert";
import { formatCheck, parseCheck } from "../../src/config/values/check.ts";
import { connectorTo } from "../../src/destinations/connector.ts";
import { CheckError } from "../../src/destinations/conversation.ts";
import { runCheck } from "../../src/destinations/probe.ts";
import { parseAddress } from "../../src/net/address.ts";
import { DatagramCounts } from "../../src/net/udp/terms.ts";
import { TestBalancer } from "../support/balancer.ts";
import { until } from "../support/servers.ts";
import { type Answer, echo, silent, UdpClient, UdpServer } from "../support/udp.ts";

Deno.test("checks of UDP are written as they are read", () => {
  for (
    const text of ["dns:example.org", "dns:a.", "udp:send:\\r\\n\\,,expect:x", "udp:send:,expect:x"]
  ) {
    assertEquals(formatCheck(parseCheck(text)!), text);
  }
  for (const text of ["dns:", "dns:a..b", "dns:a b", "udp:expect:x", "udp:send:x", "udp:"]) {
    assertEquals(parseCheck(text), undefined, text);
  }
});

async function run(check: string, answer: Answer, { ms = 2000 } = {}): Promise<void> {
  await using server = new UdpServer(answer);
  const connector = connectorTo(parseAddress(server.address, { minPort: 1, udp: true }), {
    udp: {
      settings: {
        udpBuffer: { datagrams: 1, bytes: 1, total: 1 },
        udpReplyPort: "same",
        backlog: 1,
        queueTimeout: 0,
      },
      counts: new DatagramCounts(),
    },
  });
  const signal = AbortSignal.timeout(ms);
  await runCheck(parseCheck(check)!, { connector, host: "test", signal, timeout: ms });
}

Deno.test("a text is looked for in the datagram that comes back", async () => {
  await run("udp:send:PING,expect:ING", echo);
  await assertRejects(() => run("udp:send:PING,expect:PONG", echo), CheckError, '"PONG" in vain');
  await assertRejects(() => run("udp:send:PING,expect:x", silent, { ms: 50 }), DOMException);
});

/** Answers a question with this code, and whatever else is said. */
function name(code: number, { id = 0 } = {}): Answer {
  return ({ bytes, from }, server) => {
    const answer = bytes.slice();
    answer[0]! ^= id;
    answer[2]! |= 0x80;
    answer[3] = 0x80 | code;
    return server.send(answer, from);
  };
}

Deno.test("a name server is there if it answers, also that there is no such name", async () => {
  await run("dns:example.org", name(0));
  await run("dns:Example.ORG.", name(3));
  await assertRejects(() => run("dns:example.org", name(2)), CheckError, "it said SERVFAIL");
  await assertRejects(() => run("dns:example.org", name(5)), CheckError, "it said REFUSED");
});

Deno.test("what does not answer the question is no answer", async () => {
  for (const answer of [name(0, { id: 1 }), echo]) {
    await assertRejects(() => run("dns:example.org", answer, { ms: 50 }), DOMException);
  }
});

Deno.test("a destination of UDP whose check fails gets no sessions until it has come back", async () => {
  let alive = true;
  await using sick = new UdpServer((received, server) =>
    alive ? echo(received, server) : undefined
  );
  await using well = new UdpServer();
  await using balancer = await TestBalancer.start([sick.address, well.address], {
    ...{ check: "udp:send:ping,expect:ping", checkInterval: "30ms", checkTimeout: "30ms" },
    ...{ fall: "2", rise: "1", balance: "first" },
  }, "udp:127.0.0.1:0");
  const state = () => balancer.status.destinations[0]!.state;
  await using client = new UdpClient(balancer.port);
  await until(() => state() === "up", "it is up");
  assertEquals(await client.ask("first"), "first");
  alive = false;
  await until(async () => {
    // It never stops sending, and yet is not bound to the one that is down.
    await client.send("who");
    return well.texts.includes("who");
  }, "the other is asked");
  assertEquals(balancer.status.ended["destination-down"], 1);
  alive = true;
  await until(() => state() === "up", "it is back");
});

Deno.test("a destination that answers nothing is checked soon", async () => {
  await using server = new UdpServer(silent);
  await using balancer = await TestBalancer.start([server.address], {
    ...{ check: "udp:send:ping,expect:ping", checkInterval: "1h", checkTimeout: "20ms", fall: "1" },
    ...{ udpAnswers: "1", udpRequestTimeout: "30ms" },
  }, "udp:127.0.0.1:0");
  await using client = new UdpClient(balancer.port);
  await client.send("a");
  await until(() => balancer.status.destinations[0]!.state === "down", "it is found to be down");
});
