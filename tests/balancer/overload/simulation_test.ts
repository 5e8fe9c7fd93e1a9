import { assert, assertEquals } from "@std/assert";
import { simulate } from "../../../scripts/simulate/overload.ts";
import type { Scenario } from "../../../scripts/simulate/scenario.ts";
import type { Random } from "../../support/random.ts";

const LOADS = [0.5, 0.8, 1.2, 1.5, 3, 10];
const MODES = ["shed", "newest"] as const;

/** Servers that take one request at a time, 10 ms each, and clients that leave after 500 ms. */
const USUAL = { patience: () => 500, duration: 25_000 };

/** From 100 ms to 5 s, evenly over the octaves. */
function spread(random: Random): number {
  return 100 * 50 ** random.next();
}

const SHAPES: Record<string, Omit<Scenario, "mode" | "load">> = {
  "one patience": USUAL,
  "spread patience": { ...USUAL, patience: spread },
  "retries": { ...USUAL, retries: 3 },
  "spread patience and retries": { ...USUAL, patience: spread, retries: 3 },
  "answers of unequal length": {
    ...USUAL,
    service: (random) => -10 * Math.log(1 - random.next()),
  },
  "eight slots": { ...USUAL, slots: 8, meanService: 80 },
};

/** What is hard, and which part is answered of what could be if it were known when clients leave. */
const HARD: readonly [string, Partial<Scenario>, number][] = [
  ["sessions that come five at a time", { burst: 5 }, 0.9],
  ["sessions that come twenty at a time", { burst: 20 }, 0.85],
  ["spread patience and sessions that come five at a time", { patience: spread, burst: 5 }, 0.8],
  ["two kinds of clients", { patience: (random) => random.next() < 0.5 ? 200 : 2000 }, 0.92],
  [
    "answers that take nearly half of the patience",
    { meanService: 200, duration: 100_000, queue: 64 },
    0.88,
  ],
  ["a few answers that take most of the time", {
    service: (random) => random.next() < 0.9 ? 5 : 55,
  }, 0.85],
  ["four slots and spread patience", { patience: spread, slots: 4, meanService: 40 }, 0.88],
  ["64 slots", { slots: 64, meanService: 100, duration: 10_000 }, 0.95],
  ["answers in a millisecond", { meanService: 1, duration: 8000 }, 0.95],
];

for (const mode of MODES) {
  for (const [name, shape] of Object.entries(SHAPES)) {
    Deno.test(`${mode}, ${name}: nearly all that can be answered in time is, at any load`, async () => {
      for (const load of LOADS) {
        const { ofPossible, p50 } = await simulate({ ...shape, mode, load });
        assert(ofPossible >= 0.95, `${load} × offered: ${ofPossible}`);
        assert(p50 < 200, `${load} × offered: half of them within ${p50} ms`);
      }
    });
  }

  Deno.test(`${mode}: while less comes than can be served nobody is shed, in any shape`, async () => {
    for (const load of [0.3, 0.5, 0.8]) {
      const { shed, failed } = await simulate({ ...USUAL, mode, load });
      assertEquals([shed, failed], [0, 0], `${load} × offered`);
    }
  });

  Deno.test(`${mode}: a burst that is worked off within the patience seen is left alone`, async () => {
    const { shed, failed, patience } = await simulate({
      ...USUAL,
      mode,
      load: (now) => now < 5000 ? 3 : 0.3,
      extra: Array.from({ length: 10 }, (_, i) => ({ at: 10_000 + 1500 * i, number: 30 })),
      warmUp: 8000,
    });
    assert(patience > 400 && patience <= 500, `${patience} ms`);
    assertEquals([shed, failed], [0, 0]);
  });

  Deno.test(`${mode}: where nobody has left, a queue of two seconds is left alone, and one that stands longer is not`, async () => {
    const steady = { ...USUAL, mode, patience: () => Infinity, warmUp: 0 };
    const burst = await simulate({ ...steady, load: (now) => now < 600 ? 3 : 0.1 });
    assertEquals(burst.shed, 0);
    const overload = await simulate({ ...steady, load: 3, warmUp: 5000 });
    if (mode === "shed") assert(overload.p99 < 200, `${overload.p99} ms`);
    else assert(overload.p50 < 20, `${overload.p50} ms`);
  });

  Deno.test(`${mode}: bursts that cannot be worked off in time are answered as far as they can`, async () => {
    for (const load of LOADS) {
      const { wasted } = await simulate({ ...USUAL, mode, load, burst: 20 });
      assert(wasted < 0.15, `${load} × offered: ${wasted} of the servers' time for nothing`);
    }
  });

  Deno.test(`${mode}: one address that leaves at once does not make the others look so`, async () => {
    const burst = Array.from({ length: 10 }, (_, i) => ({ at: 8000 + 1500 * i, number: 30 }));
    // It comes as often as all others together, who are one address or many.
    for (const others of [1, 30]) {
      const { shed } = await simulate({
        ...USUAL,
        mode,
        load: 0.6,
        extra: burst,
        group: (random) => random.next() < 0.25 ? 0 : 1 + random.below(others),
        patienceOf: (group, random) => group === 0 ? 1 + 5 * random.next() : 500,
      });
      assertEquals(shed, 0, `beside ${others} others`);
    }
  });

  Deno.test(`${mode}: whoever comes and leaves changes nothing for others who are not too many`, async () => {
    // Strangers of all addresses wait behind a burst for less or more time than an answer takes.
    for (const patience of [2, 30, 150, 400]) {
      const bursts = Array.from({ length: 20 }, (_, i) => i * 3000);
      const clients = bursts.flatMap((at) => [
        ...Array.from({ length: 12 }, () => ({ at, patience: 60_000 })),
        ...Array.from({ length: 100 }, () => ({ at: at + 10, patience })),
      ]);
      const { shed, tries } = await simulate({
        ...USUAL,
        mode,
        load: 0,
        clients,
        meanService: 100,
        closes: ({ leavesAt, cameAt }) => leavesAt - cameAt < 59_999,
        group: (random) => random.below(16),
        warmUp: 0,
        duration: 60_000,
      });
      const honest = tries.filter(({ cameAt, leavesAt }) => leavesAt - cameAt > 59_999);
      const waits = honest.map(({ cameAt, answeredAt }) => answeredAt! - cameAt);
      assertEquals(shed, 0, `strangers who wait for ${patience} ms`);
      const inOrder = Array.from({ length: 12 }, (_, i) => 100 + 100 * i);
      assertEquals(waits, bursts.flatMap(() => inOrder), `strangers who wait for ${patience} ms`);
    }
  });

  Deno.test(`${mode}: a server that stalls is used to the full as soon as it goes on`, async () => {
    for (const load of [0.8, 3]) {
      const { answers } = await simulate({
        ...USUAL,
        mode,
        load,
        retries: 3,
        stall: { from: 10_000, to: 13_000 },
      });
      const after = answers.filter((at) => at > 13_000 && at <= 14_000).length;
      assert(after >= 90, `${load} × offered: ${after} answers in the first second`);
    }
  });

  Deno.test(`${mode}: when the overload is over, so is what was done about it`, async () => {
    const load = (now: number) => now < 10_000 ? 3 : 0.8;
    const { shed, failed } = await simulate({ ...USUAL, mode, load, warmUp: 12_000 });
    assertEquals([shed, failed], [0, 0]);
  });
}

