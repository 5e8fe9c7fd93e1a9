import { resetPeak, residentMemory } from "../measure.ts";
import { sleep } from "../processes.ts";
import type { Contender } from "../contenders.ts";
import type { Bench, Sample, Workload } from "../workload.ts";

/** Time for a program to take note that nothing happens any more. */
const SETTLE_MS = 3000;

/** Memory of connections on which nothing moves, each after one round trip. */
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
  async *cases(bench) {
    const clients = bench.quick ? 500 : 5000;
    const [destination] = await bench.destinations.http();
    yield {
      label: `${clients} connections`,
      variants: bench.contenders.filter(({ isBalancer }) => isBalancer).map((contender) => ({
        name: contender.name,
        measure: () => measure(bench, contender, destination!, clients),
      })),
    };
  },
};

async function measure(
  { load, quick }: Bench,
  contender: Contender,
  destination: number,
  clients: number,
): Promise<Sample> {
  const settle = () => sleep(quick ? SETTLE_MS / 10 : SETTLE_MS);
  const { port, child } = await contender.start({ destinations: [destination] });
  const { pid } = child!;
  try {
    await (await load.hold(port, 1)).stop();
    await settle();
    const base = residentMemory(pid);
    resetPeak(pid);
    const holder = await load.hold(port, clients);
    await settle();
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
