import { assert, assertEquals } from "@std/assert";
import { History } from "../../src/admin/dashboard/page/history.js";
import { Past } from "../../src/admin/dashboard/page/past.js";
import { LOWEST_BUCKET, PER_DOUBLING } from "../../src/operations/fine_counts.ts";
import { END_REASONS } from "../../src/operations/end_reasons.ts";
import type { Mark } from "../../src/operations/history.ts";
import { historyOf, pastOf } from "../support/histories.ts";
import { latenciesOf, listenerOf, statusOf } from "../support/statuses.ts";

const CONSTANTS = {
  fineness: { perDoubling: PER_DOUBLING, lowest: LOWEST_BUCKET },
  reasons: END_REASONS,
};

function mark(different: Partial<Mark>): Mark {
  return { time: "2026-01-01T00:00:00Z", uptime_ms: 1, kind: "up", text: "", ...different };
}

Deno.test("rates and waits are those of the time between two looks", () => {
  const history = new History(CONSTANTS);
  const look = (t: number, accepted: number, slow: number) =>
    history.add(
      listenerOf({
        accepted,
        waiting: 2,
        active: 3,
        ended: { done: accepted / 2, "client-gone": accepted / 4, "connect-failed": accepted / 4 },
        bytes_up: accepted * 10,
        latencies: latenciesOf({ queue: [...Array(50).fill(0.2), ...Array(slow).fill(800)] }),
      }),
      t,
    );
  look(1000, 100, 0);
  assertEquals(history.points, [], "one look makes no rate");
  look(3000, 140, 10);
  const point = history.points[0]!;
  assertEquals([point.accepted, point.ended, point.failed, point.up], [20, 20, 5, 200]);
  assertEquals([point.waiting, point.active], [2, 3]);
  const [median, tail] = point.wait;
  assert(median! > 500 && tail! <= 1000, "only what was counted in between");
  look(3100, 900, 10);
  assertEquals(history.points.length, 1, "looks in quick succession make no rate");
  look(4000, 140, 10);
  assertEquals(history.points.at(-1)!.wait[0], undefined, "nobody has waited since");
  look(400_000, 140, 10);
  assertEquals(history.points.length, 1, "five minutes are kept");
  look(1000, 0, 0);
  assertEquals(history.points, [], "a program that was started again starts again");
});

Deno.test("the page goes on from what the program has told", () => {
  const past = new Past(CONSTANTS, () => Promise.reject(new Error("nobody is asked")));
  const values = { waiting: (step: number) => step, wait_p50_ms: () => 4, failed_per_s: () => 1 };
  past.take(historyOf({
    uptime_ms: 60_000,
    listeners: [pastOf({ id: 1, name: "web", steps: 3, values })],
    marks: [mark({ kind: "start" }), mark({ listener: "web" }), mark({ listener: "db" })],
  }));
  const { points } = past.of(1);
  assertEquals(points.map(({ t, waiting }) => [t, waiting]), [[58_000, 0], [59_000, 1], [
    60_000,
    2,
  ]]);
  assertEquals([points[0]!.wait, points[0]!.failed], [[4, null], 1]);
  for (const [uptime_ms, accepted] of [[60_300, 100], [61_300, 110]] as const) {
    past.add(statusOf({ uptime_ms, listeners: [listenerOf({ accepted, name: "web" })] }));
  }
  assertEquals(past.of(1).points.map(({ accepted }) => accepted), [0, 0, 0, 10]);
  past.mark(mark({ kind: "down", listener: "web" }));
  assertEquals(past.marksOf("web").map(({ kind }) => kind), ["start", "up", "down"]);
  assertEquals(past.marksOf("db").map(({ kind }) => kind), ["start", "up"]);
  // Told again, as after a connection that was lost, nothing is there twice.
  past.take(
    historyOf({ uptime_ms: 62_000, listeners: [pastOf({ id: 1, name: "web", steps: 5 })] }),
  );
  assertEquals(past.of(1).points.map(({ t }) => t), [58_000, 59_000, 60_000, 61_000, 62_000]);
});

Deno.test("a day is asked for when it is wanted, once for all listeners", async () => {
  const asked: string[] = [];
  const past = new Past(CONSTANTS, (path) => {
    asked.push(path);
    const told = historyOf({
      ...{ span: "24h", step_ms: 60_000, uptime_ms: 120_000 },
      listeners: [1, 2].map((id) => pastOf({ id, name: `l${id}`, steps: 2 })),
    });
    return Promise.resolve({ json: () => Promise.resolve(told) });
  });
  await past.wantDay(1, true);
  assertEquals(past.of(1).day.map(({ t }) => t), [60_000, 120_000]);
  assertEquals(past.of(1).points, []);
  await past.wantDay(2, true);
  past.add(statusOf({ listeners: [1, 2].map((id) => listenerOf({ id })) }));
  assertEquals([asked, past.of(2).day.length], [["/history?span=24h"], 2]);
});
