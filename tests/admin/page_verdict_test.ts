import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { datagramsOf, forecastOf, tlsOf } from "../../src/admin/dashboard/page/listener_facts.js";
import {
  ageTone,
  clearsIn,
  firstOf,
  queueOf,
  queueTone,
  ratesOf,
  stillFor,
} from "../../src/admin/dashboard/page/queue_facts.js";
import { serviceOf, slotsOf } from "../../src/admin/dashboard/page/slots.js";
import { healthOf, tabTitle } from "../../src/admin/dashboard/page/verdict.js";
import type { Point } from "../../src/admin/dashboard/page/history.js";
import type { ShownState } from "../../src/operations/states.ts";
import type { ListenerStatus } from "../../src/operations/listener_status.ts";
import { destination, listener } from "../support/fake_page_admin.ts";
import { certificateOf } from "../support/statuses.ts";

const RATES = { arriving: 0, served: 0, ended: 0, idle: 0 };
const RECENT = { sessions_per_s: 0, failures: 0, session_p50_ms: null, session_p99_ms: null };

/** A listener whose destinations, `db1` and so on with 8 slots each, are in these states. */
function of(...states: ShownState[]): ListenerStatus {
  const destinations = states.map((state, i) =>
    destination(`0.${i + 1}`, {
      ...{ name: `db${i + 1}`, state, state_age_ms: 80_000 },
      last_error: state === "down"
        ? { text: "connection refused (os error 111)", age_ms: 900 }
        : null,
    })
  );
  return listener(0, { destinations });
}

/** The same listener with all slots taken and so many who wait. */
function busy(one: ListenerStatus, waiting: number, oldest: number): ListenerStatus {
  const destinations = one.destinations.map((each) => ({ ...each, active: each.limit }));
  return { ...one, destinations, waiting, oldest_waiting_ms: oldest };
}

Deno.test("healthy is who is up and whose queue is young", () => {
  const well = healthOf([of("up", "up")]);
  assertEquals([well.tone, well.title, well.detail, well.others], [
    "good",
    "Healthy",
    "Both destinations are up, nobody waits.",
    [],
  ]);
  const young = busy(of("up", "up", "up"), 400, 7400);
  assertEquals(healthOf([young]).detail, "All 3 destinations are up, the queue moves.");
  assertEquals(tabTitle([young], healthOf([young])), "400 waiting – iawlb");
  assertEquals(
    healthOf([of("up", "drain", "maint")]).detail,
    "1 of 3 destinations is up, 1 in drain, 1 in maintenance, nobody waits.",
  );
});

Deno.test("a queue is old from a quarter of the longest wait on, and nearly too old from three", () => {
  const at = (oldest: number, most = 30_000) =>
    ageTone({ ...busy(of("up"), 20, oldest), waits_at_most_ms: most });
  assertEquals([7400, 7500, 22_400, 22_500].map((ms) => at(ms)), ["good", "wait", "wait", "bad"]);
  assertEquals([at(14_900, 0), at(15_100, 0)], ["good", "wait"], "where nobody is sent away");
  assertEquals(queueTone(busy(of("up"), 930, 10)), "bad", "it is nearly full");
  const old = healthOf([busy(of("up"), 20, 19_000)]);
  assertEquals([old.tone, old.title, old.way], [
    "wait",
    "20 waiting for up to 19 s: every slot is busy",
    "l0",
  ]);
  assertEquals(old.said, "The queue is old: every slot is busy", "without what changes");
  assertEquals(healthOf([busy(of("up"), 20, 25_000)]).tone, "bad");
  const free = { ...of("up"), waiting: 3, oldest_waiting_ms: 9000 };
  assertMatch(healthOf([free]).title, /their destinations have no free slot$/);
  assertEquals(
    healthOf([busy(of("up"), 1000, 10)]).title,
    "The queue is nearly full: every slot is busy",
  );
});

Deno.test("the verdict names who is down, since when and why, and leads there", () => {
  const one = healthOf([of("up", "down")]);
  assertEquals([one.tone, one.title, one.detail, one.way], [
    "bad",
    "db2 is down for 1 min 20 s: connection refused",
    "The other one serves.",
    "d0.2",
  ]);
  const some = healthOf([of("up", "down", "down", "down", "down")]);
  assertEquals(some.title, "4 of 5 destinations are down");
  assertMatch(some.detail, /^db2 for 1 min 20 s: connection refused; db3 .*; and 1 more\.$/);
  const none = healthOf([busy(of("down", "drain"), 2, 61_000)]);
  assertEquals([none.title, none.others], ["No destination is up", []], "and nothing twice");
  assertMatch(none.detail, /^db1 for .* refused\. 2 waiting for up to 1 min 1 s\.$/);
  assertMatch(healthOf([of("drain", "maint")]).detail, /^Each of them is in drain or/);
  const two = [of("up", "suspect"), { ...of("down"), id: 1, name: "mail" }];
  const worst = healthOf(two);
  assertEquals([worst.title, worst.way], ["No destination at mail is up", "l1"]);
  assertEquals(worst.others.map(({ tone, title }) => `${tone}: ${title}`), [
    "wait: db2 is suspect for 1 min 20 s",
  ]);
});

