import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Answer, ResolveError, type Resolver } from "../../../src/net/dns/records.ts";
import { makeResolver } from "../../../src/net/dns/resolver.ts";
import { NameServers } from "../../../src/net/dns/servers.ts";
import { parseHosts, parseResolvConf, type ResolvConf } from "../../../src/net/dns/system_files.ts";
import { candidates, SystemResolver } from "../../../src/net/dns/system_resolver.ts";
import { A, AAAA, address, address6, authority } from "../../support/dns_message.ts";
import { DnsServer, type Script } from "../../support/dns_server.ts";

const { signal } = new AbortController();

Deno.test("resolv.conf is read as the C library reads it", () => {
  const text = `# comment
; another
nameserver 10.0.0.1
nameserver 2001:DB8::0053
nameserver fe80::1%eth0
nameserver not.an.address
domain one.test
search TWO.test three.test. bad..name
nameserver\t10.0.0.3  # said otherwise
nameserver 10.0.0.4
options rotate ndots:5 timeout:1
options ndots:99
sortlist 10.0.0.0
`;
  assertEquals(parseResolvConf(text), {
    servers: ["10.0.0.1", "2001:db8::53", "10.0.0.3"].map((hostname) => ({ hostname, port: 53 })),
    search: ["two.test", "three.test"],
    ndots: 15,
  });
  assertEquals(parseResolvConf("search a.test\ndomain b.test c.test\r\n").search, ["b.test"]);
  const usual = { servers: [{ hostname: "127.0.0.1", port: 53 }], search: [], ndots: 1 };
  assertEquals(parseResolvConf(""), usual);
});

Deno.test("hosts are read with all their names and addresses", () => {
  const text = `127.0.0.1 localhost
10.0.0.1\tDB db.example.test # comment 10.0.0.9 no
2001:DB8::1 db
10.0.0.2 db
10.0.0.1 db
#10.0.0.3 db
300.0.0.1 bad
fe80::1%eth0 bad
`;
  const hosts = parseHosts(text);
  assertEquals(hosts.addressesOf("db"), ["10.0.0.1", "2001:db8::1", "10.0.0.2"]);
  assertEquals(hosts.addressesOf("db.example.test"), ["10.0.0.1"]);
  for (const name of ["bad", "no", "example.test", "d", "10.0.0.1", "comment"]) {
    assertEquals(hosts.addressesOf(name), [], name);
  }
});

Deno.test("a long list of hosts is soon searched", () => {
  const lines = Array.from({ length: 100_000 }, (_, i) => `0.0.0.0 host-${i}.example.test`);
  const hosts = parseHosts(lines.join("\n"));
  const begun = performance.now();
  assertEquals(hosts.addressesOf("host-99999.example.test"), ["0.0.0.0"]);
  for (const name of ["host", "example.test", "h"]) assertEquals(hosts.addressesOf(name), []);
  assert(performance.now() - begun < 3000);
});

Deno.test("few dots have a name searched for first, many as it is, one at the end only so", () => {
  const conf = { search: ["a.test", "b.test"], ndots: 2 };
  assertEquals(candidates("db", conf), ["db.a.test", "db.b.test", "db"]);
  assertEquals(candidates("db.c", conf), ["db.c.a.test", "db.c.b.test", "db.c"]);
  assertEquals(candidates("db.c.d", conf), ["db.c.d", "db.c.d.a.test", "db.c.d.b.test"]);
  assertEquals(candidates("db.", conf), ["db"]);
  assertEquals(candidates("db", { search: [], ndots: 1 }), ["db"]);
  const long = Array(24).fill("123456789").join(".");
  assertEquals(candidates(long, { search: ["123456789.test"], ndots: 1 }), [long]);
});

/** A system of its own: files of a test, whose name servers are at a port of a test's. */
class System implements AsyncDisposable {
  readonly hosts: string;
  readonly resolvConf: string;
  readonly #directory = Deno.makeTempDirSync();

  constructor() {
    this.hosts = `${this.#directory}/hosts`;
    this.resolvConf = `${this.#directory}/resolv.conf`;
  }

  /** A resolver whose name server is this one, whatever the file says. */
  source(server: DnsServer): SystemResolver {
    return new SystemResolver({
      files: this,
      serversOf: () => new NameServers([server.setting], { timeout: 300 }),
    });
  }

  resolver(): Resolver {
    return makeResolver("system", { files: this, timeout: 300 });
  }

