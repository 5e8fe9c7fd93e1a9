import { arrivals, lengthOf } from "../../simulate/arrivals.ts";
import { simulate } from "../../simulate/overload.ts";
import type { Contender } from "../contenders.ts";
import { busy, type Service } from "../destinations.ts";
import type { Impatient, ImpatientResult } from "../impatient.ts";
import { sleep } from "../processes.ts";
import { type Tally, tally } from "../tally.ts";
import type { Bench, Sample } from "../workload.ts";
import { Reference } from "./reference.ts";
import type { Scene } from "./scenes.ts";
import type { Simulated, Way } from "./ways.ts";

/** From when the load is begun until its first client may come: its process has started by then. */
const START_MS = 500;

/** Clients of which the slowest hundredth come so much later than they should are not that load. */
const LATE_MS = 10;

/** What a balancer adds to the time of a server, in milliseconds. */
export interface Costs {
  /** Longer than an answer takes a session has its slot. */
  readonly overhead: number;
  /** Connecting and the answer are on their way beyond that. */
  readonly travel: number;
}

/** How long a way is used before what it costs is measured, in seconds: its code is compiled by then. */
const WARM_UP = 3;

/** What a way costs when nobody leaves, once it is warm, and beside what is measured beside scenes. */
export async function measureCosts(
  bench: Bench,
  contender: Contender,
  { way, service }: { way: Way; service: Service },
): Promise<Costs> {
  const { destinations, load, quick } = bench;
  const servers = await destinations.serial([service], 1);
  const { port, child } = await contender.start({ ...way, destinations: servers.ports });
  try {
    const loop = { close: true, seconds: quick ? 1 : 2 };
    if (!quick) await load.closedLoop(port, { ...loop, clients: 4, seconds: WARM_UP });
    const [capacity, busy] = await Promise.all([
      new Reference(bench, [service]).now(),
      load.closedLoop(port, { ...loop, clients: 4 }),
    ]);
    const answer = 1000 / capacity;
    const slot = 1000 * busy.seconds / busy.requests;
    const idle = await load.closedLoop(port, { ...loop, clients: 1 });
    return {
      overhead: Math.max(0, slot - answer),
      travel: Math.max(0, idle.p50 - slot),
    };
  } finally {
    await Promise.all([child!.stop(), servers.child.stop()]);
  }
}

/** What a scene is measured with; `capacity` is what its loads are multiples of, per second. */
interface Given {
  readonly capacity: number;
  readonly seed: number;
}

/** The clients of a scene. */
function loopOf(scene: Scene, { capacity, seed }: Given) {
  const { phases, clients: { patience, retries }, warmUp, calmAt, greedy } = scene;
  return {
    ...greedy && { greedy },
    phases: phases.map(({ load, seconds }) => ({ rate: load * capacity, seconds })),
    patience,
    retries,
    warmUp,
    ...calmAt !== undefined && { calmAt },
    seed,
  };
}

/**
 * What becomes of the clients of a scene at a contender; in the sample, `capacity` is what the servers
 * could have answered meanwhile.
 */
export async function measureScene(
  { destinations, load }: Bench,
  contender: Contender,
  { scene, way, reference, ...given }: Given & { scene: Scene; way: Way; reference: Reference },
): Promise<Sample> {
  const servers = await destinations.serial(scene.services, given.seed, { notes: true });
  const { port, child } = await contender.start({
    ...way,
    destinations: servers.ports,
    proxyHeader: scene.greedy !== undefined,
  });
  try {
    const startAt = Date.now() + START_MS;
    const loop: Impatient = { ...loopOf(scene, given), startAt };
    const counts = { startAt: startAt + loop.warmUp * 1000, seconds: lengthOf(loop) - loop.warmUp };
    const [result, capacity] = await Promise.all([
      load.impatient(port, loop),
      reference.beside(counts),
      scene.stall && stall(servers.child.pid, { startAt, ...scene.stall }),
    ]);
    const spent = busy(servers.child, result);
    return {
      ...sampleOf(result, { scene, capacity }),
      wasted: 100 * Math.max(0, 1 - result.useful / spent),
      ...noteOfLateness(result),
    };
  } finally {
    await Promise.all([child!.stop(), servers.child.stop()]);
  }
}

/** What becomes of the same clients in a simulation, with what the servers could answer then. */
export async function simulateScene(
  scene: Scene,
  { way, costs, reached, ...given }: Given & { way: Simulated; costs: Costs; reached: number },
): Promise<Sample> {
  const loop = loopOf(scene, given);
  const { stall, warmUp, calmAt } = scene;
  const to = lengthOf(loop);
  const { tries, wasted } = await simulate({
    ...way,
    ...costs,
    load: NaN,
    patience: () => NaN,
    clients: arrivals(loop),
    meanService: 1000 / reached,
    retries: loop.retries,
    duration: to * 1000,
    warmUp: warmUp * 1000,
    seed: given.seed,
    ...stall && { stall: { from: stall.from * 1000, to: stall.to * 1000 } },
  });
  const result = tally(tries, { from: warmUp, to, calmAt });
  return { ...sampleOf(result, { scene, capacity: reached }), wasted: 100 * wasted };
}

function sampleOf(
  { answered, offered, seconds, p50, p99, recovery, timeline, others }: Tally,
  { scene, capacity }: { scene: Scene; capacity: number },
): Sample {
  return {
    goodput: 100 * answered / Math.min(capacity * seconds, offered),
    p50,
    p99,
    recovery: scene.calmAt === undefined ? NaN : recovery,
    others: 100 * others,
    capacity,
    ...scene.calmAt !== undefined &&
      Object.fromEntries(timeline.map((answers, i) => [`second ${i}`, 100 * answers / capacity])),
  };
}

function noteOfLateness({ lateness }: ImpatientResult): Sample {
  return { lateness, disturbed: lateness > LATE_MS ? 1 : 0 };
}

/** Lets a process stand still for a while. */
async function stall(
  pid: number,
  { startAt, from, to }: { startAt: number; from: number; to: number },
): Promise<void> {
  await sleep(startAt + from * 1000 - Date.now());
  Deno.kill(pid, "SIGSTOP");
  await sleep(startAt + to * 1000 - Date.now());
  Deno.kill(pid, "SIGCONT");
}
