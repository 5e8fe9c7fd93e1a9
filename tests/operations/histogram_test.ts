import { assert, assertEquals } from "@std/assert";
import { quantile as quantileOfPage } from "../../src/admin/dashboard/page/history.js";
import {
  addFine,
  FineCounts,
  LOWEST_BUCKET,
  PER_DOUBLING,
} from "../../src/operations/fine_counts.ts";
import { addHistograms, BUCKETS_S, Histogram, quantile } from "../../src/operations/histogram.ts";
import { seededRandom } from "../../scripts/bench/statistics.ts";

function assertNear(actual: number, wanted: number, most: number, what?: string): void {
  const far = Math.abs(actual - wanted);
  // A product of three digits may be a little off.
  assert(far <= most * 1.000001, `${what ?? "sum"}: ${actual} instead of ${wanted}`);
}

const random = seededRandom(19);

function exponential(mean: number): number {
  return -mean * Math.log(1 - random());
}

function lognormal(median: number, sigma: number): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return median * Math.exp(sigma * normal);
}

function many(number: number, draw: () => number): number[] {
  return Array.from({ length: number }, draw);
}

/** Durations in milliseconds. */
const DISTRIBUTIONS: Readonly<Record<string, number[]>> = {
  uniform: many(20_000, () => 1 + 99 * random()),
  "just above a bound": many(5000, () => 101 + random()),
  exponential: many(20_000, () => exponential(40)),
  lognormal: many(20_000, () => lognormal(3, 2)),
  bimodal: many(20_000, () => random() < 0.7 ? 0.2 + random() / 10 : 800 + 400 * random()),
  constant: many(1000, () => 74),
  nothing: many(10, () => 0),
  one: [13],
  two: [1, 1000],
  three: [0.004, 7, 86_400_000],
  microseconds: many(5000, () => 0.001 + random() / 50),
  hours: many(5000, () => 3_600_000 * (1 + 30 * random())),
  "microseconds to hours": many(20_000, () => 2 ** (-10 + 36 * random())),
};

/** The least value that the wanted share does not exceed. */
function exact(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(q * sorted.length - 1e-9) - 1)]!;
}

function counted(values: readonly number[]): Histogram {
  const histogram = new Histogram();
  for (const ms of values) histogram.observe(ms);
  return histogram;
}

const QUANTILES = [0, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 1];

for (const [name, values] of Object.entries(DISTRIBUTIONS)) {
  Deno.test(`quantiles are within 5 % of the true ones: ${name}`, () => {
    const { data } = counted(values);
    for (const q of QUANTILES) {
      const wanted = exact(values, q);
      const what = `${name}, ${q}`;
      assertNear(quantile(data, q)!, wanted, 0.03 * wanted, what);
      const fineness = { perDoubling: PER_DOUBLING, lowest: LOWEST_BUCKET };
      assertEquals(quantileOfPage(data.fine, fineness, q), quantile(data, q), what);
    }
  });
}

Deno.test("quantiles of what came between two looks are those of that alone", () => {
  for (const [name, values] of Object.entries(DISTRIBUTIONS)) {
    const histogram = counted(many(5000, () => lognormal(20, 3)));
    const before = histogram.data;
    for (const ms of values) histogram.observe(ms);
    const between = { fine: addFine(histogram.data.fine, before.fine, -1) };
    for (const q of QUANTILES) {
      const wanted = exact(values, q);
      assertNear(quantile(between, q)!, wanted, 0.03 * wanted, `${name}, ${q}`);
    }
    assertEquals(quantile({ fine: addFine(before.fine, before.fine, -1) }, 0.5), undefined);
  }
});

Deno.test("the histogram of several has the values of all", () => {
  const all = Object.values(DISTRIBUTIONS);
  const sum = addHistograms(all.map((values) => counted(values).data));
  const together = counted(all.flat()).data;
  assertEquals({ ...sum, sum: 0 }, { ...together, sum: 0 });
  assertNear(sum.sum, together.sum, together.sum / 1e9);
});

Deno.test("what was counted before and is not any more takes nothing from the rest", () => {
  const before = counted([5, 5, 5]).data;
  assertEquals(addFine(counted([5, 80]).data.fine, before.fine, -1), counted([80]).data.fine);
});

Deno.test("the coarse buckets have the documented bounds", () => {
  const { counts, count, sum } = counted([0.25, 0.2501, 600_000, 600_001]).data;
  assertEquals(counts.length, BUCKETS_S.length + 1);
  assertEquals([counts[0], counts[1], counts[18], counts[19], count], [1, 1, 1, 1, 4]);
  assertNear(sum, 1200.0015001, 1e-6);
});

Deno.test("whatever is counted, a histogram has a bounded number of buckets", () => {
  const counts = new FineCounts();
  for (let exponent = -400; exponent <= 400; exponent++) counts.observe(1.7 * 2 ** exponent);
  for (const ms of [-1, NaN, Infinity, Number.MAX_VALUE]) counts.observe(ms);
  const { data } = counts;
  const numbers = data.filter((_, i) => i % 2 === 1);
  assert(numbers.length <= 52);
  assertEquals(numbers.reduce((a, b) => a + b), 805, "and loses none");
});
