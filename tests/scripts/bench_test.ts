import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { parse, stringify } from "../../scripts/bench/json.ts";
import { agreement } from "../../scripts/bench/overload/agreement.ts";
import { pictures } from "../../scripts/bench/overload/pictures.ts";
import { scenes } from "../../scripts/bench/overload/scenes.ts";
import { summary } from "../../scripts/bench/overload/summary.ts";
import { tally, type Try } from "../../scripts/bench/tally.ts";
import {
  type Bench,
  type CaseResult,
  joined,
  runWorkload,
  type Sample,
  type VariantResult,
  type Workload,
} from "../../scripts/bench/workload.ts";

/** A client every 10 ms for 10 s, answered after 5 ms from some moment on. */
function answeredFrom(from: number): Try[] {
  return Array.from({ length: 1000 }, (_, i) => {
    const cameAt = 10 * i;
    return { cameAt, answeredAt: cameAt >= from ? cameAt + 5 : undefined };
  });
}

Deno.test("what counts is who came, and who was answered, within the time", () => {
  const { answered, offered, seconds, p50, timeline } = tally(answeredFrom(4000), {
    from: 2,
    to: 8,
  });
  assertEquals({ answered, offered, seconds, p50 }, {
    answered: 400,
    offered: 600,
    seconds: 6,
    p50: 5,
  });
  assertEquals(timeline, [0, 0, 0, 0, 100, 100, 100, 100]);
});

Deno.test("clients have recovered once nearly all that come from then on are answered in time", () => {
  const recovery = (tries: Try[]) => tally(tries, { from: 2, to: 10, calmAt: 2 }).recovery;
  assertEquals(recovery(answeredFrom(0)), 0);
  // A tenth of the first second may fail, a twentieth of the rest.
  assertEquals(recovery(answeredFrom(5000)), 2.9);
  assertEquals(recovery(answeredFrom(Infinity)), Infinity);
});

Deno.test("rounds that were measured later join those of the same title", async () => {
  const run = (...samples: Sample[]) => {
    const workload: Workload = {
      name: "some",
      title: "some work",
      metrics: [{ key: "rate", title: "rate", digits: 0 }],
      plotted: "rate",
      async *cases() {
        const measure = (round: number) => Promise.resolve(samples[round]!);
        yield { label: "case", variants: [{ name: "iawlb", measure }] };
      },
    };
    const processes = { stopAll: () => Promise.resolve() };
    const bench = { rounds: samples.length, processes } as unknown as Bench;
    return runWorkload(workload, bench, { progress() {} });
  };
  const both = joined(await run({ rate: 1 }, { rate: 2 }), await run({ rate: 9, disturbed: 1 }));
  const { metrics, disturbed } = both.cases[0]!.variants[0]!;
  assertEquals([metrics.rate!.median, disturbed, both.cases.length], [2, 1, 1]);
});

Deno.test("a target that is missed is a problem of the variant that misses it", async () => {
  const workload: Workload = {
    name: "some",
    title: "some work",
    metrics: [{ key: "cpu", title: "CPU", digits: 0 }],
    plotted: "cpu",
    async *cases() {
      const variant = (name: string, cpu: number, most?: number) => ({
        name,
        measure: () => Promise.resolve({ cpu }),
        ...most && { most: { cpu: most } },
      });
      const [base, near, far] = [variant("a", 100), variant("b", 110, 1.1), variant("c", 112, 1.1)];
      yield { label: "case", baseline: "a", variants: [base, near, far] };
    },
  };
  const processes = { stopAll: () => Promise.resolve() };
  const bench = { rounds: 3, processes } as unknown as Bench;
  const { cases } = await runWorkload(workload, bench, { progress() {} });
  const problems = cases[0]!.variants.map(({ problems }) => problems);
  assertEquals(problems, [[], [], ["cpu: 1.120, target 1.1"]]);
});

/** What came of it, in percent, of one variant. */
function variant(name: string, goodput: number, more: Sample = {}): VariantResult {
  const sample: Sample = { goodput, wasted: 3, p50: 10, p99: 20, ...more };
  const metrics = Object.entries(sample).map(([key, median]) => [
    key,
    { median, spread: 0, ratio: NaN },
  ]);
  const all = Object.fromEntries(metrics);
  return { name, samples: [sample], errors: 0, disturbed: 0, problems: [], metrics: all };
}

function result(label: string, ...variants: VariantResult[]): CaseResult {
  return { label, baseline: undefined, ratio: undefined, variants };
}

Deno.test("a simulation is compared with what real connections had at the same", () => {
  const cases = [result("3 ×, clients", variant("iawlb shed", 96), variant("simulation shed", 98))];
  assertStringIncludes(
    agreement(cases),
    "1 of 1 within 5 points, half within 2.0; 98 instead of 96",
  );
});

Deno.test("what is measured under several loads is one table, and one picture", () => {
  const cases = [
    result("0.5 ×, clients", variant("iawlb shed", 100), variant("nginx stream", 100)),
    result("3 ×, clients", variant("iawlb shed", 96), variant("nginx stream", 0, { p50: NaN })),
    result("after a storm", variant("iawlb shed", 98, { "second 0": 98, "second 1": 99 })),
  ];
  const [, , ...rows] = summary(cases).split("\n").map((row) => row.replaceAll(/ +/g, " "));
  assertEquals(rows.slice(0, 2), [
    "| iawlb shed | 100 %, 10/20 | 96 %, 10/20 |",
    "| nginx stream | 100 %, 10/20 | 0 % |",
  ]);
  const drawn = pictures(cases);
  assertEquals(Object.keys(drawn), ["overload-load.svg", "overload-recovery.svg"]);
  for (const picture of Object.values(drawn)) {
    assertStringIncludes(picture, "iawlb shed");
    assert(!picture.includes("NaN") && !picture.includes("undefined"), picture);
  }
});

Deno.test("what is no number of JSON comes back from a file", () => {
  assertEquals(parse(stringify({ a: [Infinity, NaN, 1, "x"] })), { a: [Infinity, NaN, 1, "x"] });
});

Deno.test("the titles of what is measured of overload tell the cases apart", () => {
  for (const quick of [true, false]) {
    const labels = scenes({ seconds: 3, quick }).map(({ label }) => label);
    assertEquals(labels.length, new Set(labels).size);
  }
});
