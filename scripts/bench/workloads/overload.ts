import type { Contender, Setup } from "../contenders.ts";
import type { Service } from "../destinations.ts";
import type { Impatient } from "../load.ts";
import type { Bench, Sample, Workload } from "../workload.ts";

/** One destination that takes one request at a time. */
const SERVICE: Service = { ms: 10 };

/** As operators have it who set nothing. */
const QUEUE = 1024;

type Ways = Readonly<Record<string, Omit<Setup, "destinations">>>;

function overloaded(flag: string): Omit<Setup, "destinations"> {
  return { limit: 1, queue: QUEUE, queueTimeout: 30_000, flags: ["--when-overloaded", flag] };
}

const IAWLB: Ways = {
  "hold": overloaded("hold"),
  "shed": overloaded("shed"),
  "newest": overloaded("newest"),
  "hold, queue timeout 400 ms": { limit: 1, queue: QUEUE, queueTimeout: 400 },
};

/** The ways to set up a contender; a queue timeout is one that suits these clients. */
const WAYS: Readonly<Record<string, Ways>> = {
  "iawlb": IAWLB,
  "iawlb-source": IAWLB,
  "haproxy": {
    "maxconn 1": { limit: 1 },
    "maxconn 1, abortonclose": { limit: 1, lines: ["option abortonclose"] },
    "maxconn 1, queue timeout 400 ms": { limit: 1, queueTimeout: 400 },
  },
  // It has no queue.
  "nginx": { "stream": {} },
};

const CLIENTS: Readonly<Record<string, Pick<Impatient, "patience" | "retries">>> = {
  "patience 500 ms": { patience: { least: 500, most: 500 }, retries: 0 },
  "patience 100 ms to 5 s": { patience: { least: 100, most: 5000 }, retries: 0 },
  "patience 500 ms, 3 retries": { patience: { least: 500, most: 500 }, retries: 3 },
};

const LOADS = [0.5, 0.8, 1.5, 3, 10];

export const overload: Workload = {
  name: "overload",
  title: "clients that leave, in front of a destination that takes one request at a time",
  metrics: [
    { key: "goodput", title: "answered in time, % of capacity", digits: 0 },
    { key: "p50", title: "p50 ms of these", digits: 0 },
    { key: "p99", title: "p99 ms of these", digits: 0 },
  ],
  plotted: "goodput",
  async *cases(bench) {
    const { quick } = bench;
    const capacity = await measureCapacity(bench);
    const warmUp = quick ? 2 : 5;
    const seconds = warmUp + (quick ? 1 : 5) * bench.seconds;
    const kinds = Object.entries(CLIENTS).slice(0, quick ? 1 : undefined);
    for (const [kind, clients] of kinds) {
      for (const load of quick ? [1.5] : LOADS) {
        const loop = { rate: capacity * load, seconds, warmUp, ...clients };
        yield {
          label: `${load} × ${capacity.toFixed(0)} requests/s, ${kind}`,
          variants: bench.contenders.flatMap((contender) =>
            Object.entries(WAYS[contender.name] ?? {}).map(([name, setup]) => ({
              name: `${contender.name} ${name}`,
              measure: (round: number) => {
                const seeded = { ...loop, seed: round + 1 };
                return measure(bench, contender, { setup, loop: seeded, capacity });
              },
            }))
          ),
        };
      }
    }
  },
};

/** Requests per second that the destination can answer when it always has the next one at hand. */
async function measureCapacity({ destinations, load, processes, quick }: Bench): Promise<number> {
  const { ports } = await destinations.serial([SERVICE], 1);
  const loop = { clients: 4, close: true, seconds: quick ? 1 : 3 };
  const { requests, seconds } = await load.closedLoop(ports[0]!, loop);
  await processes.stopAll();
  return requests / seconds;
}

async function measure(
  { destinations, load }: Bench,
  contender: Contender,
  { setup, loop, capacity }: {
    setup: Omit<Setup, "destinations">;
    loop: Impatient;
    capacity: number;
  },
): Promise<Sample> {
  const servers = await destinations.serial([SERVICE], loop.seed);
  const { port, child } = await contender.start({ ...setup, destinations: servers.ports });
  try {
    const { answered, seconds, p50, p99 } = await load.impatient(port, loop);
    return { goodput: 100 * answered / seconds / capacity, p50, p99 };
  } finally {
    await Promise.all([child!.stop(), servers.child.stop()]);
  }
}
