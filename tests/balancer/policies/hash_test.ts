// --balance hash: which client has which destination.
import { assert, assertEquals } from "@std/assert";
import { fc } from "../../support/properties.ts";
import { only, without } from "../../../src/async/audience.ts";
import { Hash } from "../../../src/balancer/policies/hash.ts";
import { OPTIONS } from "../../../src/config/options.ts";
import { Destination } from "../../../src/destinations/destination.ts";
import { configOf } from "../../support/config.ts";
import { Random } from "../../support/random.ts";
import { sessionOf } from "../../support/queue.ts";

const MASK = OPTIONS.hashMask.default;
const CLIENTS = 10_000;

/** Destinations as they are configured, numbered from 1. */
function destinationsOf(...texts: string[]): Destination[] {
  const { destinations } = configOf(["1", ...texts]);
  return destinations.map((config, i) => new Destination(config, () => 0, i + 1));
}

function numbered(number: number, options = ""): Destination[] {
  const texts = Array.from({ length: number }, (_, i) => `10.0.${i >> 8}.${i & 255}:80${options}`);
  return destinationsOf(...texts);
}

/** A policy with these destinations, all of which serve and have a free slot. */
function policyOf(destinations: Destination[], hashMask = MASK): Hash {
  const policy = new Hash({ hashMask, hashWait: 1000 });
  for (const one of destinations) enter(policy, one);
  return policy;
}

function enter(policy: Hash, destination: Destination): void {
  policy.add(destination);
  policy.note(destination, true);
  policy.update(destination, true);
}

function clients(): string[] {
  const random = new Random(12);
  return Array.from({ length: CLIENTS }, () => {
    return Array.from({ length: 4 }, () => random.below(256)).join(".");
  });
}

const chosen = (policy: Hash, client: string) => policy.choose(sessionOf(1, { client }))?.name;
const next = (policy: Hash, client: string) => policy.next(undefined, sessionOf(1, { client }));

