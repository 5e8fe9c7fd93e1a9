import { OPTIONS, type Settings } from "../../../src/config/options.ts";
import { capacityOf, type Scene, type Share } from "../../simulate/large/scene.ts";
import { simulate } from "../../simulate/large/simulate.ts";
import type { Contender } from "../contenders.ts";
import { cycle, type Service } from "../destinations.ts";
import type { OpenLoop } from "../load.ts";
import { openVisits } from "../open_visits.ts";
import { agreement, SIMULATION } from "../overload/agreement.ts";
import { median } from "../statistics.ts";
import { sleep } from "../processes.ts";
import type { Bench, Sample, Variant, Workload } from "../workload.ts";

/** Requests that each destination takes at a time. */
const SLOTS = 4;

/** Of four destinations, one is five times slower: as in the workload `unequal`. */
const SERVICES: readonly Service[] = [40, 200, 40, 40].map((ms) => ({ ms, slots: SLOTS }));

const CLIENTS = 1000;

/** Balancers in front of the same destinations. */
interface Way {
  readonly name: string;
  readonly policy: Settings["balance"];
  readonly balancers: number;
  readonly share: Share;
}

const ONE: readonly Way[] = OPTIONS.balance.notation!.words!.map((policy) => {
  return { name: policy, policy: policy as Settings["balance"], balancers: 1, share: "all" };
});

/** The first of these and one that draws by lot. */
const TWO: readonly Way[] = (["fifo", "random"] as const).flatMap((policy) =>
  (["all", "split"] as const).map((share) => {
    const slots = share === "all" ? "all slots each" : "half of the slots each";
    return { name: `${policy}, two with ${slots}`, policy, balancers: 2, share };
  })
);

/** The queue of the program beside the simulation of the same scene. */
export const simulation: Workload = {
  name: "simulation",
  title: "the simulation of the queue beside real connections",
  metrics: [
    { key: "p50", title: "p50 ms", digits: 1, plain: true },
    { key: "p99", title: "p99 ms", digits: 1, plain: true },
    { key: "p999", title: "p99.9 ms", digits: 1, plain: true },
  ],
  plotted: "p99",
  remarks: agreement,
  async *cases(bench) {
    const ours = bench.contenders.find(({ isOurs }) => isOurs);
    if (!ours) return;
    const costs = await measureCosts(bench, ours);
    const capacity = 1000 * capacityOf(serversOf(costs));
    const warmUp = bench.quick ? 0.3 : 1;
    for (const load of bench.quick ? [90] : [50, 70, 90]) {
      const loop = {
        rate: capacity * load / 100,
        seconds: warmUp + 2 * bench.seconds,
        warmUp,
        timeout: 5000,
        clients: CLIENTS,
      };
      // One of each tells whether it works.
      const ways = bench.quick ? [ONE[0]!, TWO.at(-2)!] : [...ONE, ...TWO];
      yield {
        label: `${load} % of ${capacity.toFixed(0)} requests/s`,
        variants: ways.flatMap((way) => variantsOf(bench, ours, { way, loop, costs })),
      };
    }
  },
};

/** What a destination and a balancer add to the time that a request takes, in milliseconds. */
export interface Costs {
  /** A destination takes so much longer than it is told to. */
  readonly service: number;
  /** A balancer's slot is taken for so much longer. */
  readonly overhead: number;
  /** A client gets its answer so much later. */
  readonly travel: number;
}

/** Measures these, with nobody who waits for a slot of a destination but whoever is next. */
export async function measureCosts(bench: Bench, ours: Contender): Promise<Costs> {
  const [service] = SERVICES as [Service];
  const { destinations, load, quick } = bench;
  const servers = await destinations.serial([service], 1, { notes: true });
  const { port, child } = await ours.start({ destinations: servers.ports, limit: SLOTS });
  const loop = { close: true, seconds: quick ? 1 : 3 };
  async function taken(port: number): Promise<number> {
    const from = Date.now();
    const { seconds } = await load.closedLoop(port, { ...loop, clients: 2 * SLOTS });
    return cycle(servers.child, { slots: SLOTS, from, to: from + seconds * 1000 });
  }
  const several = async (port: number) => {
    const all: number[] = [];
    for (let i = 0; i < (quick ? 1 : 3); i++) all.push(await taken(port));
    return median(all);
  };
  try {
    // Its code is compiled by then.
    await taken(port);
    const direct = await several(servers.ports[0]!);
    const through = await several(port);
    const { p50 } = await load.closedLoop(port, { ...loop, clients: 1 });
    return {
      service: direct - service.ms,
      overhead: Math.max(0, through - direct),
      travel: Math.max(0, p50 - direct),
    };
  } finally {
    await Promise.all([child!.stop(), servers.child.stop()]);
  }
}

function serversOf({ service }: Costs, ports: readonly number[] = []) {
  return SERVICES.map(({ ms }, i) => ({
    number: 1,
    ms: ms + service,
    slots: SLOTS,
    ...ports[i] && { port: ports[i] },
  }));
}

/** A way for real, and in a simulation of the same clients and servers. */
function variantsOf(
  bench: Bench,
  ours: Contender,
  { way, costs, ...given }: { way: Way; costs: Costs; loop: Omit<OpenLoop, "seed"> },
): Variant[] {
  // Where the destinations were, by round: what a client's address leads to depends on that.
  const places: (readonly number[])[] = [];
  const loopOf = (round: number) => ({ ...given.loop, seed: round + 1 });
  return [{
    name: `${ours.name} ${way.name}`,
    async measure(round) {
      const { ports, sample } = await measure(bench, ours, { way, loop: loopOf(round) });
      places[round] = ports;
      return sample;
    },
  }, {
    name: `${SIMULATION} ${way.name}`,
    async measure(round) {
      return await calculate({ way, costs, loop: loopOf(round), ports: places[round]! });
    },
  }];
}

async function measure(
  { destinations, load }: Bench,
  ours: Contender,
  { way: { policy, balancers, share }, loop }: { way: Way; loop: OpenLoop },
): Promise<{ ports: readonly number[]; sample: Sample }> {
  const servers = await destinations.serial(SERVICES, loop.seed);
  const running = await Promise.all(Array.from({ length: balancers }, () =>
    ours.start({
      destinations: servers.ports,
      limit: share === "split" ? SLOTS / balancers : SLOTS,
      flags: ["--balance", policy],
      proxyHeader: true,
    })));
  try {
    // Threads and sockets are there before somebody comes.
    await sleep(200);
    const ports = running.map(({ port }) => port);
    const { errors, p50, p99, p999 } = await load.openLoop(ports[0]!, { ...loop, ports });
    return { ports: servers.ports, sample: { p50, p99, p999, errors } };
  } finally {
    await Promise.all([...running.map(({ child }) => child!.stop()), servers.child.stop()]);
  }
}

async function calculate(
  { way, costs, loop, ports }: {
    way: Way;
    costs: Costs;
    loop: OpenLoop;
    ports: readonly number[];
  },
): Promise<Sample> {
  const all = [...openVisits({ ...loop, ports: Array(way.balancers).fill(0) })];
  const scene: Scene = {
    ...way,
    ...costs,
    servers: serversOf(costs, ports),
    visits: all.map(({ due, client, port }) => {
      return { at: due, client: client!, balancer: port, work: 1 };
    }),
    clients: all.length,
    warmUp: loop.warmUp * 1000,
    seed: loop.seed,
  };
  const { response: { p50, p99, p999 } } = await simulate(scene);
  return { p50, p99, p999 };
}
