import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { MOST_UNFINISHED, Unfinished } from "../../../src/net/tls/unfinished.ts";
import { until } from "../../support/servers.ts";

/** Descriptors that are counted. */
function newHost() {
  return {
    taken: 0,
    enter(number: number) {
      this.taken += number;
    },
    leave(number: number) {
      this.taken -= number;
    },
  };
}

Deno.test("connections that were given up count for their address when a destination has gone", async () => {
  const host = newHost();
  const ends: (() => void)[] = [];
  // A destination that comes and goes, with the same server.
  for (let i = 0; i < 2 * MOST_UNFINISHED; i++) {
    const unfinished = Unfinished.at("10.0.0.1:443", host);
    assertEquals(unfinished.number, Math.min(i, MOST_UNFINISHED));
    if (unfinished.full) continue;
    const { promise, resolve } = Promise.withResolvers<void>();
    ends.push(resolve);
    unfinished.add({ close() {} }, promise);
  }
  const full = Unfinished.at("10.0.0.1:443", host);
  assert(full.full);
  assertEquals(host.taken, MOST_UNFINISHED);
  assertEquals(Unfinished.at("10.0.0.2:443", host).number, 0);
  assertEquals(Unfinished.at("10.0.0.1:443", newHost()).number, 0);
  assertStrictEquals(Unfinished.at("10.0.0.1:443", host), full);
  for (const end of ends) end();
  await until(() => full.number === 0, "all have ended");
  assertEquals(host.taken, 0);
  assert(Unfinished.at("10.0.0.1:443", host) !== full);
});
