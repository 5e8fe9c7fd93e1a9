import { measured, type Running } from "../contenders.ts";
import type { Transfer } from "../load.ts";
import type { Bench, Sample, Variant, Workload } from "../workload.ts";

const GIB = 2 ** 30;

export const bulk: Workload = {
  name: "bulk",
  title: "as many bytes as possible",
  metrics: [
    { key: "rate", title: "GiB/s", digits: 2 },
    { key: "cpu", title: "CPU s per GiB", digits: 3 },
    { key: "peak", title: "peak RSS MiB", digits: 0 },
  ],
  plotted: "rate",
  async *cases(bench) {
    for (const streams of bench.quick ? [8] : [1, 8]) {
      for (const reverse of bench.quick ? [true] : [false, true]) {
        const server = await bench.destinations.bulk();
        const transfer = { server, streams, reverse, seconds: bench.seconds };
        const variants: Variant[] = [];
        for (const contender of bench.contenders) {
          const running = await contender.start({ destinations: [server] });
          if (!bench.quick) await measure(bench, running, { ...transfer, seconds: 1 });
          const { name } = contender;
          variants.push({ name, measure: () => measure(bench, running, transfer) });
        }
        const way = reverse ? "from the server" : "to the server";
        yield { label: `${streams} stream${streams > 1 ? "s" : ""} ${way}`, variants };
      }
    }
  },
};

async function measure({ load }: Bench, running: Running, transfer: Transfer): Promise<Sample> {
  const { result, cpu, peak } = await measured(
    running,
    () => load.transfer(running.port, transfer),
  );
  const units = result.bytes / GIB;
  return { rate: units / result.seconds, cpu: cpu / units, peak };
}