Deno.test("a program that has just started is ready, and alarms nobody", () => {
  const { tone, title, detail } = healthOf([of("untried", "untried")]);
  assertEquals([tone, title], ["plain", "Ready"]);
  assertMatch(detail, /^2 destinations not reached yet/);
  assertEquals(healthOf([of("untried", "down")]).tone, "bad");
});

Deno.test("never is it healthy while it drains, nothing moves or sessions fail", () => {
  const draining = healthOf([{ ...of("up", "down"), active: 3 }], { draining: true });
  assertEquals([draining.tone, draining.title], ["wait", "Draining: 3 sessions to finish"]);
  assertEquals(draining.others.map(({ title }) => title), [
    "db2 is down for 1 min 20 s: connection refused",
  ]);
  const still = (ms: number) => healthOf([busy(of("up"), 2, 6000)], { still: () => ms });
  assertEquals([still(4000).title, still(6000).title], [
    "Healthy",
    "Nothing moves: every slot is busy",
  ]);
  const turned = of("up");
  turned.forecast = { ...turned.forecast, turned_away_per_s: 12 };
  assertEquals(healthOf([turned]).title, "12/s are turned away");
  const failing = { ...of("up"), recent: { ended: { done: 90, "server-reset": 8 } } };
  assertEquals(healthOf([failing]).title, "8 % of the sessions failed lately");
  assertMatch(healthOf([failing]).detail, /^8 of 98 in five minutes, .* a destination cut them\.$/);
  const few = { ...of("up"), recent: { ended: { done: 900, "server-reset": 8 } } };
  assertEquals(healthOf([few]).title, "Healthy");
});

Deno.test("slots are those that sessions get, those of backups are the reserve", () => {
  const one = busy(of("up", "up", "down", "drain"), 0, 0);
  assertEquals(serviceOf([one]), {
    title: "16 of 16 busy",
    detail: "16 sessions to finish beside them",
    share: 1,
  });
  const [first, second] = of("up", "up").destinations;
  const spare = { ...second!, backup: true, tier: 1, limit: 4 };
  const backed = (more: Partial<typeof spare>) => ({
    ...of(),
    destinations: [{ ...first!, active: 9, ...more }, spare],
  });
  assertEquals(serviceOf([backed({})]), {
    title: "8 of 8 busy",
    detail: "4 in reserve, 1 session to finish beside them",
    share: 1,
  }, "never more than all, though the limit sank");
  assertEquals(slotsOf([backed({ state: "down", active: 0 })]).usable, 4, "the backup serves");
  const route = { ...spare, sni: "a.example" };
  assertEquals(
    slotsOf([{ ...of(), destinations: [first!, route] }]),
    { usable: 12, busy: 0, reserve: 0, beside: 0 },
    "it is nobody's backup",
  );
  assertEquals(slotsOf([{ ...of(), destinations: [{ ...first!, weight: 0 }] }]).usable, 0);
});

Deno.test("the queue clears in what waits by what is served", () => {
  const some = { ...of("up"), waiting: 60 };
  assertEquals(
    clearsIn(some, { ...RATES, arriving: 190, served: 200, ended: 200 }),
    "clears in about 0.3 s",
  );
  const more = { ...some, forecast: { ...some.forecast, load: 1.2 } };
  assertEquals(
    clearsIn(more, { ...RATES, arriving: 240, served: 200, ended: 200 }),
    "grows by 40/s",
  );
  const shed = { ...RATES, arriving: 240, served: 200, ended: 238 };
  assertEquals(clearsIn(more, shed), "gets no shorter");
  assertEquals(clearsIn({ ...more, queue: 60 }, shed), "stays full");
  assertEquals(clearsIn(of("up"), { ...RATES, idle: 9000 }), "");
  assertEquals(queueOf([some, of("up")]).title, "60 waiting");
  const point = (t: number, more: object) => ({
    ...{ t, waiting: 1, active: 8, accepted: 0, ended: 0, failed: 0, up: 0, down: 0 },
    ...{ wait: [undefined, undefined], latencies: undefined as never, ...more },
  });
  const points = [1, 2, 3, 4].map((s) => point(s * 1000, s === 1 ? { up: 5 } : {}));
  assertEquals([stillFor(points), stillFor([])], [2000, 0]);
  const rates = ratesOf(
    [point(1000, { accepted: 99 }), point(9000, { accepted: 4, ended: 2 })],
    [],
  );
  assertEquals(rates.arriving, 4, "only the latest seconds count");
});

