import type { Contender } from "../contenders.ts";
import { type Costs, measureCosts, measureScene, simulateScene } from "../overload/measuring.ts";
import { agreement, SIMULATION } from "../overload/agreement.ts";
import { pictures } from "../overload/pictures.ts";
import { Reference } from "../overload/reference.ts";
import { type Scene, scenes } from "../overload/scenes.ts";
import { summary } from "../overload/summary.ts";
import { simulated, waysOf } from "../overload/ways.ts";
import type { Bench, Variant, Workload } from "../workload.ts";

/**
 * Connects a second of all loads that are measured at a time. On two processors more of them make the
 * pause between two sessions of a slot longer than a balancer alone does, from 0.3 to 1 ms.
 */
const CONNECTS_AT_A_TIME = 200;

export const overload: Workload = {
  name: "overload",
  title: "clients that leave, in front of servers that take one request at a time",
  metrics: [
    { key: "goodput", title: "answered in time, % of what could be", digits: 0 },
    { key: "p50", title: "p50 ms of these", digits: 0, plain: true },
    { key: "p99", title: "p99 ms of these", digits: 0, plain: true },
    { key: "wasted", title: "% of the work for nobody", digits: 0, plain: true },
    { key: "others", title: "of the others, %", digits: 0, plain: true },
    { key: "recovery", title: "s until all is well", digits: 1, plain: true },
  ],
  plotted: "goodput",
  pictures,
  remarks: (cases) => `${summary(cases)}\n\n${agreement(cases)}`.trim(),
  async *cases(bench) {
    const ours = bench.contenders.find(({ isOurs }) => isOurs);
    // What a balancer adds is known from the first simulation on.
    let costs: Promise<Costs> | undefined;
    for (const scene of scenes(bench)) {
      const reference = new Reference(bench, scene.services);
      const capacities: Promise<number>[] = [];
      const of: Given = {
        scene,
        reference,
        reached: [],
        capacity: (round) => capacities[round] ??= reference.now(),
        costs: () => costs ??= costsOf(bench, ours!, scene),
      };
      const real = bench.contenders.flatMap((contender) => measured(bench, contender, of));
      yield {
        label: scene.label,
        together: bench.quick
          ? Infinity
          : Math.max(1, Math.floor(CONNECTS_AT_A_TIME / connects(scene))),
        variants: [...real, ...ours && isSimulated(scene) ? calculated(of) : []],
        ...ours && { baseline: `${ours.name} shed` },
      };
    }
  },
};

/** What all variants of a scene are given, each measured when the first one asks. */
interface Given {
  readonly scene: Scene;
  readonly reference: Reference;
  /** Requests per second that the servers could answer beside iawlb, by round. */
  readonly reached: number[];
  /** The same before the first one, of which the loads are multiples. */
  capacity(round: number): Promise<number>;
  costs(): Promise<Costs>;
}

/** Connects per second to one contender, at most. */
function connects({ phases, services, clients }: Scene): number {
  const load = Math.max(...phases.map(({ load }) => load));
  return load * (1 + clients.retries) * services.reduce((sum, { ms }) => sum + 1000 / ms, 0);
}

/** Whether a way is also measured to see that everything works. */
function isQuick(name: string): boolean {
  return name === "shed";
}

function measured(bench: Bench, contender: Contender, given: Given): Variant[] {
  const { scene, reference } = given;
  const ways = Object.entries(waysOf(contender.name, scene));
  // One of each tells whether it works.
  const some = bench.quick ? ways.filter(([name], i) => isQuick(name) || i === 0) : ways;
  return some.map(([name, way]) => ({
    name: `${contender.name} ${name}`,
    measure: async (round) => {
      const capacity = await given.capacity(round);
      const sample = await measureScene(bench, contender, {
        scene,
        way,
        reference,
        capacity,
        seed: round + 1,
      });
      if (contender.isOurs) given.reached[round] = sample.capacity!;
      return sample;
    },
  }));
}

/** The same in a simulation of the queue of iawlb. */
function calculated({ scene, capacity, reached, costs }: Given): Variant[] {
  return Object.entries(simulated(scene.clients)).map(([name, way]) => ({
    name: `${SIMULATION} ${name}`,
    apart: true,
    measure: async (round) => {
      return await simulateScene(scene, {
        way,
        capacity: await capacity(round),
        reached: reached[round] ?? await capacity(round),
        costs: await costs(),
        seed: round + 1,
      });
    },
  }));
}

/** Simulations know one server, and not who the clients are. */
function isSimulated({ services, greedy }: Scene): boolean {
  return services.length === 1 && !greedy;
}

async function costsOf(bench: Bench, ours: Contender, scene: Scene): Promise<Costs> {
  const way = waysOf(ours.name, scene).shed!;
  return await measureCosts(bench, ours, { way, service: scene.services[0]! });
}
