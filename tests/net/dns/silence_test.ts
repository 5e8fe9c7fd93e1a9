// Name servers that say nothing, while many names wait for them.
import { assert, assertEquals } from "@std/assert";
import type { Answer } from "../../../src/net/dns/records.ts";
import { makeResolver } from "../../../src/net/dns/resolver.ts";
import { address } from "../../support/dns_message.ts";
import { DnsServer, type Script } from "../../support/dns_server.ts";
import { until } from "../../support/servers.ts";

const { signal } = new AbortController();

const silent: Script = () => undefined;
const good: Script = ({ name }) => ({ answers: [address(name, "10.0.0.1")] });

function ips(answer: Answer): string[] {
  if (answer.kind !== "records") return [];
  return answer.records.map((record) => record.type === "SRV" ? record.target : record.address);
}

Deno.test("those who wait for a server that turns out to be dead are asked of the next one", async () => {
  await using dead = new DnsServer(silent);
  await using alive = new DnsServer(good);
  const resolver = makeResolver([dead.setting, alive.setting], { timeout: 500 });
  const names = Array.from({ length: 100 }, (_, i) => `${i}.test`);
  const begun = performance.now();
  await Promise.all(names.map((name) => resolver.resolve(name, "A", { signal })));
  const took = performance.now() - begun;
  resolver.close();
  assert(took < 2500, `it took ${took} ms`);
  assert(dead.asked.length <= 16, `it was asked ${dead.asked.length} times`);
});

Deno.test("questions under way are asked again where others are asked by now", async () => {
  await using dead = new DnsServer(silent);
  await using alive = new DnsServer(good);
  const resolver = makeResolver([dead.setting], { timeout: 60_000 });
  const names = Array.from({ length: 20 }, (_, i) => `${i}.test`);
  const asked = names.map((name) => resolver.resolve(name, "A", { signal }));
  await until(() => dead.asked.length === 8, "as many were asked as may be");
  resolver.use([alive.setting]);
  const later = resolver.resolve("later.test", "A", { signal });
  assertEquals(ips(await later), ["10.0.0.1"]);
  for (const answer of await Promise.all(asked)) assertEquals(ips(answer), ["10.0.0.1"]);
  resolver.close();
});

Deno.test("a question that is asked elsewhere by now is one for all who ask it, and ends with the resolver", async () => {
  await using dead = new DnsServer(silent);
  await using deaf = new DnsServer(silent);
  const resolver = makeResolver([dead.setting], { timeout: 60_000 });
  const ask = () => resolver.resolve("a.test", "A", { signal });
  const first = ask();
  await until(() => dead.asked.length === 1, "it was asked");
  resolver.use([deaf.setting]);
  await until(() => deaf.asked.length === 1, "the other one was asked");
  const asked = Promise.allSettled([first, ask()]);
  resolver.close();
  for (const one of await asked) {
    assert(one.status === "rejected");
    assertEquals(one.reason.message, "the resolver is closed");
  }
  assertEquals(deaf.asked.length, 1);
});
