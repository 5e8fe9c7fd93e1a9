import { assert, assertEquals } from "@std/assert";
import { AutoLimit, type Served } from "../../../src/destinations/limits/auto_limit.ts";
import { Random } from "../../support/random.ts";
import { type Capacity, served, simulate, varying } from "../../support/simulated_server.ts";

/** Work that is nearly the same for all sessions, and work that is spread as memoryless servers'. */
const WORK: Record<string, (random: Random) => () => number> = {
  even: (random) => () => 0.9 + 0.2 * random.next(),
  spread: (random) => () => -Math.log(1 - random.next()),
};

/** Most at 8, and nearly nothing from 30 on. */
function thrashing(active: number): number {
  if (active <= 8) return 100 * active;
  return active < 30 ? 800 * (1 - 0.9 * (active - 8) / 22) : 80;
}

const SERVERS: Record<string, Capacity> = {
  "whose throughput peaks at 8 and collapses at 30": thrashing,
  "with contention": (active) => 100 * active / (1 + 0.02 * (active - 1) + 0.012 * active ** 2),
  "with a flat optimum": (active) => Math.min(100 * active, 800),
  "that serves one at a time": () => 100,
  "with four processes": (active) => 40 * Math.min(active, 4),
};

const FIXED = [1, 2, 4, 8, 16, 32, 64];
const TIMES = { length: 40_000, from: 10_000 };

for (const [name, capacity] of Object.entries(SERVERS)) {
  Deno.test(`a server ${name} does nearly what it does with the best number`, () => {
    for (const [kind, work] of Object.entries(WORK)) {
      const best = FIXED
        .map((workers) => simulate({ capacity, workers, work: work(new Random(1)), ...TIMES }))
        .reduce((best, one) => one.rate > best.rate ? one : best);
      const runs = [1, 2, 3].map((seed) => {
        return simulate({ capacity, workers: "auto", work: work(new Random(seed)), ...TIMES });
      });
      const rate = runs.reduce((sum, one) => sum + one.rate, 0) / runs.length;
      assert(rate > 0.93 * best.rate, `${kind}: ${rate} of ${best.rate}`);
      for (const { p99 } of runs) assert(p99 < 1.2 * best.p99, `${kind}: ${p99}, not ${best.p99}`);
    }
  });
}

Deno.test("where clients work on the server's cores, the server varies and slots are free at times", () => {
  const capacity = (active: number) => 25 * active / (1 + 0.02 * (active - 1));
  for (const [kind, work] of Object.entries(WORK)) {
    const runs = [1, 2, 3, 4].map((seed) => {
      const outcome = (workers: number | "auto") => {
        const random = new Random(seed + 77);
        return simulate({
          ...{ capacity: varying(capacity, { random, spread: 0.6 }), workers, preparing: 1 },
          ...{ clients: 64, work: work(new Random(seed)), ...TIMES },
        });
      };
      return { best: outcome(64), auto: outcome("auto") };
    });
    const share = mean(runs.map(({ best, auto }) => auto.rate / best.rate));
    assert(share > 0.93, `${kind}: ${share}`);
    const p99 = mean(runs.map(({ best, auto }) => auto.p99 / best.p99));
    assert(p99 < 1.2, `${kind}: ${p99}`);
  }
});

Deno.test("where few sessions do most of the work, a server does not take too many for long", () => {
  const heavy = (random: Random) => () => {
    return (random.next() < 0.95 ? 0.4 : 12.4) * -Math.log(1 - random.next());
  };
  const shares = [1, 2, 3, 4, 5, 6].map((seed) => {
    const outcome = (workers: number | "auto") => {
      return simulate({ capacity: thrashing, workers, work: heavy(new Random(seed)), ...TIMES });
    };
    return outcome("auto").rate / outcome(8).rate;
  });
  assert(mean(shares) > 0.87, `${shares}`);
});

for (const [name, capacity] of Object.entries(SERVERS)) {
  Deno.test(`two threads find together what a server ${name} can take`, () => {
    for (const [kind, work] of Object.entries(WORK)) {
      const best = Math.max(...FIXED.map((workers) => {
        return simulate({ capacity, workers, work: work(new Random(1)), ...TIMES }).rate;
      }));
      const rates = [1, 2].map((seed) => {
        const random = new Random(seed);
        return simulate({ capacity, workers: "auto", threads: 2, work: work(random), ...TIMES })
          .rate;
      });
      assert(mean(rates) > 0.93 * best, `${kind}: ${rates} of ${best}`);
    }
  });
}

Deno.test("a server that takes less from one moment to the next has fewer after 10 s", () => {
  const { limits } = simulate({
    capacity: (active, now) => thrashing(now < 20_000 ? active : 4 * active),
    workers: "auto",
    work: WORK.spread!(new Random(1)),
    length: 31_000,
  });
  assert(Math.abs(limits[19]! - 8) <= 1, `${limits}`);
  assert(limits[30]! <= 3, `${limits}`);
});

Deno.test("a server that takes more from one moment to the next has more after 10 s", () => {
  const { limits } = simulate({
    capacity: (active, now) => now < 20_000 ? thrashing(2 * active) : 3 * thrashing(active / 3),
    workers: "auto",
    work: WORK.even!(new Random(1)),
    length: 31_000,
  });
  assertEquals(limits[19], 4);
  assert(limits[30]! >= 18, `${limits}`);
});

