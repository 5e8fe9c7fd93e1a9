import { table } from "../report.ts";
import type { CaseResult } from "../workload.ts";

/** What one of each costs: CPU in microseconds, memory in KiB. */
export interface Costs {
  readonly connection: number;
  readonly roundTrip: number;
  readonly gib: number;
  readonly waiting: number;
  readonly idle: number;
  readonly busy: number;
  /** By how much a connection costs more when there are threads. */
  readonly threads: number;
}

/** What machines have. */
export interface Machines {
  readonly number: number;
  readonly cores: number;
  /** Memory for sessions. */
  readonly gib: number;
  /** Descriptors of each program. */
  readonly descriptors: number;
}

/** The share of its cores that a balancer is to be busy, so that it does not queue by itself. */
const BUSY = 0.7;

/** Descriptors of a session, and of whatever else there is. */
const EACH = 2;
const OTHERS = 100;

/** The usual range of local ports of Linux. */
export const LOCAL_PORTS = 60_999 - 32_768 + 1;

/** What machines carry, of one kind of work at a time. */
export interface Carried {
  readonly connections: number;
  readonly roundTrips: number;
  readonly gib: number;
  /** Sessions at a time: by memory, and by descriptors. */
  readonly waiting: number;
  readonly idle: number;
  readonly busy: number;
  readonly sessions: number;
}

/** What machines carry with these costs. */
export function carried(costs: Costs, { number, cores, gib, descriptors }: Machines): Carried {
  const cpu = number * cores * BUSY * 1e6;
  const memory = number * gib * 2 ** 20;
  const threads = cores > 1 ? costs.threads : 1;
  return {
    connections: cpu / (costs.connection * threads),
    roundTrips: cpu / (costs.roundTrip * threads),
    gib: cpu / costs.gib,
    waiting: memory / costs.waiting,
    idle: memory / costs.idle,
    busy: memory / costs.busy,
    sessions: number * (descriptors - OTHERS) / EACH,
  };
}

/** The machines that are reckoned with. */
const MACHINES: Readonly<Record<string, Machines>> = {
  "1 core, 1 GiB": { number: 1, cores: 1, gib: 1, descriptors: 524_288 },
  "16 cores, 32 GiB": { number: 1, cores: 16, gib: 32, descriptors: 524_288 },
  "100 of these": { number: 100, cores: 16, gib: 32, descriptors: 524_288 },
};

/** What follows from the cases of the workload `cost`, as Markdown; nothing without iawlb's. */
export function remarks(cases: readonly CaseResult[]): string {
  const costs = costsOf(cases);
  if (!costs) return "";
  const columns = Object.entries(MACHINES).map(([name, machines]) => {
    return { name, ...carried(costs, machines) };
  });
  const row = (title: string, key: keyof Carried) => [
    title,
    ...columns.map((column) => rounded(column[key])),
  ];
  return `With ${BUSY * 100} % of the cores busy:\n\n` + table([
    ["what is carried", ...columns.map(({ name }) => name)],
    row("connections with one request, a second", "connections"),
    row("round trips a second", "roundTrips"),
    row("GiB a second", "gib"),
    row("sessions that wait, by memory", "waiting"),
    row("idle sessions, by memory", "idle"),
    row("busy sessions, by memory", "busy"),
    row("sessions, by 524,288 descriptors", "sessions"),
  ]);
}

function costsOf(cases: readonly CaseResult[]): Costs | undefined {
  const of = (label: string, key: "cpu" | "memory") => {
    const variants = cases.find((each) => each.label === label)?.variants ?? [];
    return variants.find(({ name }) => name.startsWith("iawlb"))?.metrics[key]?.median ?? NaN;
  };
  const connection = of("connection with one request", "cpu");
  const costs = {
    connection,
    roundTrip: of("round trip", "cpu"),
    gib: of("GiB", "cpu"),
    waiting: of("session that waits in the queue", "memory"),
    idle: of("session on which nothing moves", "memory"),
    busy: of("session that is busy", "memory"),
    threads: of("connection with one request, 2 threads", "cpu") / connection,
  };
  return Object.values(costs).every(Number.isFinite) ? costs : undefined;
}

/** Two digits: more would say more than is known. */
function rounded(value: number): string {
  const unit = 10 ** (Math.floor(Math.log10(value)) - 1);
  return Number((Math.round(value / unit) * unit).toPrecision(2)).toLocaleString("en");
}
