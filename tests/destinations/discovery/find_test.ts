import { assert, assertEquals, assertRejects } from "@std/assert";
import { fc } from "../../support/properties.ts";
import { messageOf } from "../../../src/base/errors.ts";
import { find } from "../../../src/destinations/discovery/find.ts";
import type { Finding, Found } from "../../../src/destinations/discovery/found.ts";
import { weigh } from "../../../src/destinations/discovery/weights.ts";
import { type Answer, ResolveError } from "../../../src/net/dns/records.ts";
import { parseRecordsName } from "../../../src/net/records_name.ts";
import {
  FakeResolver,
  NO_NAME,
  NO_RECORD,
  recordsOf,
  servicesOf,
} from "../../support/fake_resolver.ts";

function look(name: string, resolver: FakeResolver, known: readonly Found[] = []) {
  const { signal } = new AbortController();
  return find(parseRecordsName(name)!, { resolver, known, signal });
}

/** The servers as `ADDRESS:PORT`, for a service with weight and tier. */
function shown(finding: Finding): string[] {
  if (finding.kind === "empty") return [finding.why];
  return finding.servers.map(({ hostname, port, weight, tier }) => {
    return `${hostname}:${port}${weight === undefined ? "" : ` weight ${weight} tier ${tier}`}`;
  });
}

function known(...addresses: string[]): Found[] {
  return addresses.map((hostname) => ({ hostname, port: 80, tier: 0 }));
}

Deno.test("a host leads to all its addresses, whatever order they come in", async () => {
  const resolver = new FakeResolver().addresses("web", "10.0.0.10", "2001:db8::1", "10.0.0.9");
  const expected = ["10.0.0.9:80", "10.0.0.10:80", "2001:db8::1:80"];
  assertEquals(shown(await look("dns:web:80", resolver)), expected);
  resolver.addresses("web", "2001:db8::1", "10.0.0.9", "10.0.0.10", "10.0.0.9");
  assertEquals(shown(await look("dns:web:http", resolver)), expected);
});

Deno.test("one kind of address that is not there makes no empty answer", async () => {
  const resolver = new FakeResolver().addresses("web", "10.0.0.1");
  const before = known("2001:db8::9");
  assertEquals(shown(await look("dns:web:80", resolver, before)), ["10.0.0.1:80"]);
  resolver.addresses("web", "2001:db8::1");
  assertEquals(shown(await look("dns:web:80", resolver, before)), ["2001:db8::1:80"]);
});

Deno.test("one kind of address that is not answered stays what it was, and is told", async () => {
  const resolver = new FakeResolver().addresses("web", "10.0.0.1", "10.0.0.2");
  resolver.set("AAAA", "web", new ResolveError("SERVFAIL"));
  const finding = await look("dns:web:80", resolver, known("10.0.0.7", "2001:db8::9"));
  assertEquals(shown(finding), ["10.0.0.1:80", "10.0.0.2:80", "2001:db8::9:80"]);
  assertEquals(finding.kind === "found" && messageOf(finding.trouble), "SERVFAIL");
});

Deno.test("half an answer that leaves nothing is a failure, and no empty answer", async () => {
  const resolver = new FakeResolver().set("A", "web", new ResolveError("late"));
  resolver.set("AAAA", "web", NO_RECORD);
  const failure = look("dns:web:80", resolver, known("2001:db8::9"));
  await assertRejects(() => failure, ResolveError, "late");
});

Deno.test("what both kinds deny is empty, for the shortest time that is said", async () => {
  const resolver = new FakeResolver();
  assertEquals(await look("dns:web:80", resolver), {
    kind: "empty",
    why: "no such name",
    ttl: undefined,
  });
  resolver.set("A", "web", { ...NO_RECORD, ttl: 7 }).set("AAAA", "web", NO_NAME);
  assertEquals(await look("dns:web:80", resolver), { kind: "empty", why: "no such name", ttl: 7 });
});

Deno.test("an answer holds as long as the record that holds shortest", async () => {
  const resolver = new FakeResolver().set("A", "web", recordsOf("A", ["10.0.0.1"], 5));
  resolver.set("AAAA", "web", recordsOf("AAAA", ["2001:db8::1"], 3));
  const finding = await look("dns:web:80", resolver);
  assertEquals(finding.kind === "found" && finding.ttl, 3);
});

