/// <reference lib="dom" />
import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  linesOf,
  nearest,
  roundTop,
  thinned,
  ticksOf,
} from "../../src/admin/dashboard/page/scale.js";
import type { Series, Span } from "../../src/operations/history.ts";
import { findChromium, Tab } from "../support/browser.ts";
import { FakeAdmin, listener, status } from "../support/fake_page_admin.ts";
import { historyOf, pastOf } from "../support/histories.ts";

const CHROMIUM = findChromium();
const DAY_MS = 86_400_000;

Deno.test("an axis ends at a round number that nothing exceeds", () => {
  const top = (kind: "number" | "bytes" | "time", ...all: number[]) =>
    all.map((highest) => roundTop(highest, { kind, least: 5 }));
  assertEquals(top("number", 0, 5, 5.1, 21, 512, 90_001), [5, 5, 6, 30, 600, 100_000]);
  assertEquals(top("bytes", 700, 3.2 * 2 ** 20), [1024, 4 * 2 ** 20]);
  assertEquals(top("time", 7, 1700, 21_000, 61_000, 9e6), [8, 2000, 30_000, 120_000, 10_800_000]);
});

Deno.test("a line has a gap where nothing was measured, and nothing from before", () => {
  const frame = { now: 100_000, span: 100_000, top: 10, gap: 3000 };
  const { line, area } = linesOf([-5000, 0, 1000, 2000, 50_000, 100_000], [9, 0, 5, null, 10, 10], {
    ...frame,
  });
  assertEquals(line, "M0 98.5L10 50.0M500 1.5M1000 1.5");
  assertEquals(area.match(/Z/g)!.length, 3);
  assertEquals(linesOf([1000], [99], frame).line, "M10 1.5", "never beyond the axis");
});

Deno.test("many values are drawn as few, by their highest or their mean", () => {
  const times = Array.from({ length: 1440 }, (_, i) => (i + 1) * 60_000);
  const values = times.map((_, i) => i % 6 === 0 ? 60 : 0);
  const peaks = thinned(times, values, { span: DAY_MS, peak: true });
  assert(peaks.times.length <= 241 && peaks.values.slice(0, -1).every((value) => value === 60));
  const means = thinned(times, values, { span: DAY_MS, peak: false });
  assert(means.values.slice(1, -1).every((value) => value === 10));
  const some = thinned([1, 2], [3, 4], { span: DAY_MS, peak: true });
  assertEquals(some, { times: [1, 2], values: [3, 4], step: 0 });
});

Deno.test("a moment is that of the nearest value, and time is written at whole minutes", () => {
  assertEquals([9, 14, 16, 99].map((t) => nearest([10, 20, 30], t)), [0, 0, 1, 2]);
  assertEquals(nearest([], 1), -1);
  const offset = Date.parse("2026-01-01T10:00:30Z");
  const ticks = ticksOf({ now: 300_000, span: 300_000, step: 60_000, offset });
  assertEquals(ticks.map(({ t }) => t), [30_000, 90_000, 150_000, 210_000, 270_000]);
  assertEquals(ticks.map(({ minor }) => minor), [true, false, true, false, true]);
});

Deno.test({
  name: "dashboard: charts are full at first sight, and read with pointer and keyboard" +
    (CHROMIUM ? "" : " (skipped: no Chromium here)"),
  ignore: !CHROMIUM,
  fn: async () => {
    await using admin = new FakeAdmin({ ...status([listener(0)]), uptime_ms: DAY_MS });
    const past = (span: Span, steps: number, values: Partial<Record<keyof Series, Column>>) =>
      historyOf({
        ...{ span, step_ms: span === "5m" ? 1000 : 60_000, uptime_ms: DAY_MS },
        listeners: [pastOf({ id: 0, name: "8080", steps, values })],
        marks: [{
          ...{ time: new Date().toISOString(), uptime_ms: DAY_MS - 199_000, kind: "down" },
          ...{ listener: "8080", text: "db2 is down: connection refused" },
        }],
      });
    admin.histories = {
      "5m": past("5m", 300, { waiting: at(100, 42), accepted_per_s: at(100, 7) }),
      "24h": past("24h", 1440, { waiting: () => 900 }),
    };
    await using tab = await Tab.open(admin.url);
    const { page } = tab;
    await tab.shows('[data-chart="queue"] .y-top', /^50$/);
    const line = await page.locator('[data-chart="queue"] path[data-look="in"]').last()
      .getAttribute("d");
    assertMatch(line!, /^M3\.3 98\.5L.* 17\.0L.*L1000 98\.5$/, "from the left to the right");
    assertEquals(await page.locator('.marks [data-kind="down"]').count(), 4, "one in each chart");
    await tab.shows(".note", /^and the last five minutes$/);

    const plot = page.locator('[data-chart="bytes"] .plot');
    const { x, y, width, height } = (await plot.boundingBox())!;
    await page.mouse.move(x + width * 101 / 300, y + height / 2);
    await tab.shows('[data-chart="queue"] .keys', /Waiting 42.*In service 0/);
    await tab.shows('[data-chart="rates"] .keys', /Arrive 7\.0\/s/);
    await tab.shows(".moment", /^\d\d:\d\d:\d\d$/);
    assertEquals(await page.locator(".cursor:visible").count(), 4, "the same moment in all");
    await page.mouse.move(x, y - 300);
    await tab.shows(".moment", /^Now$/);
    assertEquals(await page.locator(".cursor:visible").count(), 0);

    const slider = page.getByRole("slider", { name: "Moment in the charts of 8080" });
    await slider.focus();
    await page.keyboard.press("Shift+ArrowLeft");
    await tab.shows(".note", /^db2 is down: connection refused$/);
    assertMatch(
      (await slider.getAttribute("aria-valuetext"))!,
      /^\d\d:\d\d:\d\d, db2 is down: connection refused, Waiting 42, .*Arrive 7\.0\/s/,
    );
    await page.keyboard.press("ArrowRight");
    await tab.shows('[data-chart="queue"] .keys', /Waiting 0/);
    await page.keyboard.press("Escape");
    assertEquals(await slider.getAttribute("aria-valuetext"), "now");

    await page.getByRole("button", { name: "24 h" }).click();
    await tab.shows('[data-chart="queue"] .y-top', /^1,000$/);
    await tab.shows(".note", /^and the last 24 hours$/);
    await page.getByRole("button", { name: "5 min" }).click();
    await tab.shows('[data-chart="queue"] .y-top', /^50$/);
    assertEquals([tab.complaints, tab.strangers], [[], []]);
  },
});

type Column = (step: number) => number | null;

/** A value at one step, and 0 at all others. */
function at(step: number, value: number): Column {
  return (one) => one === step ? value : 0;
}
