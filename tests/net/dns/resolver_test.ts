import { assert, assertEquals, assertMatch, assertNotEquals, assertRejects } from "@std/assert";
import { type Answer, ResolveError, type Resolver } from "../../../src/net/dns/records.ts";
import { makeResolver, type MakeResolverOptions } from "../../../src/net/dns/resolver.ts";
import { sleep } from "../../../src/base/timer.ts";
import { A, AAAA, address, address6, authority, encodeReply } from "../../support/dns_message.ts";
import { DnsServer, type Script } from "../../support/dns_server.ts";
import { until } from "../../support/servers.ts";

const { signal } = new AbortController();

/** Shorter than a server has, so that tests of silence do not take long. */
const TIMEOUT = 300;

/** A resolver that asks these servers, closed at the end. */
function resolverOf(
  servers: readonly { hostname: string; port: number }[],
  options: MakeResolverOptions = { timeout: TIMEOUT },
): Resolver & Disposable {
  const resolver = makeResolver(servers, options);
  return Object.assign(resolver, { [Symbol.dispose]: () => resolver.close() });
}

function ips(answer: Answer): string[] {
  if (answer.kind !== "records") return [];
  return answer.records.map((record) => record.type === "SRV" ? record.target : record.address);
}

const silent: Script = () => undefined;
const good: Script = ({ name }) => ({ answers: [address(name, "10.0.0.1")] });

Deno.test("an answer has its records and their time", async () => {
  await using server = new DnsServer(({ name, type }) => ({
    answers: type === A ? [address(name, "10.0.0.1", 7)] : [address6(name, 1, 9)],
  }));
  using resolver = resolverOf([server.setting]);
  assertEquals(await resolver.resolve("A.test.", "A", { signal }), {
    kind: "records",
    records: [{ type: "A", address: "10.0.0.1" }],
    ttl: 7,
  });
  assertEquals(ips(await resolver.resolve("a.test", "AAAA", { signal })), ["2001:db8::1"]);
  assertEquals(server.asked.map(({ name, type }) => [name, type]), [["a.test", A], [
    "a.test",
    AAAA,
  ]]);
});

Deno.test("ids and ports are other ones for every question", async () => {
  await using server = new DnsServer(good);
  using resolver = resolverOf([server.setting]);
  for (let i = 0; i < 20; i++) await resolver.resolve(`${i}.test`, "A", { signal });
  for (const numbers of [server.asked.map(({ id }) => id), server.sources]) {
    assert(new Set(numbers).size > 10, `${numbers}`);
    const steps = numbers.slice(1).map((number, i) => number - numbers[i]!);
    assert(new Set(steps).size > 10, `${numbers}`);
  }
});

Deno.test("wrong ids, other questions, what is malformed or no response are dropped until the right one", async () => {
  await using server = new DnsServer((asked) => {
    const answers = [address(asked.name, "10.6.6.6")];
    return [
      { id: asked.id ^ 1, answers },
      { question: { name: "b.test", type: A }, answers },
      { question: { name: "a.test", type: AAAA }, answers },
      { without: 0x8000, answers },
      new Uint8Array(0),
      crypto.getRandomValues(new Uint8Array(200)),
      encodeReply(asked, { answers }).subarray(0, -3),
      { answers: [address(asked.name, "10.0.0.1")] },
    ];
  });
  using resolver = resolverOf([server.setting]);
  assertEquals(ips(await resolver.resolve("a.test", "A", { signal })), ["10.0.0.1"]);
  assertEquals(server.asked.length, 1);
});

Deno.test("what another port or another host sends is not heard", async () => {
  const liar = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  await using server = new DnsServer(silent);
  // The same port as the server's, at another address.
  const twin = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.2", port: server.port });
  server.script = async (asked) => {
    const to = { transport: "udp", hostname: "127.0.0.1", port: server.sources.at(-1)! } as const;
    const lie = encodeReply(asked, { answers: [address(asked.name, "10.6.6.6")] });
    for (const socket of [liar, twin]) await socket.send(lie, to);
    await sleep(20);
    return { answers: [address(asked.name, "10.0.0.1")] };
  };
  using resolver = resolverOf([server.setting], { timeout: 2000 });
  assertEquals(ips(await resolver.resolve("a.test", "A", { signal })), ["10.0.0.1"]);
  liar.close();
  twin.close();
});

Deno.test("a server that is silent is left for the next, and asked last from then on", async () => {
  await using dead = new DnsServer(silent);
  await using alive = new DnsServer(good);
  using resolver = resolverOf([dead.setting, alive.setting]);
  assertEquals(ips(await resolver.resolve("a.test", "A", { signal })), ["10.0.0.1"]);
  assertEquals([dead.asked.length, alive.asked.length], [1, 1]);
  await resolver.resolve("b.test", "A", { signal });
  assertEquals([dead.asked.length, alive.asked.length], [1, 2]);
});