/** How many clients have each destination. */
function count(policy: Hash, all = clients()): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const client of all) {
    const name = chosen(policy, client)!;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

/** The orders of some clients, as an implementation in another language makes them, too. */
const GOLDEN = {
  "127.0.0.1": "253641",
  "127.0.0.2": "236514",
  "10.20.30.40": "326415",
  "192.0.2.255": "653241",
  "203.0.113.77": "432615",
  "::1": "234615",
  "2001:db8::1": "253146",
  "2001:db8:85a3::8a2e:370:7334": "251346",
};

Deno.test("who has which destination never changes: not in another version, not elsewhere", () => {
  const destinations = destinationsOf(
    "9001",
    "localhost:9002,weight=2",
    "10.0.0.7:http,weight=3",
    "[2001:db8::1]:443",
    "unix:/run/app.sock",
    "example.org:5432,name=db",
  );
  const policy = policyOf(destinations);
  for (const [client, numbers] of Object.entries(GOLDEN)) {
    assertEquals(order(client), numbers, client);
  }

  /** All of them, by taking the first one away again and again. */
  function order(client: string): string {
    const session = sessionOf(1, { client });
    const numbers: number[] = [];
    for (let one = policy.choose(session); one; one = policy.choose(session)) {
      numbers.push(one.number);
      session.audience = without(session.audience, one);
    }
    return numbers.join("");
  }
});

Deno.test("of n destinations one that comes gets its share of the clients, and nobody else moves", () => {
  for (const number of [2, 5, 50]) {
    const destinations = numbered(number);
    const policy = policyOf(destinations.slice(1));
    const before = clients().map((client) => chosen(policy, client));
    enter(policy, destinations[0]!);
    const name = destinations[0]!.name;
    let moved = 0;
    for (const [i, client] of clients().entries()) {
      const now = chosen(policy, client);
      if (now === before[i]) continue;
      assertEquals(now, name);
      moved++;
    }
    assertShare(moved, 1 / number);
    // One that goes gives back exactly these.
    policy.remove(destinations[0]!);
    assertEquals(clients().map((client) => chosen(policy, client)), before);
  }
});

Deno.test("one that does not serve has no clients, and gets the same ones when it is back", () => {
  const destinations = numbered(7);
  const policy = policyOf(destinations);
  const before = clients().map((client) => chosen(policy, client));
  const { name } = destinations[3]!;
  policy.note(destinations[3]!, false);
  const counts: Record<string, number> = {};
  for (const [i, client] of clients().entries()) {
    const now = chosen(policy, client)!;
    if (before[i] !== name) assertEquals(now, before[i]);
    else counts[now] = (counts[now] ?? 0) + 1;
  }
  // Each of the others has its part of them.
  assertEquals(Object.keys(counts).length, 6);
  for (const number of Object.values(counts)) assertShare(number, 1 / 42);
  policy.note(destinations[3]!, true);
  assertEquals(clients().map((client) => chosen(policy, client)), before);
  assertEquals([policy.serves(destinations[3]!), policy.serves({})], [true, false]);
});

Deno.test("the shares of the clients are those of the weights", () => {
  const policy = policyOf(
    destinationsOf("10.0.0.1:80", "10.0.0.2:80,weight=2", "10.0.0.3:80,weight=3"),
  );
  const counts = count(policy);
  for (const weight of [1, 2, 3]) assertShare(counts[`10.0.0.${weight}:80`]!, weight / 6);
  const many = numbered(100);
  const even = Object.values(count(policyOf(many)));
  assertEquals(even.length, 100);
  for (const number of even) assertShare(number, 1 / 100);
});

Deno.test("neighbouring addresses, too, are spread by the weights", () => {
  const policy = policyOf(destinationsOf("9001", "9002", "9003,weight=2"));
  const networks = Array.from({ length: CLIENTS }, (_, i) => `10.1.${i >> 8}.${i & 255}`);
  const v6 = Array.from({ length: CLIENTS }, (_, i) => `2001:db8:${i.toString(16)}::1`);
  for (const all of [networks, v6]) {
    const counts = count(policy, all);
    for (const [name, share] of [["9001", 1 / 4], ["9002", 1 / 4], ["9003", 1 / 2]] as const) {
      assertShare(counts[name]!, share);
    }
  }
});

Deno.test("a weight that grows wins clients and loses none, as in a slow start; with 0 nobody comes", () => {
  const destinations = numbered(3);
  const policy = policyOf(destinations);
  const [first] = destinations as [Destination];
  const full = clients().map((client) => chosen(policy, client));
  let before = new Set<string>();
  for (const weight of [0, 1 / 64, 0.25, 0.5, 0.75, 1, 2, 256]) {
    first.config = { ...first.config, weight };
    policy.note(first, weight > 0);
    const own = new Set(clients().filter((client) => chosen(policy, client) === first.name));
    for (const client of before) assert(own.has(client), `${weight}`);
    assertShare(own.size, weight / (weight + 2));
    if (weight === 1) assertEquals(clients().map((client) => chosen(policy, client)), full);
    before = own;
  }
});

Deno.test("neither the place of a destination counts nor what it is called", () => {
  const texts = ["10.0.0.1:80", "10.0.0.2:80,weight=3", "10.0.0.3:80", "10.0.0.4:80,weight=3"];
  const inOrder = policyOf(destinationsOf(...texts));
  const turned = destinationsOf(...texts.toReversed().map((text, i) => `${text},name=x${i}`));
  const policy = policyOf(turned);
  // Whatever comes and goes meanwhile.
  for (const one of turned) {
    policy.note(one, false);
    policy.note(one, true);
  }
  policy.remove(turned[1]!);
  enter(policy, turned[1]!);
  for (const client of clients().slice(0, 2000)) {
    const { address } = policy.choose(sessionOf(1, { client }))!.config;
    assertEquals(address, inOrder.choose(sessionOf(1, { client }))!.config.address);
  }
});

Deno.test("clients of a network under the mask have the same destination, also mapped into IPv6", () => {
  const policy = policyOf(numbered(50), { v4: 20, v6: 56 });
  const exact = policyOf(numbered(50));
  const same = [
    ["192.0.16.1", "192.0.31.255", "::ffff:192.0.20.7", "::ffff:c000:1001"],
    ["2001:db8:0:1200::", "2001:db8:0:12ff:ffff::1", "2001:db8:0:1234::%eth0"],
  ];
  for (const network of same) {
    assertEquals(new Set(network.map((client) => chosen(policy, client))).size, 1);
    assert(new Set(network.map((client) => chosen(exact, client))).size > 1);
  }
  assert(chosen(policy, "192.0.31.255") !== chosen(policy, "192.0.32.0"));
  assertEquals(chosen(exact, "::ffff:10.1.2.3"), chosen(exact, "10.1.2.3"));
});

Deno.test("the next one is the first of a client's order that has a free slot and may have it", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.nat(5)),
      fc.option(fc.nat(5), { nil: undefined }),
      fc.constantFrom("1", "3"),
      fc.ipV4(),
      (full, avoided, weight, client) => {
        const texts = [1, 2, 3, 4, 5, 6].map((i) => `900${i},weight=${i % 2 ? 1 : weight}`);
        const destinations = destinationsOf(...texts);
        const policy = policyOf(destinations);
        for (const i of full) policy.update(destinations[i]!, false);
        const audience = avoided === undefined
          ? undefined
          : without(undefined, destinations[avoided]!);
        const session = sessionOf(1, { client, ...audience && { audience } });
        const expected = policyOf(
          destinations.filter((_, i) => !full.includes(i) && i !== avoided),
        ).choose(session);
        assertEquals(policy.next(audience, session)?.name, expected?.name);
        // To ask whether anybody has a free slot takes no session.
        assertEquals(policy.next(audience) === undefined, expected === undefined);
        for (const one of destinations) {
          const free = !full.includes(destinations.indexOf(one));
          assertEquals(policy.next(only(one), session), free ? one : undefined);
        }
      },
    ),
  );
});

