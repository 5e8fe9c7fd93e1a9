import { type Contender, measured, type Running, type Setup } from "../contenders.ts";
import type { ClosedLoop } from "../load.ts";
import type { Bench, Case, Metric, Sample, Variant, Workload } from "../workload.ts";

const MANY_CLIENTS = 50;

/** What is measured of requests in a closed loop. */
export function requestMetrics(unit: string): Metric[] {
  return [
    { key: "rate", title: `${unit}s/s`, digits: 0 },
    { key: "cpu", title: `CPU µs per ${unit}`, digits: 1 },
    { key: "p50", title: "p50 ms", digits: 2 },
    { key: "p99", title: "p99 ms", digits: 2 },
    { key: "peak", title: "peak RSS MiB", digits: 0 },
  ];
}

/** A contender that makes a case of requests, and how it is set up for that. */
export interface Entry {
  name: string;
  contender: Contender;
  setup: Setup;
  /** See {@linkcode Variant}. */
  most?: Variant["most"];
}

/** A case of requests in a closed loop, with all contenders at work and warmed up. */
export async function requestCase(
  bench: Bench,
  options: { label: string; entries: Entry[]; baseline?: string; clients?: number; close: boolean },
): Promise<Case> {
  const { entries, clients = MANY_CLIENTS, close, ...about } = options;
  const loop = { clients, close, seconds: bench.seconds };
  const variants: Variant[] = [];
  for (const { name, contender, setup, most = {} } of entries) {
    const running = await contender.start(setup);
    if (!bench.quick) await bench.load.closedLoop(running.port, { ...loop, seconds: 1 });
    variants.push({ name, most, measure: () => measure(bench, running, loop) });
  }
  return { ...about, variants };
}

async function measure({ load }: Bench, running: Running, loop: ClosedLoop): Promise<Sample> {
  const { result, cpu, peak } = await measured(running, () => load.closedLoop(running.port, loop));
  const { requests, seconds, errors, p50, p99 } = result;
  if (requests === 0) throw new Error(`no request succeeded, ${errors} failed`);
  return { rate: requests / seconds, cpu: cpu * 1e6 / requests, p50, p99, peak, errors };
}

/** All contenders as they are, in front of one destination. */
async function everybody({ contenders, destinations }: Bench): Promise<Entry[]> {
  const setup = { destinations: await destinations.http() };
  return contenders.map((contender) => ({ name: contender.name, contender, setup }));
}

export const roundTrips: Workload = {
  name: "round-trips",
  title: "small round trips on connections that stay open",
  metrics: requestMetrics("round trip"),
  plotted: "cpu",
  async *cases(bench) {
    for (const clients of bench.quick ? [MANY_CLIENTS] : [1, MANY_CLIENTS, 500]) {
      const label = `${clients} client${clients === 1 ? "" : "s"}`;
      const entries = await everybody(bench);
      yield await requestCase(bench, { label, entries, clients, close: false });
    }
  },
};

export const connections: Workload = {
  name: "connections",
  title: "one connection per request",
  metrics: requestMetrics("connection"),
  plotted: "cpu",
  async *cases(bench) {
    const entries = await everybody(bench);
    yield await requestCase(bench, { label: `${MANY_CLIENTS} clients`, entries, close: true });
  },
};

/** What logging costs, where it costs most: with one connection per request. */
export const logging: Workload = {
  name: "logging",
  title: "one connection per request, with an access log",
  metrics: requestMetrics("connection"),
  plotted: "cpu",
  async *cases(bench) {
    for (const contender of bench.contenders.filter(({ isOurs }) => isOurs)) {
      const destinations = await bench.destinations.http();
      const logs = {
        "no log": [],
        "text": ["--access-log", "on"],
        "json": ["--access-log", "on", "--log-format", "json"],
        "text to a file": ["--access-log", bench.processes.file("access.log")],
      };
      const entries = Object.entries(logs)
        .map(([name, flags]) => ({ name, contender, setup: { destinations, flags } }));
      const { name: label } = contender;
      yield await requestCase(bench, { label, entries, baseline: "no log", close: true });
    }
  },
};
