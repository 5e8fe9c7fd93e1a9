import { assert, assertEquals, assertRejects } from "@std/assert";
import { parseAddress, type TcpEnd } from "../../src/net/address.ts";
import { Dialer, type LookupFailure, type TcpAddress } from "../../src/net/dial.ts";
import type { ResolverSetting } from "../../src/net/dns/records.ts";
import { makeResolver } from "../../src/net/dns/resolver.ts";
import { ListenerNames } from "../../src/net/listener_names.ts";
import { A, AAAA, address, address6 } from "../support/dns_message.ts";
import { DnsServer, type Script } from "../support/dns_server.ts";
import { discard, TestServer, until } from "../support/servers.ts";

const { signal } = new AbortController();

/** Names of a listener with this resolver, which a test may change as a reload does. */
function namesOf(resolver: ResolverSetting, timeout = 200) {
  const settings = { resolver, resolveInterval: 10_000 };
  const client = makeResolver(resolver, { timeout });
  const names = new ListenerNames({ settings, resolver: client });
  return {
    names,
    use(setting: ResolverSetting) {
      settings.resolver = setting;
      client.use(setting);
      names.noteChange();
    },
    [Symbol.dispose]: () => client.close(),
  };
}

/** Answers questions for A with some addresses, those for AAAA with others, by their time. */
function both(v4: readonly string[], v6: readonly number[], ttl = 30): Script {
  return ({ name, type }) => ({
    answers: type === A
      ? v4.map((ip) => address(name, ip, ttl))
      : v6.map((last) => address6(name, last, ttl)),
  });
}

Deno.test("the addresses of both kinds are used, IPv4 first, in the order of their answers", async () => {
  await using server = new DnsServer(both(["10.0.0.2", "10.0.0.1"], [2, 1], 4));
  using at = namesOf([server.setting]);
  assertEquals(await at.names.lookUp("a.test"), {
    addresses: ["10.0.0.2", "10.0.0.1", "2001:db8::2", "2001:db8::1"],
    lifetime: 4000,
  });
});

Deno.test("addresses are used for a second at least and the interval at most, whatever the server says", async () => {
  for (const [ttl, lifetime] of [[0, 1000], [5, 5000], [86_400, 10_000]] as const) {
    await using server = new DnsServer(both(["10.0.0.1"], [], ttl));
    using at = namesOf([server.setting]);
    assertEquals((await at.names.lookUp("a.test")).lifetime, lifetime);
  }
});

Deno.test("one kind of addresses is enough if the other cannot be known, for a second", async () => {
  for (const failing of [A, AAAA]) {
    await using server = new DnsServer((asked, number) => {
      return asked.type === failing ? { code: 2 } : both(["10.0.0.1"], [1])(asked, number);
    });
    using at = namesOf([server.setting]);
    const addresses = failing === A ? ["2001:db8::1"] : ["10.0.0.1"];
    assertEquals(await at.names.lookUp("a.test"), { addresses, lifetime: 1000 });
  }
});

Deno.test("a server that is silent about one kind of addresses does not hold up the other", async () => {
  await using server = new DnsServer((asked, number) => {
    return asked.type === AAAA ? undefined : both(["10.0.0.1"], [])(asked, number);
  });
  using at = namesOf([server.setting], 60_000);
  assertEquals(await at.names.lookUp("a.test"), { addresses: ["10.0.0.1"], lifetime: 1000 });
});

Deno.test("a name without addresses says why", async () => {
  const scripts: [Script, string][] = [
    [() => ({ code: 3 }), "there is no such name"],
    [() => ({}), "the name has no address"],
    [() => ({ code: 2 }), "A of a.test: "],
    [({ type }) => type === A ? { code: 2 } : {}, "it said SERVFAIL"],
  ];
  for (const [script, message] of scripts) {
    await using server = new DnsServer(script);
    using at = namesOf([server.setting]);
    await assertRejects(() => at.names.lookUp("a.test"), Error, message);
  }
});

Deno.test("a destination's name is asked for at the name server, and its addresses outlive the server's failure", async () => {
  await using destination = new TestServer(discard);
  let script: Script = both(["127.0.0.1"], [], 1);
  await using server = new DnsServer((asked, number) => script(asked, number));
  using at = namesOf([server.setting]);
  const failures: LookupFailure[] = [];
  const dialer = new Dialer(
    parseAddress(`a.test:${destination.port}`, { minPort: 1 }) as TcpAddress,
    {
      names: at.names,
      onLookupFailure: (failure) => void failures.push(failure),
    },
  );
  const connect = async () => {
    const stream = await dialer.dial({ signal, timeout: 1000 });
    stream.close();
    return (stream.remoteAddress as TcpEnd).hostname;
  };
  assertEquals(await connect(), "127.0.0.1");
  assertEquals(server.count("a.test"), 2);
  for (const bad of [() => ({ code: 3 }), () => ({ code: 2 }), () => undefined] as Script[]) {
    script = bad;
    const told = failures.length;
    await until(
      async () => (await connect()) === "127.0.0.1" && failures.length > told,
      "it failed",
    );
  }
  assert(failures.every(({ known }) => known));
});

Deno.test("another name server is asked with the next connect, whatever the time of the addresses", async () => {
  await using destination = new TestServer(discard);
  await using before = new DnsServer(both(["127.0.0.1"], [], 3600));
  await using after = new DnsServer(both(["127.0.0.2"], [], 3600));
  using at = namesOf([before.setting]);
  const dialer = new Dialer(
    parseAddress(`a.test:${destination.port}`, { minPort: 1 }) as TcpAddress,
    {
      names: at.names,
    },
  );
  (await dialer.dial({ signal, timeout: 1000 })).close();
  at.use([after.setting]);
  (await dialer.dial({ signal, timeout: 1000 })).close();
  await until(() => after.count("a.test") === 2, "the other one was asked");
  await until(async () => {
    const error = await dialer.dial({ signal, timeout: 1000 }).then(
      (stream) => stream.close(),
      String,
    );
    return `${error}`.includes("127.0.0.2");
  }, "its answer counts");
  assertEquals(before.count("a.test"), 2);
});

Deno.test("the system is asked in its own way", async () => {
  await using server = new DnsServer(() => undefined);
  using at = namesOf([server.setting]);
  at.use("system");
  await assertRejects(() => at.names.lookUp("no-such-host.invalid"), Error, "getaddrinfo");
  assertEquals(server.asked.length, 0);
});