Deno.test("whatever has come and gone, the order is that of those who are there now", () => {
  const destinations = numbered(6);
  const step = fc.record({ which: fc.nat(5), weight: fc.constantFrom(0, 1, 1, 2) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const policy = policyOf(destinations);
      for (const { which, weight } of steps) {
        const one = destinations[which]!;
        one.config = { ...one.config, weight };
        policy.note(one, weight > 0);
      }
      const fresh = policyOf(destinations.filter(({ weight }) => weight > 0));
      for (const client of clients().slice(0, 20)) {
        assertEquals(chosen(policy, client), chosen(fresh, client));
      }
      for (const one of destinations) one.config = { ...one.config, weight: 1 };
    }),
  );
});

Deno.test("a client without an address has no order: the destination with the fewest gets it", () => {
  const destinations = numbered(3);
  const policy = policyOf(destinations);
  assertEquals(policy.choose(sessionOf(1)), undefined);
  const served: number[] = [];
  for (let id = 1; id <= 6; id++) {
    const one = policy.next(undefined, sessionOf(id))!;
    one.workers++;
    policy.update(one, true);
    served.push(one.number);
  }
  assertEquals(served, [1, 2, 3, 1, 2, 3]);
  assertEquals(next(policy, "10.0.0.1")?.name, chosen(policy, "10.0.0.1"));
});

/** So many of all clients are a share of them, but for chance: five standard deviations. */
function assertShare(number: number, share: number): void {
  const expected = CLIENTS * share;
  const bound = 5 * Math.sqrt(expected * (1 - share));
  assert(Math.abs(number - expected) <= bound, `${number} instead of ${expected} ± ${bound}`);
}