  write(file: "hosts" | "resolvConf", text: string): void {
    // As editors and resolvconf do it: the new one takes the place of the old one.
    Deno.writeTextFileSync(`${this[file]}.new`, text);
    Deno.renameSync(`${this[file]}.new`, this[file]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Deno.remove(this.#directory, { recursive: true });
  }
}

function ips(answer: Answer): string[] {
  if (answer.kind !== "records") return [answer.why];
  return answer.records.map((record) => record.type === "SRV" ? record.target : record.address);
}

/** Knows these names, each with an address that says which it is. */
function knowing(names: readonly string[]): Script {
  return ({ name, type }) => {
    const index = names.indexOf(name);
    if (index < 0) return { code: 3, authorities: [authority("test", 50, 40)] };
    return { answers: type === 1 ? [address(name, `10.0.0.${index}`)] : [] };
  };
}

Deno.test("the system's hosts need no server, and are read again when they have changed", async () => {
  await using system = new System();
  const resolver = system.resolver();
  system.write("hosts", "10.0.0.1 db\n2001:db8::1 v6\n");
  assertEquals(ips(await resolver.resolve("DB", "A", { signal })), ["10.0.0.1"]);
  assertEquals(ips(await resolver.resolve("db.", "A", { signal })), ["10.0.0.1"]);
  assertEquals(ips(await resolver.resolve("db", "AAAA", { signal })), ["no such record"]);
  assertEquals(ips(await resolver.resolve("v6", "AAAA", { signal })), ["2001:db8::1"]);
  system.write("hosts", "0.0.0.0 db\n:: db\n");
  assertEquals(ips(await resolver.resolve("db", "A", { signal })), ["no such record"]);
  system.write("hosts", "10.0.0.2 db\n");
  assertEquals(ips(await resolver.resolve("db", "A", { signal })), ["10.0.0.2"]);
  resolver.close();
});

Deno.test("what hosts do not have is asked for with the search domains of the system", async () => {
  await using system = new System();
  await using server = new DnsServer(
    knowing(["db.a.test", "db.b.test", "web.b.test", "far.example"]),
  );
  const source = system.source(server);
  system.write("resolvConf", "search a.test b.test\n");
  const ask = (name: string) => source.ask(name, "A", { signal });
  assertEquals(ips(await ask("db")), ["10.0.0.0"]);
  assertEquals(ips(await ask("web")), ["10.0.0.2"]);
  assertEquals(ips(await ask("far.example")), ["10.0.0.3"]);
  assertEquals(await ask("none"), { kind: "empty", why: "no such name", ttl: 40 });
  assertEquals(ips(await ask("db.")), ["no such name"]);
  assertEquals(server.asked.map(({ name }) => name), [
    ...["db.a.test", "web.a.test", "web.b.test", "far.example"],
    ...["none.a.test", "none.b.test", "none", "db"],
  ]);
  system.write("resolvConf", "search b.test\n");
  assertEquals(ips(await ask("db")), ["10.0.0.1"]);
});

Deno.test("a name without any address goes on being searched for, and that it is there is said", async () => {
  await using system = new System();
  await using server = new DnsServer(({ name }) => {
    if (name === "db.a.test") return {};
    return { code: 3 };
  });
  system.write("resolvConf", "search a.test b.test\n");
  const answer = await system.source(server).ask("db", "A", { signal });
  assertEquals(answer, { kind: "empty", why: "no such record", ttl: undefined });
  assertEquals(server.asked.map(({ name, type }) => [name, type]), [
    ...[["db.a.test", A], ["db.a.test", AAAA]],
    ...[["db.b.test", A], ["db", A]],
  ]);
});

Deno.test("a search ends at a host with addresses of the other kind: both kinds are one host's", async () => {
  await using system = new System();
  await using server = new DnsServer(({ name, type }) => {
    if (name === "db.a.test") return { answers: type === A ? [address(name, "10.0.0.1")] : [] };
    return { answers: [type === A ? address(name, "10.0.0.2") : address6(name, 2)] };
  });
  system.write("resolvConf", "search a.test b.test\n");
  const source = system.source(server);
  assertEquals(ips(await source.ask("db", "A", { signal })), ["10.0.0.1"]);
  assertEquals(ips(await source.ask("db", "AAAA", { signal })), ["no such record"]);
  assertEquals(server.count("db.b.test"), 0);
});

Deno.test("a search ends at what cannot be known, so that nobody else's server is taken", async () => {
  await using system = new System();
  await using server = new DnsServer((asked, number) => {
    if (asked.name === "db.a.test") return { code: 2 };
    return knowing(["db.b.test"])(asked, number);
  });
  system.write("resolvConf", "search a.test b.test\n");
  const source = system.source(server);
  await assertRejects(() => source.ask("db", "A", { signal }), ResolveError, "SERVFAIL");
  assertEquals(server.count("db.b.test"), 0);
});

Deno.test("a file that is there and cannot be read is said", async () => {
  await using system = new System();
  Deno.mkdirSync(system.hosts);
  const resolver = system.resolver();
  await assertRejects(
    () => resolver.resolve("db.test", "A", { signal }),
    ResolveError,
    `${system.hosts} cannot be read: it is a directory, not a regular file`,
  );
  resolver.close();
});

Deno.test("the servers of resolv.conf are those that are asked", async () => {
  await using system = new System();
  const seen: ResolvConf[] = [];
  await using server = new DnsServer(knowing(["db.test"]));
  system.write("resolvConf", "nameserver 10.0.0.53\n");
  const source = new SystemResolver({
    files: system,
    serversOf(conf) {
      seen.push(conf);
      return new NameServers([server.setting]);
    },
  });
  for (let i = 0; i < 3; i++) await source.ask("db.test", "A", { signal });
  assertEquals(seen.map(({ servers }) => servers), [[{ hostname: "10.0.0.53", port: 53 }]]);
  system.write("resolvConf", "nameserver 10.0.0.54\n");
  await source.ask("db.test", "A", { signal });
  assertEquals(seen[1]!.servers, [{ hostname: "10.0.0.54", port: 53 }]);
});
