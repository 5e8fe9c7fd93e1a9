import { AutoLimit, type Served } from "../../src/destinations/limits/auto_limit.ts";
import { LimitBoards } from "../../src/destinations/limits/limit_boards.ts";
import type { Random } from "./random.ts";

/** Sessions per second that a server finishes while so many are there. */
export type Capacity = (active: number, now: number) => number;

/** A server whose speed is another one every 100 ms, at random and with some memory. */
export function varying(
  capacity: Capacity,
  { random, spread }: { random: Random; spread: number },
): Capacity {
  const speeds: number[] = [];
  let state = 0;
  return (active, now) => {
    while (speeds.length <= now / 100) {
      // Sums of uniform numbers are normal enough.
      const step = random.next() + random.next() + random.next() + random.next() - 2;
      state = 0.7 * state + step * Math.sqrt(3 * (1 - 0.7 ** 2));
      speeds.push(Math.exp(spread * state - spread ** 2 / 2));
    }
    return capacity(active, now) * speeds[Math.floor(now / 100)]!;
  };
}

/** What came of a simulation. */
export interface Outcome {
  /** Sessions that were finished per second. */
  rate: number;
  /** Milliseconds from arrival to end of the slowest hundredth. */
  p99: number;
  limits: number[];
}

/** Options of {@linkcode simulate}. */
export interface SimulationOptions {
  capacity: Capacity;
  /** A fixed number of slots for each balancer, or that it is to be found. */
  workers: number | "auto";
  /** How much work sessions are, 1 on average. */
  work: () => number;
  /** Milliseconds; what is before `from` does not count. */
  length: number;
  from?: number;
  /** Clients, of which each has one session after the other. */
  clients?: number;
  /**
   * How much work clients have before they come again, as a multiple of what sessions are on average,
   * and on the same cores: with so many of them at it, the server has that much less.
   */
  preparing?: number;
  threads?: number;
  /** Milliseconds that every session takes beside what the server does. */
  pause?: number;
  onSecond?: (now: number, limit: number) => void;
}

/** A server that is shared by its sessions in equal parts, and clients that come again at once. */
export function simulate(options: SimulationOptions): Outcome {
  const { capacity, work, length, from = 0, clients = 256, threads = 1, workers } = options;
  const { preparing = 0 } = options;
  let now = 0;
  const memory = LimitBoards.memory(threads);
  const sides = Array.from({ length: threads }, (_, index) => {
    const boards = new LimitBoards({ index, number: threads }, memory);
    const max = Math.floor(256 / threads);
    const auto = workers === "auto"
      ? new AutoLimit({ max, clock: () => now, board: boards.of(1) })
      : undefined;
    return { auto, active: 0, waiting: [] as number[] };
  });
  type Job = { side: (typeof sides)[number]; left: number; arrived: number; session: Served };
  const jobs: Job[] = [];
  const took: number[] = [];
  let finished = 0;
  const limits: number[] = [];
  for (let i = 0; i < clients; i++) sides[i % threads]!.waiting.push(0);
  const fill = (side: (typeof sides)[number]) => {
    while (side.waiting.length > 0 && side.active < (side.auto?.limit ?? (workers as number))) {
      const arrived = side.waiting.shift()!;
      const session = served(now);
      jobs.push({ side, left: work(), arrived, session });
      side.active++;
      side.auto?.begun(session);
    }
  };
  for (const side of sides) fill(side);
  let second = 0;
  const prepares: { side: (typeof sides)[number]; left: number }[] = [];
  while (now < length) {
    const busy = jobs.length + prepares.length;
    const each = capacity(busy, now) / busy / 1000;
    const job = first(jobs);
    const prepared = first(prepares);
    const left = Math.min(job?.left ?? Infinity, prepared?.left ?? Infinity);
    now += left / each;
    for (const one of jobs) one.left -= left;
    for (const one of prepares) one.left -= left;
    if (prepared && prepared.left <= 0) {
      remove(prepares, prepared);
      prepared.side.waiting.push(now);
      fill(prepared.side);
    } else {
      const { side, session, arrived } = job!;
      remove(jobs, job!);
      side.active--;
      side.auto?.ended(session, side.waiting.length > 0);
      if (now >= from) {
        finished++;
        took.push(now - arrived);
      }
      if (preparing > 0) prepares.push({ side, left: preparing * work() });
      else side.waiting.push(now);
      fill(side);
    }
    if (now >= second) {
      const sum = sides.reduce((sum, { auto }) => sum + (auto?.found ?? 0), 0);
      limits.push(sum);
      options.onSecond?.(now, sum);
      second += 1000;
    }
  }
  took.sort((a, b) => a - b);
  const p99 = took[Math.floor(took.length * 0.99)] ?? 0;
  return { rate: finished * 1000 / (now - from), p99, limits };
}

function first<T extends { left: number }>(all: readonly T[]): T | undefined {
  let first = all[0];
  for (const one of all) if (one.left < first!.left) first = one;
  return first;
}

function remove<T>(all: T[], one: T): void {
  all[all.indexOf(one)] = all.at(-1)!;
  all.pop();
}

/** A session that its server finishes. */
export function served(connectedAt: number): Served {
  const flow = { received: 1, bytes: 1, ended: true };
  return {
    connectedAt,
    reason: "done",
    up: flow,
    down: flow,
    moved: false,
    sweepListener: undefined,
  };
}