/** Points of so many seconds, of which each has served what is given for it. */
function served(of: (second: number) => number, seconds = 70): Point[] {
  return Array.from({ length: seconds }, (_, i) => ({
    ...{ t: i * 1000, waiting: 9, active: 8, accepted: 2, ended: 2, failed: 0, up: 0, down: 0 },
    ...{ wait: [null, null], served: of(i) },
  }));
}

Deno.test("what is served is what has left its slot: not who was sent away or has only begun", () => {
  const begun = [destination("0.1", { recent: { ...RECENT, sessions_per_s: 30 } })];
  const rate = (points: Point[]) => ratesOf(points, begun).served;
  assertEquals(rate(served(() => 20)), 20);
  assertEquals(rate(served((i) => i < 60 ? 20 : 0)), 0, "five seconds without one in such a rush");
  assertEquals(rate(served((i) => i % 10 === 0 ? 1 : 0)), 0.1, "who serves slowly does serve");
  assertEquals(rate(served(() => 0)), 0);
  const told = served(() => 0).map(({ served: _, ...point }) => point);
  assertEquals(rate(told), 2, "of what the program has told, no more than has ended");
  const still = { ...RATES, served: 0, idle: 5000 };
  assertEquals(clearsIn(busy(of("up"), 9, 10), still), "does not move");
  assertEquals(clearsIn(busy(of("up"), 9, 10), { ...still, idle: 4000 }), "", "it has just begun");
});

Deno.test("who is next is said by the order in force", () => {
  const one = busy(of("up"), 9, 1500);
  assertEquals(
    (["oldest", "newest", "turns", "several"] as const).map((next) => {
      return firstOf({ ...one, next });
    }),
    [
      "next, here for 1.5 s",
      "oldest, here for 1.5 s; the newest is next",
      "oldest, here for 1.5 s; clients take turns",
      "oldest, here for 1.5 s; others wait for other destinations",
    ],
  );
});

Deno.test("who is turned away is told once, and nearly all are not all", () => {
  const ended = { done: 3, "refused-overflow": 997 };
  const listener = { ...of("up"), recent: { ended } };
  assertEquals(healthOf([listener]).title, "99 % of the sessions failed lately");
  const now = { ...listener.forecast, turned_away_per_s: 16 };
  const { title, others } = healthOf([{ ...listener, forecast: now }]);
  assertEquals([title, others.length], ["16/s are turned away", 0]);
});

Deno.test("what is foreseen is told in one sentence, and nothing of a listener that is idle", () => {
  const idle = listener(0, { waiting: 0 });
  assertEquals(forecastOf(idle), "");
  const forecast = {
    ...{ expected_wait_ms: 1200, clears_in_ms: null, load: 1.25, gave_up_per_s: 3 },
    ...{ offered_per_s: 125, capacity_per_s: 100, turned_away_per_s: 0 },
  };
  assertEquals(
    forecastOf({ ...idle, waiting: 120, forecast }),
    "1.3 times what can be served arrives, 3.0 clients/s give up.",
  );
  assertEquals(
    forecastOf({ ...idle, overloaded: 1, patience_ms: 980 }),
    "It is overloaded, clients are patient for 980 ms.",
  );
  assertEquals(forecastOf({ ...idle, overloaded: 1, patience_ms: 0 }), "It is overloaded.");
});

Deno.test("TLS with clients is told of, and the certificate that ends first", () => {
  assertEquals(tlsOf(listener(0)), { text: "", tone: "plain" });
  const counts = { tls_handshakes: 1, tls_pending: 3, ended: { "tls-failed": 2 } };
  assertEquals(tlsOf({ ...listener(0), ...counts, certificates: [certificateOf(40.5)] }), {
    text: "TLS: 1 handshake, 3 under way, 2 failed. Its certificate, a.example, ends in 40 days.",
    tone: "plain",
  });
  const certificates = [certificateOf(40), certificateOf(5.5, "b.example"), certificateOf(20)];
  const { text, tone } = tlsOf({ ...listener(0), certificates });
  assertStringIncludes(text, " Of 3 certificates the first to end, b.example, ends in 5 days.");
  assertEquals([tone, tlsOf({ ...listener(0), certificates: [certificateOf(-1.5)] }).tone], [
    "wait",
    "bad",
  ]);
});

Deno.test("datagrams are told of where there were some, the lost ones with why", () => {
  assertEquals(datagramsOf(listener(0)), "");
  const some = { datagrams_up: 12_345, datagrams_down: 1 };
  assertEquals(datagramsOf(listener(0, some)), "12,345 datagrams up, 1 down.");
  const lost = { datagrams_dropped: 3, datagrams_unsent: 2 };
  assertEquals(datagramsOf(listener(0, lost)), "0 datagrams up, 0 down, 3 dropped, 2 unsent.");
});
