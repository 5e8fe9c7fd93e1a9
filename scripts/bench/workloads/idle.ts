import { openDescriptors, resetPeak, residentMemory } from "../measure.ts";
import { sleep } from "../processes.ts";
import type { Running } from "../contenders.ts";
import type { Bench, CaseResult, Sample, Workload } from "../workload.ts";

/** Time for a program to take note that nothing happens any more. */
const SETTLE_MS = 3000;

/** The same while connections are held: iawlb gives memory back when it has been quiet for 5 s. */
const QUIET_MS = 9000;

/** Longest until all connections are held. */
const HELD_MS = 30_000;

/** Bytes of the buffers of the bare loop. */
const SMALL_BUFFER = 1024;

/** What iawlb is to need at most for a session on which nothing moves, in KiB. */
const TARGET_KIB = 16;

/** The states of sessions, and how many round trips each has had. */
const STATES = [
  { name: "after one round trip", trips: 1, limit: undefined },
  { name: "after five round trips", trips: 5, limit: undefined },
  { name: "in the queue", trips: 0, limit: 1 },
];

/** Memory of connections on which nothing moves. */
export const idle: Workload = {
  name: "idle",
  title: "memory of connections on which nothing moves",
  metrics: [
    { key: "each", title: "KiB per connection", digits: 1 },
    { key: "base", title: "MiB before", digits: 0 },
    { key: "peak", title: "peak MiB", digits: 0 },
    { key: "after", title: "MiB after they left", digits: 0 },
  ],
  plotted: "each",
  remarks,
  async *cases(bench) {
    const clients = bench.quick ? 500 : 8000;
    const balancers = bench.contenders.filter((one) => one.isBalancer && !one.isBare);
    const floors = bench.bareLoops.filter((loop) => balancers.some((one) => loop.isFloorOf(one)));
    for (const { name, trips, limit } of STATES) {
      // What has started for a case ends with it.
      const [destination] = await bench.destinations.http();
      const load = { clients, trips, sockets: limit ? 1 : 2 };
      // The bare loop has no queue.
      const contenders = limit
        ? balancers.filter(({ isOurs }) => isOurs)
        : [...balancers, ...floors];
      const setup = { destinations: [destination!], buffer: SMALL_BUFFER, ...limit && { limit } };
      yield {
        label: `${clients} connections ${name}`,
        variants: contenders.map((contender) => ({
          name: contender.name,
          measure: async () => await measure(bench, await contender.start(setup), load),
        })),
      };
    }
  },
};

/** Whether the target is reached in each state, and by how much. */
function remarks(cases: readonly CaseResult[]): string {
  const lines = cases.flatMap(({ label, variants }) =>
    variants.filter(({ name }) => name.startsWith("iawlb")).map(({ name, metrics }) => {
      const { median = NaN } = metrics.each ?? {};
      const verdict = median <= TARGET_KIB ? "reached" : "MISSED";
      return `- ${name}, ${label}: ${median.toFixed(1)} of at most ${TARGET_KIB} KiB: ${verdict}`;
    })
  );
  return lines.join("\n");
}

async function measure(
  { load, quick }: Bench,
  { port, child }: Running,
  { clients, trips, sockets }: { clients: number; trips: number; sockets: number },
): Promise<Sample> {
  const settle = (ms = SETTLE_MS) => sleep(quick ? ms / 10 : ms);
  const { pid } = child!;
  try {
    await (await load.hold(port, 1, { trips })).stop();
    await settle();
    const base = residentMemory(pid);
    const before = openDescriptors(pid);
    resetPeak(pid);
    const holder = await load.hold(port, clients, { trips });
    await allHeld(pid, before + clients * sockets);
    await settle(QUIET_MS);
    const held = residentMemory(pid);
    await holder.stop();
    await settle();
    return {
      each: (held - base) * 1024 / clients,
      base,
      peak: residentMemory(pid, "peak"),
      after: residentMemory(pid),
    };
  } finally {
    await child!.stop();
  }
}

/**
 * Resolves once a process has so many descriptors. The kernel may tell clients that they are connected
 * whom nobody has accepted; divided by sessions that are not there, the figure would be too good.
 */
async function allHeld(pid: number, expected: number): Promise<void> {
  for (const end = performance.now() + HELD_MS; openDescriptors(pid) < expected;) {
    if (performance.now() > end) {
      throw new Error(`it has ${openDescriptors(pid)} descriptors, not ${expected}`);
    }
    await sleep(100);
  }
}