Deno.test("a service leads to the targets of its records, with weights and tiers", async () => {
  const resolver = new FakeResolver().set(
    "SRV",
    "_web._tcp.example",
    servicesOf([
      "20 5 8080 c.example 10.0.0.3",
      "10 10 8080 a.example 10.0.0.1",
      "10 30 8081 b.example 10.0.0.2",
      "10 0 8082 d.example 10.0.0.2",
    ]),
  );
  assertEquals(shown(await look("srv:_web._tcp.example", resolver)), [
    "10.0.0.1:8080 weight 10 tier 0",
    "10.0.0.2:8081 weight 30 tier 0",
    "10.0.0.2:8082 weight 1 tier 0",
    "10.0.0.3:8080 weight 1 tier 1",
  ]);
});

Deno.test("targets without addresses in the answer are looked up as whole names", async () => {
  const resolver = new FakeResolver()
    .set("SRV", "web", servicesOf(["1 1 80 a.example", "1 1 81 a.example", "1 1 80 b.example"]))
    .addresses("a.example.", "10.0.0.1", "2001:db8::1")
    .addresses("b.example.", "10.0.0.2");
  assertEquals(shown(await look("srv:web", resolver)), [
    "10.0.0.1:80 weight 1 tier 0",
    "10.0.0.1:81 weight 1 tier 0",
    "10.0.0.2:80 weight 2 tier 0",
    "2001:db8::1:80 weight 1 tier 0",
    "2001:db8::1:81 weight 1 tier 0",
  ]);
  assertEquals(resolver.asked.filter((question) => question === "A a.example.").length, 1);
});

Deno.test("a target that is not answered keeps its addresses, and the others count", async () => {
  const resolver = new FakeResolver()
    .set("SRV", "web", servicesOf(["1 1 80 a.example", "1 1 80 b.example"]))
    .addresses("a.example.", "10.0.0.1")
    .addresses("b.example.", "10.0.0.2");
  const before = await look("srv:web", resolver);
  resolver.fails("b.example.").addresses("a.example.", "10.0.0.9");
  const finding = await look("srv:web", resolver, before.kind === "found" ? before.servers : []);
  assertEquals(shown(finding), ["10.0.0.2:80 weight 1 tier 0", "10.0.0.9:80 weight 1 tier 0"]);
  assertEquals(finding.kind === "found" && finding.trouble instanceof ResolveError, true);
  await assertRejects(
    () => look("srv:web", resolver.fails("a.example.")),
    ResolveError,
    "SERVFAIL",
  );
});

Deno.test("a service whose only target is a dot, or has no address, is empty", async () => {
  const resolver = new FakeResolver().set("SRV", "web", servicesOf(["0 0 0 ."]));
  assertEquals(shown(await look("srv:web", resolver)), ["the service is not there"]);
  resolver.set("SRV", "web", servicesOf(["0 0 80 gone.example"]));
  assertEquals(shown(await look("srv:web", resolver)), ["no target has an address"]);
});

Deno.test("a name leads to at most 1,000 servers, those of the first tiers", async () => {
  const many = Array.from({ length: 1200 }, (_, i) => `10.1.${i >> 8}.${i & 255}`);
  const resolver = new FakeResolver().addresses("web", ...many);
  const finding = await look("dns:web:80", resolver);
  assertEquals(finding.kind === "found" && [finding.servers.length, finding.beyond], [1000, 200]);
  const records = many.map((address, i) => `${i < 200 ? 2 : 1} 1 80 t${i}.example ${address}`);
  const service = await look("srv:web", resolver.set("SRV", "web", servicesOf(records)));
  assertEquals(
    service.kind === "found" && new Set(service.servers.map(({ tier }) => tier)).size,
    1,
  );
});

Deno.test("a look-up that is given up says so, and nothing of it goes on", async () => {
  const resolver = new FakeResolver().set("SRV", "web", servicesOf(["0 0 80 slow.example"]));
  resolver.set("A", "slow.example.", new Promise(() => {}));
  const giveUp = new AbortController();
  const lookup = parseRecordsName("srv:web")!;
  const finding = find(lookup, { resolver, known: [], signal: giveUp.signal });
  const reason = new Error("given up");
  giveUp.abort(reason);
  assertEquals(await finding.catch((error) => error), reason);
  assertEquals(resolver.open, 0);
});

