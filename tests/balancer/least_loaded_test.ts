import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { Destination } from "../../src/destinations/destination.ts";
import { LeastLoaded } from "../../src/balancer/least_loaded.ts";

function destination(port: number): Destination {
  const address = { transport: "tcp", hostname: undefined, port } as const;
  const config = {
    address,
    key: `${port}`,
    name: `${port}`,
    workers: 10,
    weight: 1,
    backup: false,
    check: null,
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
        const ranking = new LeastLoaded(destinations);
        const usable = new Set<Destination>();
        for (const change of changes) {
          const changed = destinations[change.which % number]!;
          changed.workers = change.workers;
          ranking.update(changed, change.usable);
          if (change.usable) usable.add(changed);
          else usable.delete(changed);
          const ranked = destinations.filter((one) => usable.has(one));
          const least = Math.min(...ranked.map(({ load }) => load));
          assertEquals(ranking.first?.name, ranked.find(({ load }) => load === least)?.name);
        }
      },
    ),
    { numRuns: 500 },
  );
});