Deno.test("a server that collapses all at once has the fewer slots it needs after 4 s", () => {
  for (const [kind, work] of Object.entries(WORK)) {
    for (const seed of [1, 2, 3, 4]) {
      const { limits } = simulate({
        capacity: (active, now) => thrashing(now < 20_000 ? active : 4 * active) / 2,
        ...{ workers: "auto", work: work(new Random(seed)), clients: 16, length: 25_000 },
      });
      assert(limits[24]! <= 3, `${kind}, ${seed}: ${limits}`);
    }
  }
});

Deno.test("a server that stands still for a second keeps its slots", () => {
  for (const seed of [1, 2, 3, 4]) {
    const { limits } = simulate({
      capacity: (active, now) => now > 20_000 && now < 21_000 ? 1 : thrashing(active),
      ...{ workers: "auto", work: WORK.even!(new Random(seed)), clients: 16, length: 26_000 },
    });
    const least = Math.min(...limits.slice(19));
    assert(least >= 6 && Math.max(...limits.slice(19)) <= 11, `${seed}: ${limits}`);
  }
});

Deno.test("slots are tried only while somebody waits", () => {
  const { limits } = simulate({
    capacity: (active) => 100 * active,
    workers: "auto",
    clients: 3,
    work: WORK.spread!(new Random(1)),
    length: 10_000,
  });
  assertEquals(limits.at(-1), 4);
});

Deno.test("a burst after a quiet hour is not taken for what more slots do", () => {
  const { auto, time } = manual();
  for (let round = 0; round < 30; round++) {
    let active: Served[] = [];
    const fill = (waiting: number) => {
      while (active.length < auto.limit && waiting-- > 0) {
        active.push(served(time.now));
        auto.begun(active.at(-1)!);
      }
      return waiting;
    };
    // One after the other, every 10 ms: more slots are of no use.
    for (let left = 60, waiting = fill(60); left > 0; left--) {
      time.now += 10;
      const [first, ...others] = active;
      active = others;
      auto.ended(first!, waiting > 0);
      waiting = fill(Math.max(0, waiting));
    }
    time.now += 3_600_000;
  }
  assert(auto.found <= 8, `${auto.found}`);
});

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** One that is told of sessions by hand, and its clock. */
function manual(max = 256) {
  const time = { now: 0 };
  return { time, auto: new AutoLimit({ max, clock: () => time.now }) };
}

Deno.test("it begins low and never leaves its bounds", () => {
  assertEquals(manual().auto.limit, 4);
  const { auto, time } = manual(3);
  assertEquals(auto.limit, 3);
  for (let i = 0; i < 20; i++) {
    time.now += 2000;
    auto.failed();
  }
  assertEquals([auto.limit, auto.reason], [1, "connects-failed"]);
});

Deno.test("connects that fail together count once", () => {
  const { auto } = manual();
  for (let i = 0; i < 10; i++) auto.failed();
  assertEquals(auto.limit, 2);
});

Deno.test("ends that clients cause change nothing, however many there are", () => {
  const { auto, time } = manual();
  for (let i = 0; i < 10_000; i++) {
    const sessions = Array.from({ length: 4 }, () => served(time.now));
    for (const one of sessions) auto.begun(one);
    time.now += 10;
    const reasons = ["client-gone", "client-reset", "idle-timeout", "done"] as const;
    for (const [j, one] of sessions.entries()) {
      const nothing = { received: 0, bytes: 0, ended: true };
      auto.ended({ ...one, reason: reasons[j], up: nothing, down: nothing }, true);
    }
  }
  assertEquals([auto.limit, auto.changes, auto.reason], [4, 0, "start"]);
});

Deno.test("a client that was answered, says goodbye and leaves was served", () => {
  const { auto, time } = manual();
  for (let i = 0; i < 10_000 && auto.changes === 0; i++) {
    const sessions = Array.from({ length: 4 }, () => served(time.now));
    for (const one of sessions) auto.begun(one);
    time.now += 10;
    for (const one of sessions) auto.ended({ ...one, reason: "client-gone" }, true);
  }
  assert(auto.changes > 0);
});

Deno.test("sessions that stay say nothing: the limit is the greatest, until others come", () => {
  const { auto, time } = manual(64);
  const sessions = Array.from({ length: 4 }, () => served(time.now));
  for (const one of sessions) auto.begun(one);
  time.now += 900;
  for (const one of sessions) auto.onSweep(one);
  assertEquals(auto.limit, 4);
  time.now += 200;
  for (const one of sessions) auto.onSweep(one);
  assertEquals([auto.limit, auto.reason], [64, "sessions-stay"]);
  for (let i = 0; i < 100; i++) {
    const one = served(time.now);
    auto.begun(one);
    time.now += 10;
    auto.ended(one, false);
  }
  // The four that stay are there, besides those that are found.
  assertEquals([auto.limit, auto.found], [8, 4]);
  for (const one of sessions) auto.ended(one, false);
  assertEquals(auto.limit, 4);
});

Deno.test("a session that waits for its answer does not count as one that stays", () => {
  const { auto, time } = manual();
  const none = { received: 0, bytes: 0, ended: false };
  const sessions = Array.from({ length: 4 }, () => ({ ...served(time.now), down: none }));
  for (const one of sessions) auto.begun(one);
  time.now += 60_000;
  for (const one of sessions) auto.onSweep(one);
  assertEquals([auto.limit, auto.reason], [4, "start"]);
});