Deno.test("weights keep their proportions in whole numbers from 1 to 256", () => {
  const weightsOf = (...weights: number[]) => {
    const candidates = weights.map((weight, i) => {
      return { hostname: `10.0.0.${i}`, port: 80, target: "t", priority: 0, weight };
    });
    return weigh(candidates).map(({ weight }) => weight);
  };
  assertEquals(weightsOf(10, 20, 30), [1, 2, 3]);
  assertEquals(weightsOf(100, 100), [1, 1]);
  assertEquals(weightsOf(0, 1, 3), [1, 1, 3]);
  assertEquals(weightsOf(65535, 1), [256, 1]);
  assertEquals(weightsOf(1 / 3, 1), [1, 3]);
  fc.assert(fc.property(fc.array(fc.integer({ min: 0, max: 65535 }), { minLength: 1 }), (given) => {
    const weights = weightsOf(...given) as number[];
    const most = Math.max(1, ...given);
    for (const [i, weight] of weights.entries()) {
      const [share, exact] = [weight / Math.max(...weights), (given[i] || 1) / most];
      if (weight < 1 || weight > 256 || !Number.isInteger(weight)) throw new Error(`${weight}`);
      // Where 256 is not enough for the proportion, it is as near as a step allows.
      if (Math.abs(share - exact) > Math.max(0.025 * exact, 1 / 256)) {
        throw new Error(`${given} became ${weights}`);
      }
    }
  }));
});

Deno.test("a target keeps the addresses that no longer come with the answer, until it is asked itself", async () => {
  const resolver = new FakeResolver()
    .set("SRV", "web", servicesOf(["1 1 80 a.example", "1 1 80 b.example 10.0.0.2"]))
    .addresses("a.example.", "10.0.0.1", "2001:db8::1");
  const serversOf = (finding: Finding) => finding.kind === "found" ? finding.servers : [];
  const before = await look("srv:web", resolver);
  assertEquals(resolver.asked.includes("A b.example."), false);
  // Only one kind of them had room this time.
  resolver.set(
    "SRV",
    "web",
    servicesOf(["1 1 80 a.example 10.0.0.1", "1 1 80 b.example 10.0.0.2"]),
  );
  const after = await look("srv:web", resolver, serversOf(before));
  assertEquals(shown(after), shown(before));
  resolver.addresses("a.example.", "10.0.0.1");
  const later = await look("srv:web", resolver, serversOf(after));
  assertEquals(shown(later), ["10.0.0.1:80 weight 1 tier 0", "10.0.0.2:80 weight 1 tier 0"]);
  resolver.asked.length = 0;
  await look("srv:web", resolver, serversOf(later));
  assertEquals(resolver.asked, ["SRV web"]);
  // What came along counts where nobody knows better.
  resolver.set("SRV", "web", servicesOf(["1 1 80 a.example 10.0.0.9"])).fails("a.example.");
  assertEquals(shown(await look("srv:web", resolver, serversOf(later))), [
    "10.0.0.9:80 weight 1 tier 0",
  ]);
});

Deno.test("a target of several ports that is not answered keeps its weights", async () => {
  const resolver = new FakeResolver()
    .set("SRV", "web", servicesOf(["1 1 80 a.example", "1 1 81 a.example", "1 1 80 b.example"]))
    .addresses("a.example.", "10.0.0.1")
    .addresses("b.example.", "10.0.0.2");
  const before = await look("srv:web", resolver);
  resolver.fails("a.example.");
  const after = await look("srv:web", resolver, before.kind === "found" ? before.servers : []);
  assertEquals(shown(after), shown(before));
});

Deno.test("a server that is silent about one kind of addresses does not hold up the first servers", async () => {
  const resolver = new FakeResolver().addresses("web", "10.0.0.1");
  const later = Promise.withResolvers<Answer>();
  resolver.set("AAAA", "web", later.promise);
  const first = await look("dns:web:80", resolver);
  assertEquals(shown(first), ["10.0.0.1:80"]);
  assert(first.kind === "found" && first.trouble !== undefined, "it is looked up again soon");
  const second = look("dns:web:80", resolver, first.servers);
  later.resolve(recordsOf("AAAA", ["2001:db8::1"]));
  assertEquals(shown(await second), ["10.0.0.1:80", "2001:db8::1:80"]);
});
