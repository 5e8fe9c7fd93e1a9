import type { Contender, Setup } from "../contenders.ts";
import type { Service } from "../destinations.ts";
import type { OpenLoop } from "../load.ts";
import type { Bench, Sample, Workload } from "../workload.ts";

/** Four destinations that take one request at a time. */
const SERVICES: readonly Service[] = [
  { ms: 10 },
  { ms: 10 },
  { ms: 100 },
  { ms: 10, stall: { ms: 200, probability: 0.02 } },
];

/** The ways to set up a contender for destinations that take one request at a time. */
const SETUPS: Readonly<Record<string, Readonly<Record<string, Omit<Setup, "destinations">>>>> = {
  "iawlb": { "--workers 1": { limit: 1 } },
  "iawlb-source": { "--workers 1": { limit: 1 } },
  "nginx": { "round robin": {}, "least_conn": { method: "least_conn" } },
  "haproxy": {
    "roundrobin": {},
    "leastconn": { method: "leastconn" },
    "leastconn maxconn 1": { method: "leastconn", limit: 1 },
  },
};

export const tail: Workload = {
  name: "tail",
  title: "latency in front of four unequal destinations that take one request at a time",
  metrics: [
    { key: "p50", title: "p50 ms", digits: 1 },
    { key: "p99", title: "p99 ms", digits: 1 },
    { key: "p999", title: "p99.9 ms", digits: 1 },
  ],
  plotted: "p99",
  async *cases(bench) {
    const warmUp = bench.quick ? 0.3 : 1;
    const seconds = warmUp + (bench.quick ? 1 : 2) * bench.seconds;
    const timeout = bench.quick ? 500 : 3000;
    const capacity = await measureCapacity(bench);
    for (const load of bench.quick ? [70] : [50, 70, 90]) {
      const loop = { rate: capacity * load / 100, seconds, warmUp, timeout };
      yield {
        label: `${load} % of ${capacity.toFixed(0)} requests/s, at most ${timeout} ms each`,
        variants: bench.contenders.flatMap((contender) =>
          Object.entries(SETUPS[contender.name] ?? {}).map(([name, setup]) => ({
            name: `${contender.name} ${name}`,
            measure: (round: number) => {
              return measureServed(bench, contender, {
                services: SERVICES,
                setup,
                loop: { ...loop, seed: round + 1 },
              });
            },
          }))
        ),
      };
    }
  },
};

/**
 * Requests per second that all destinations together can answer when each always has the next one
 * at hand: from their mean times, and what a request takes beyond that.
 */
async function measureCapacity({ destinations, load, processes, quick }: Bench): Promise<number> {
  const service = SERVICES[0]!;
  const { ports } = await destinations.serial([service], 1);
  const loop = { clients: 4, close: true, seconds: quick ? 1 : 3 };
  const { requests, seconds } = await load.closedLoop(ports[0]!, loop);
  await processes.stopAll();
  const extra = seconds * 1000 / requests - service.ms;
  return SERVICES.reduce((sum, { ms, stall }) => {
    const mean = stall ? ms + stall.probability * (stall.ms - ms) : ms;
    return sum + 1000 / (mean + extra);
  }, 0);
}

/** With destinations of its own, so that no contender meets what another one has left behind. */
export async function measureServed(
  { destinations, load }: Bench,
  contender: Contender,
  { services, setup, loop }: {
    services: readonly Service[];
    setup: Omit<Setup, "destinations">;
    loop: OpenLoop;
  },
): Promise<Sample> {
  const servers = await destinations.serial(services, loop.seed);
  const { port, child } = await contender.start({ ...setup, destinations: servers.ports });
  try {
    const { errors, p50, p99, p999 } = await load.openLoop(port, loop);
    return { p50, p99, p999, errors };
  } finally {
    await Promise.all([child!.stop(), servers.child.stop()]);
  }
}