Deno.test("a server that cannot or will not say is left for the next at once, and is asked first again", async () => {
  for (const code of [2, 5]) {
    await using first = new DnsServer(() => ({ code }));
    await using second = new DnsServer(good);
    using resolver = resolverOf([first.setting, second.setting], { timeout: 10_000 });
    for (const name of ["a.test", "b.test"]) {
      assertEquals(ips(await resolver.resolve(name, "A", { signal })), ["10.0.0.1"]);
    }
    assertEquals(first.asked.length, 2);
  }
});

Deno.test("what no server answers is told with each of them, after two rounds", async () => {
  await using first = new DnsServer(silent);
  await using second = new DnsServer(() => ({ code: 2 }));
  await using third = new DnsServer(() => ({ id: 1 }));
  using resolver = resolverOf([first.setting, second.setting, third.setting]);
  const error = await assertRejects(
    () => resolver.resolve("a.test", "A", { signal }),
    ResolveError,
  );
  assertEquals(
    error.message,
    `A of a.test: ${first.address}: no answer within 0.3 s; ${second.address}: it said SERVFAIL; ` +
      `${third.address}: no answer within 0.3 s, but 1 that do not fit`,
  );
  assertEquals([first, second, third].map(({ asked }) => asked.length), [2, 2, 2]);
});

Deno.test("an answer that comes too late is nobody's", async () => {
  const late = Promise.withResolvers<void>();
  await using server = new DnsServer(async (asked, number) => {
    if (number === 1) await late.promise;
    return { answers: [address(asked.name, `10.0.0.${number}`)] };
  });
  using resolver = resolverOf([server.setting]);
  assertEquals(ips(await resolver.resolve("a.test", "A", { signal })), ["10.0.0.2"]);
  late.resolve();
  assertEquals(ips(await resolver.resolve("a.test", "A", { signal })), ["10.0.0.3"]);
});

Deno.test("a truncated answer is asked for over TCP", async () => {
  const all = Array.from({ length: 300 }, (_, i) => `10.0.${i >> 8}.${i & 255}`);
  await using server = new DnsServer(({ name, via }) => {
    if (via === "udp") return { truncated: true, answers: [address(name, "10.6.6.6")] };
    return { answers: all.map((ip) => address(name, ip)) };
  });
  using resolver = resolverOf([server.setting], { timeout: 5000 });
  assertEquals(ips(await resolver.resolve("a.test", "A", { signal })), all);
  assertEquals(server.asked.map(({ via }) => via), ["udp", "tcp"]);
  assertNotEquals(server.asked[0]!.id, server.asked[1]!.id);
});

Deno.test("a datagram that is larger than any that was asked for is asked for over TCP", async () => {
  const all = Array.from({ length: 500 }, (_, i) => `10.0.${i >> 8}.${i & 255}`);
  await using server = new DnsServer(({ name }) => ({
    answers: all.map((ip) => address(name, ip)),
  }));
  using resolver = resolverOf([server.setting], { timeout: 5000 });
  assertEquals(ips(await resolver.resolve("a.test", "A", { signal })), all);
  assertEquals(server.asked.map(({ via }) => via), ["udp", "tcp"]);
});

Deno.test("a truncated answer whose rest is silent, cut off, or something else is a failure", async () => {
  const scripts: [Script, RegExp][] = [
    [silent, /no answer over TCP within 0\.3 s/],
    [() => ({ truncated: true }), /it cut an answer over TCP/],
    [() => ({ id: 1 }), /over TCP: what came over TCP does not answer the question/],
    [() => new Uint8Array(0), /over TCP: what came over TCP does not answer/],
  ];
  for (const [script, message] of scripts) {
    await using server = new DnsServer((asked, number) => {
      return asked.via === "udp" ? { truncated: true } : script(asked, number);
    });
    using resolver = resolverOf([server.setting]);
    const error = await assertRejects(
      () => resolver.resolve("a.test", "A", { signal }),
      ResolveError,
    );
    assertMatch(error.message, message);
  }
});

Deno.test("a server that does not understand sizes of datagrams is asked without", async () => {
  await using server = new DnsServer((asked) => {
    return asked.extended ? { code: 1, question: null } : good(asked, 0);
  });
  using resolver = resolverOf([server.setting]);
  assertEquals(ips(await resolver.resolve("a.test", "A", { signal })), ["10.0.0.1"]);
  assertEquals(server.asked.map(({ extended }) => extended), [true, false]);
});

Deno.test("that there is nothing is an answer, which no other server is asked for", async () => {
  await using first = new DnsServer(({ name }) => ({
    code: name === "no.test" ? 3 : 0,
    authorities: [authority("test", 60, 30)],
  }));
  await using second = new DnsServer(good);
  using resolver = resolverOf([first.setting, second.setting]);
  assertEquals(await resolver.resolve("no.test", "A", { signal }), {
    kind: "empty",
    why: "no such name",
    ttl: 30,
  });
  const none = await resolver.resolve("a.test", "SRV", { signal });
  assertEquals(none.kind === "empty" && none.why, "no such record");
  assertEquals(second.asked.length, 0);
});

