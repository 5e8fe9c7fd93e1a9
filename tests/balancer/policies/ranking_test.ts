import { NO_TLS } from "../../support/no_tls.ts";
import { assertEquals } from "@std/assert";
import { fc } from "../../support/properties.ts";
import { Destination } from "../../../src/destinations/destination.ts";
import { Ranking } from "../../../src/balancer/policies/ranking.ts";
import { only, without } from "../../../src/async/audience.ts";

function destination(port: number): Destination {
  const address = { transport: "tcp", hostname: undefined, port } as const;
  const config = {
    address,
    key: `${port}`,
    name: `${port}`,
    workers: 10,
    "workers-max": 256,
    weight: 1,
    backup: 0,
    check: null,
    sni: [],
    alpn: [],
    "send-proxy": "off" as const,
    ...NO_TLS,
    "agent-check": null,
  };
  return new Destination(config, () => 0);
}

Deno.test("the least loaded comes first, by order among equals, and only if it is usable", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 9 }),
      fc.array(fc.record({ which: fc.nat(8), workers: fc.nat(9), usable: fc.boolean() })),
      (number, changes) => {
        const destinations = Array.from({ length: number }, (_, i) => destination(i + 1));
        const ranking = new Ranking({ loadOf: ({ load }) => load, ties: "order" });
        for (const one of destinations) ranking.add(one);
        const usable = new Set<Destination>();
        for (const change of changes) {
          const changed = destinations[change.which % number]!;
          changed.workers = change.workers;
          ranking.update(changed, change.usable);
          if (change.usable) usable.add(changed);
          else usable.delete(changed);
          const ranked = destinations.filter((one) => usable.has(one));
          const least = Math.min(...ranked.map(({ load }) => load));
          const expected = ranked.filter(({ load }) => load === least)[0];
          assertEquals(ranking.next()?.name, expected?.name);
          assertEquals(ranking.next(only(changed)), change.usable ? changed : undefined);
          for (const audience of [without(undefined, changed), new Set(destinations.slice(1, 4))]) {
            const members = ranked.filter((one) => audience.has(one));
            const least = Math.min(...members.map(({ load }) => load));
            assertEquals(ranking.next(audience), members.find(({ load }) => load === least));
          }
        }
      },
    ),
    { numRuns: 500 },
  );
});

Deno.test("equals have their turns: the one whose load has not grown for the longest is next", () => {
  const destinations = [1, 2, 3].map(destination);
  const ranking = new Ranking({ loadOf: ({ workers }) => workers, ties: "turns" });
  for (const one of destinations) {
    ranking.add(one);
    ranking.update(one, true);
  }
  const served: string[] = [];
  for (let i = 0; i < 7; i++) {
    const next = ranking.next()!;
    served.push(next.name);
    // A short session, that has ended before the next one comes.
    for (const workers of [1, 0]) {
      next.workers = workers;
      ranking.update(next, workers === 0);
    }
  }
  assertEquals(served.join(""), "1231231");
});