for (const [name, shape, least] of HARD) {
  for (const mode of MODES) {
    Deno.test(`${mode}, ${name}: as good as with the departures known beforehand, but for ${100 - 100 * least} %`, async () => {
      for (const [seed, load] of [1, 1.5, 10].entries()) {
        const scenario = { ...USUAL, duration: 20_000, ...shape, load, seed };
        const { answered } = await simulate({ ...scenario, mode });
        const best = await simulate({ ...scenario, mode: "foreseeing" });
        const share = answered / Math.min(best.answered, best.possible);
        assert(share >= least, `${load} × offered: ${share}`);
      }
    });
  }
}

Deno.test("shed: a target that is set is how long sessions wait, and the interval when that begins", async () => {
  const scenario = { ...USUAL, mode: "shed" as const, load: 3 };
  const short = await simulate({ ...scenario, target: 60, interval: 100 });
  assert(short.p50 > 40 && short.p50 <= 60 && short.p99 <= 80, `${short.p50}, ${short.p99} ms`);
  const long = await simulate({ ...scenario, target: 300, interval: 100 });
  assert(long.p50 > 270 && long.p50 <= 300 && long.p99 <= 320, `${long.p50}, ${long.p99} ms`);
  // Nobody leaves, so that only the interval says for how long a queue is left alone.
  const patient = { ...scenario, patience: () => Infinity, target: 60, warmUp: 0, duration: 6000 };
  assertEquals((await simulate({ ...patient, interval: 10_000 })).shed, 0);
  assert((await simulate({ ...patient, interval: 1000 })).shed > 500);
});

Deno.test("shed: a target that is set counts while servers finish nothing, too", async () => {
  const { tries, shed } = await simulate({
    ...USUAL,
    mode: "shed",
    load: 0.6,
    patience: () => Infinity,
    target: 60,
    interval: 100,
    warmUp: 0,
    duration: 15_000,
    stall: { from: 10_000, to: 13_000 },
  });
  const times = tries.map(({ cameAt, answeredAt }) => (answeredAt ?? NaN) - cameAt);
  // The one that a server had when it stood still.
  assertEquals(times.filter((time) => time > 250).length, 1);
  assert(shed > 100, `${shed}`);
});

Deno.test("hold: what nobody waits for any more is served all the same", async () => {
  const { goodput, shed } = await simulate({ ...USUAL, mode: "hold", load: 1.5 });
  assert(goodput < 0.5, `${goodput}`);
  assertEquals(shed, 0);
});
