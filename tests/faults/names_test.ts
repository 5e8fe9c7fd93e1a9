// Names whose records change all the time, under load.
import { assert, assertEquals } from "@std/assert";
import { sleep } from "../../src/base/timer.ts";
import { makeResolver } from "../../src/net/dns/resolver.ts";
import { Instance } from "../../src/program/instance.ts";
import { configOf } from "../support/config.ts";
import { NEEDING_DNSMASQ, startDnsmasq } from "../support/dnsmasq.ts";
import { FakeResolver } from "../support/fake_resolver.ts";
import { quietLogs } from "../support/logs.ts";
import { Random } from "../support/random.ts";
import { answer, freePort, request, TestServer, until } from "../support/servers.ts";
import { unless } from "../support/unless.ts";

const ADDRESSES = ["127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4"] as const;
const CLIENTS = 8;

for (const [threads, changes] of [["1", 100], ["2", 30]] as const) {
  Deno.test({
    ...unless(
      `${changes} changes of a zone under load lose no session, with ${threads} threads`,
      NEEDING_DNSMASQ,
    ),
    async fn() {
      const port = freePort();
      const servers = ADDRESSES.map((hostname) => {
        return new TestServer(answer(hostname), { hostname, port });
      });
      const hosts = (ips: readonly string[]) => ips.map((ip) => `${ip} web.test\n`).join("");
      await using dns = await startDnsmasq(["--local-ttl=0"], hosts(ADDRESSES));
      const config = configOf(["127.0.0.1:0", `dns:web.test:${port},workers=16`], { threads });
      const instance = await Instance.start({
        config: { settings: config, listeners: [config] },
        load: () => ({ settings: config, listeners: [config] }),
        logs: quietLogs(),
        lookUps: {
          resolver: makeResolver([dns.setting]),
          pause: (_, signal) => sleep(5, { signal }),
        },
      });
      const listener = async () => (await instance.status()).listeners[0]!;
      const listening = Number(instance.addresses[0]!.split(":").at(-1));
      let stopped = false;
      let sessions = 0;
      const lost: string[] = [];
      const clients = Array.from({ length: CLIENTS }, async () => {
        while (!stopped) {
          const answered = await request(listening, "hello").catch((error) => String(error));
          sessions++;
          if (!ADDRESSES.some((ip) => ip === answered)) lost.push(answered);
        }
      });
      const random = new Random(Date.now());
      let present: readonly string[] = ADDRESSES;
      for (let change = 0; change < changes; change++) {
        const before = present;
        while (present.join() === before.join()) {
          present = ADDRESSES.filter(() => random.chance(0.5));
          if (present.length === 0) present = [ADDRESSES[change % ADDRESSES.length]!];
        }
        await dns.change(hosts(present));
        const wanted = present.map((ip) => `web.test@${ip}:${port}`).join();
        await until(async () => {
          const { destinations } = await listener();
          const there = destinations.filter(({ leaving }) => !leaving).map(({ name }) => name);
          return there.sort().join() === wanted;
        }, `change ${change} is followed: ${wanted}`);
      }
      stopped = true;
      await Promise.all(clients);
      assertEquals(lost, []);
      await until(async () => (await listener()).ended.done === sessions, "all are done");
      const { accepted, ended, names } = await listener();
      assertEquals([accepted, ended], [sessions, { done: sessions }]);
      assertEquals(names[0]!.failures, 0);
      assert(await instance.drain());
      await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()));
    },
  });
}

Deno.test("of 10,000 records one after the other, the latest thousands have the numbers that they had", async () => {
  const resolver = new FakeResolver();
  const address = (i: number) => `127.20.${i >> 8}.${i & 255}`;
  const config = configOf(["127.0.0.1:0", `dns:web:${freePort()}`]);
  const instance = await Instance.start({
    config: { settings: config, listeners: [config] },
    load: () => ({ settings: config, listeners: [config] }),
    logs: quietLogs(),
    lookUps: { resolver, pause: (_, signal) => sleep(0, { signal }) },
  });
  const present = async () => (await instance.status()).listeners[0]!.destinations;
  /** The number of the first of these, once they are there and no others. */
  const numberOf = async (first: number, length: number) => {
    const addresses = Array.from({ length }, (_, i) => address(first + i));
    resolver.addresses("web", ...addresses);
    const found = async () => {
      const destinations = (await present()).filter(({ leaving }) => !leaving);
      const one = destinations.find(({ name }) => name.startsWith(`web@${address(first)}:`));
      return destinations.length === length ? one : undefined;
    };
    await until(async () => await found() !== undefined, `${length} from ${address(first)} on`);
    return Number((await found())!.id.split(".")[1]);
  };
  for (let i = 0; i < 10_000; i += 100) assertEquals(await numberOf(i, 100), i + 2);
  assertEquals(await numberOf(7000, 100), 7002);
  assert(await numberOf(0, 100) > 10_000, "the first ones are new again");
  assert((await present()).length < 300, "those that have left are gone");
  await instance.quit();
});
