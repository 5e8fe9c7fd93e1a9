import { AutoLimit, type Served } from "../../src/destinations/limits/auto_limit.ts";

/** Sessions per second that a server finishes while so many are there. */
export type Capacity = (active: number, now: number) => number;

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
  threads?: number;
  /** Milliseconds that every session takes beside what the server does. */
  pause?: number;
  onSecond?: (now: number, limit: number) => void;
}

/** A server that is shared by its sessions in equal parts, and clients that come again at once. */
export function simulate(options: SimulationOptions): Outcome {
  const { capacity, work, length, from = 0, clients = 256, threads = 1, workers } = options;
  let now = 0;
  const sides = Array.from({ length: threads }, () => {
    const auto = workers === "auto"
      ? new AutoLimit({ max: Math.floor(256 / threads), clock: () => now, threads })
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
  while (now < length) {
    const each = capacity(jobs.length, now) / jobs.length / 1000;
    let next = 0;
    for (let i = 1; i < jobs.length; i++) if (jobs[i]!.left < jobs[next]!.left) next = i;
    const job = jobs[next]!;
    const { left } = job;
    now += left / each;
    for (const one of jobs) one.left -= left;
    jobs[next] = jobs[jobs.length - 1]!;
    jobs.pop();
    const { side } = job;
    side.active--;
    side.auto?.ended(job.session, side.waiting.length > 0);
    if (now >= from) {
      finished++;
      took.push(now - job.arrived);
    }
    side.waiting.push(now);
    fill(side);
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

/** A session that its server finishes. */
export function served(connectedAt: number): Served {
  const flow = { received: 1, bytes: 1, ended: true };
  return { connectedAt, reason: "done", up: flow, down: flow, moved: false, watcher: undefined };
}
