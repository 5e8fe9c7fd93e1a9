import { assertEquals } from "@std/assert";
import { RetiredCounters } from "../../src/threads/retired_counters.ts";
import { Histogram } from "../../src/operations/histogram.ts";
import type { DestinationStatus } from "../../src/operations/destination_status.ts";
import type { ListenerStatus } from "../../src/operations/listener_status.ts";
import { listenerOf } from "../support/statuses.ts";
import { addStatuses } from "../../src/operations/listener_status.ts";

/** What a thread tells, with the sessions that each of its destinations has had. */
function told(sessions: Record<string, number>, source = ""): ListenerStatus {
  const { data } = new Histogram();
  const latencies = { queue: data, connect: data, session: data };
  const destinations = Object.entries(sessions).map(([id, number]) => ({
    ...{
      id,
      source,
      state: "up",
      limit: 2,
      workers: 1,
      active: 1,
      failures: 0,
      lookup_failures: 0,
      agent_failures: 0,
      latencies,
    },
    ...{ sessions: number, bytes_up: 10 * number, bytes_down: number },
  } as DestinationStatus));
  return {
    state: "running",
    ended: {},
    latencies,
    forecast: listenerOf({}).forecast,
    names: [],
    routes: [],
    certificates: [],
    destinations,
  } as unknown as ListenerStatus;
}

/** What operators see of two threads: sessions, bytes and workers by destination. */
function seen(departed: RetiredCounters, threads: Record<string, number>[], source?: string) {
  const all = departed.complete(new Map(threads.map((sessions, i) => [i, told(sessions, source)])));
  return addStatuses(all).destinations.map((
    one,
  ) => [one.id, one.sessions, one.bytes_up, one.workers]);
}

Deno.test("what a thread had counted still counts while another one has the destination", () => {
  const departed = new RetiredCounters();
  assertEquals(seen(departed, [{ a: 1, b: 5 }, { a: 1, b: 7 }]), [["a", 2, 20, 2], [
    "b",
    12,
    120,
    2,
  ]]);
  assertEquals(seen(departed, [{ a: 1 }, { a: 1, b: 8 }]), [["a", 2, 20, 2], ["b", 13, 130, 1]]);
  // It comes back, and the first thread begins anew, twice.
  assertEquals(seen(departed, [{ a: 1, b: 2 }, { a: 1, b: 8 }])[1], ["b", 15, 150, 2]);
  assertEquals(seen(departed, [{ a: 1, b: 1 }, { a: 1, b: 8 }])[1], ["b", 16, 160, 2]);
});

Deno.test("what is gone from all threads is forgotten", () => {
  const departed = new RetiredCounters();
  seen(departed, [{ a: 1, b: 5 }, { a: 1, b: 7 }]);
  assertEquals(seen(departed, [{ a: 1 }, { a: 1 }]), [["a", 2, 20, 2]]);
  assertEquals(seen(departed, [{ a: 1, b: 1 }, { a: 1, b: 0 }])[1], ["b", 1, 10, 2]);
});

Deno.test("a record that comes back to a thread goes on counting there, and counts once", () => {
  const departed = new RetiredCounters();
  seen(departed, [{ a: 5 }, { a: 7 }], "web");
  assertEquals(seen(departed, [{}, { a: 8 }], "web"), [["a", 13, 130, 1]]);
  assertEquals(seen(departed, [{ a: 6 }, { a: 8 }], "web"), [["a", 14, 140, 2]]);
  // A thread that was started again has forgotten it.
  assertEquals(seen(departed, [{ a: 1 }, { a: 8 }], "web"), [["a", 15, 150, 2]]);
});

Deno.test("a destination that is configured again counts anew, however fast", () => {
  const departed = new RetiredCounters();
  seen(departed, [{ a: 5 }, { a: 7 }]);
  seen(departed, [{}, { a: 7 }]);
  assertEquals(seen(departed, [{ a: 6 }, { a: 7 }]), [["a", 18, 180, 2]]);
});
