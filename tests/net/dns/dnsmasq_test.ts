// The client against the server of a Debian package.
import { assertEquals, assertRejects } from "@std/assert";
import type { Answer } from "../../../src/net/dns/records.ts";
import { makeResolver } from "../../../src/net/dns/resolver.ts";
import { ResolveError } from "../../../src/net/dns/records.ts";
import { NEEDING_DNSMASQ, startDnsmasq } from "../../support/dnsmasq.ts";
import { unless } from "../../support/unless.ts";
import { until } from "../../support/servers.ts";

const { signal } = new AbortController();

function ips(answer: Answer): string[] {
  if (answer.kind !== "records") return [answer.why];
  return answer.records.map((record) => record.type === "SRV" ? record.target : record.address);
}

Deno.test({
  ...unless("dnsmasq's records of all kinds are read, with their times", NEEDING_DNSMASQ),
  async fn() {
    await using server = await startDnsmasq([
      "--host-record=a.test,192.0.2.1,2001:db8::1,33",
      "--cname=alias.test,a.test,7",
      "--srv-host=_x._tcp.test,a.test,8080,1,20",
      "--srv-host=_x._tcp.test,b.test,8081,2,0",
      "--local-ttl=44",
    ]);
    const resolver = makeResolver([server.setting]);
    const ask = (name: string, type: "A" | "AAAA" | "SRV") => {
      return resolver.resolve(name, type, { signal });
    };
    assertEquals(await ask("a.test", "A"), {
      kind: "records",
      records: [{ type: "A", address: "192.0.2.1" }],
      ttl: 33,
    });
    assertEquals(ips(await ask("a.test", "AAAA")), ["2001:db8::1"]);
    const aliased = await ask("alias.test", "A");
    assertEquals([ips(aliased), aliased.ttl], [["192.0.2.1"], 7]);
    const services = await ask("_x._tcp.test", "SRV");
    assertEquals(services.kind === "records" && services.records.toSorted(byTarget), [
      {
        type: "SRV",
        target: "a.test",
        port: 8080,
        priority: 1,
        weight: 20,
        addresses: ["192.0.2.1", "2001:db8::1"],
      },
      { type: "SRV", target: "b.test", port: 8081, priority: 2, weight: 0, addresses: [] },
    ]);
    assertEquals(ips(await ask("none.test", "A")), ["no such name"]);
    assertEquals(ips(await ask("_x._tcp.test", "A")), ["no such record"]);
    await assertRejects(() => ask("a.other", "A"), ResolveError, "it said REFUSED");
    resolver.close();
  },
});

function byTarget(one: object, other: object): number {
  return JSON.stringify(one) < JSON.stringify(other) ? -1 : 1;
}

Deno.test({
  ...unless("what does not fit into dnsmasq's datagram comes over TCP", NEEDING_DNSMASQ),
  async fn() {
    const all = Array.from({ length: 500 }, (_, i) => `10.0.${i >> 8}.${i & 255}`);
    const hosts = all.map((ip) => `${ip} big.test\n`).join("");
    await using server = await startDnsmasq(["--log-queries=extra"], hosts);
    const resolver = makeResolver([server.setting]);
    assertEquals(ips(await resolver.resolve("big.test", "A", { signal })).sort(), all.sort());
    resolver.close();
  },
});

Deno.test({
  ...unless("other hosts of dnsmasq are there with the next question", NEEDING_DNSMASQ),
  async fn() {
    await using server = await startDnsmasq([], "10.0.0.1 a.test\n");
    const resolver = makeResolver([server.setting]);
    const ask = async () => ips(await resolver.resolve("a.test", "A", { signal })).sort();
    assertEquals(await ask(), ["10.0.0.1"]);
    await server.change("10.0.0.2 a.test\n10.0.0.3 a.test\n");
    await until(async () => `${await ask()}` === "10.0.0.2,10.0.0.3", "others are there");
    await server.change("");
    await until(async () => `${await ask()}` === "no such name", "it is gone");
    resolver.close();
  },
});