Deno.test("all who ask the same share one question, and who gives up ends nobody else's", async () => {
  const gate = Promise.withResolvers<void>();
  await using server = new DnsServer(async (asked, number) => {
    await gate.promise;
    return good(asked, number);
  });
  using resolver = resolverOf([server.setting], { timeout: 5000 });
  const leaving = new AbortController();
  const left = resolver.resolve("a.test", "A", { signal: leaving.signal });
  const others = ["a.test", "A.TEST"].map((name) => resolver.resolve(name, "A", { signal }));
  await until(() => server.asked.length === 1, "it was asked");
  leaving.abort(new Error("gone"));
  await assertRejects(() => left, Error, "gone");
  gate.resolve();
  for (const answer of await Promise.all(others)) assertEquals(ips(answer), ["10.0.0.1"]);
  assertEquals(server.asked.length, 1);
});

Deno.test("a few questions are open at a time, and all are answered", async () => {
  let [open, most] = [0, 0];
  await using server = new DnsServer(async (asked, number) => {
    most = Math.max(most, ++open);
    await sleep(1);
    open--;
    return good(asked, number);
  });
  using resolver = resolverOf([server.setting], { timeout: 5000 });
  const names = Array.from({ length: 100 }, (_, i) => `${i}.test`);
  await Promise.all(names.map((name) => resolver.resolve(name, "A", { signal })));
  assertEquals([most <= 8, server.asked.length], [true, 100]);
});

Deno.test("a dead server does not hold up those who ask another one", async () => {
  await using dead = new DnsServer(silent);
  await using alive = new DnsServer(good);
  using one = resolverOf([dead.setting], { timeout: 1500 });
  using other = resolverOf([alive.setting]);
  const asked = Array.from({ length: 50 }, (_, i) => one.resolve(`${i}.test`, "A", { signal }));
  const failed = Promise.allSettled(asked);
  // All that were open at first have found out, and a few try again.
  await until(() => dead.asked.length > 8, "it is known to be silent");
  const begun = performance.now();
  for (let i = 0; i < 20; i++) await other.resolve(`${i}.test`, "A", { signal });
  assert(performance.now() - begun < 1300, `it took ${performance.now() - begun} ms`);
  one.close();
  await failed;
});

Deno.test("closing ends every question, over UDP and TCP, and those that wait", async () => {
  await using server = new DnsServer(({ name, via }) => {
    return name.startsWith("t") && via === "udp" ? { truncated: true } : undefined;
  });
  const resolver = makeResolver([server.setting]);
  const names = [...Array.from({ length: 4 }, (_, i) => `t${i}.test`), "u0.test", "u1.test"];
  const waiting = Array.from({ length: 20 }, (_, i) => `w${i}.test`);
  const asked = [...names, ...waiting].map((name) => resolver.resolve(name, "A", { signal }));
  await until(() => server.asked.filter(({ via }) => via === "tcp").length === 4, "TCP is there");
  resolver.close();
  for (const one of await Promise.allSettled(asked)) {
    assert(one.status === "rejected");
    assertEquals(one.reason.message, "the resolver is closed");
  }
  await assertRejects(() => resolver.resolve("b.test", "A", { signal }), ResolveError);
});

Deno.test("addresses and localhost need no asking, and what is no name is not asked for", async () => {
  await using server = new DnsServer(good);
  using resolver = resolverOf([server.setting]);
  assertEquals(ips(await resolver.resolve("192.0.2.7", "A", { signal })), ["192.0.2.7"]);
  assertEquals(ips(await resolver.resolve("2001:DB8::7", "AAAA", { signal })), ["2001:db8::7"]);
  assertEquals((await resolver.resolve("192.0.2.7", "AAAA", { signal })).kind, "empty");
  assertEquals(ips(await resolver.resolve("localhost", "A", { signal })), ["127.0.0.1"]);
  await assertRejects(
    () => resolver.resolve("a..b", "A", { signal }),
    ResolveError,
    "no host name",
  );
  assertEquals(server.asked.length, 0);
});

Deno.test("a server that answers with nonsense without end costs one time limit, and the next is asked", async () => {
  await using flood = new DnsServer(async (asked) => {
    for (let i = 0; i < 3000; i++) {
      await flood.send(crypto.getRandomValues(new Uint8Array(500)));
    }
    return { id: asked.id ^ 1 };
  });
  await using alive = new DnsServer(good);
  using resolver = resolverOf([flood.setting, alive.setting]);
  assertEquals(ips(await resolver.resolve("a.test", "A", { signal })), ["10.0.0.1"]);
  assertEquals(alive.asked.length, 1);
});
