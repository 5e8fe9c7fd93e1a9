import type { Contender } from "../contenders.ts";
import { cpuSeconds, residentMemory } from "../measure.ts";
import { sleep } from "../processes.ts";
import { median } from "../statistics.ts";
import type { Sample, Workload } from "../workload.ts";

const STARTS = 5;
const GIVE_UP_MS = 20_000;

/** The time until the first connection is served, as a client sees it that tries all the time. */
export const startUp: Workload = {
  name: "start-up",
  title: "from the start of the program until the first connection is served",
  metrics: [
    { key: "time", title: "ms", digits: 1 },
    { key: "cpu", title: "CPU ms", digits: 0 },
    { key: "memory", title: "RSS MiB", digits: 0 },
  ],
  plotted: "time",
  async *cases(bench) {
    const [destination] = await bench.destinations.http();
    yield {
      label: "start-up",
      variants: bench.contenders.filter(({ isProgram }) => isProgram).map((contender) => ({
        name: contender.name,
        async measure(): Promise<Sample> {
          const starts: Sample[] = [];
          for (let i = 0; i < STARTS; i++) starts.push(await start(contender, destination!));
          const middle = (key: string) => median(starts.map((each) => each[key]!));
          return { time: middle("time"), cpu: middle("cpu"), memory: middle("memory") };
        },
      })),
    };
  },
};

async function start(contender: Contender, destination: number): Promise<Sample> {
  const began = performance.now();
  const { port, child } = contender.launch({ destinations: [destination] });
  try {
    while (!await isServed(port)) {
      if (performance.now() - began > GIVE_UP_MS) {
        throw new Error(`served nobody:\n${Deno.readTextFileSync(child!.log)}`);
      }
      await sleep(1);
    }
    const time = performance.now() - began;
    return { time, cpu: cpuSeconds(child!.pid) * 1000, memory: residentMemory(child!.pid) };
  } finally {
    await child!.stop();
  }
}

async function isServed(port: number): Promise<boolean> {
  try {
    using conn = await Deno.connect({ hostname: "127.0.0.1", port });
    await conn.write(new TextEncoder().encode("GET / HTTP/1.0\r\n\r\n"));
    return await conn.read(new Uint8Array(100)) !== null;
  } catch {
    return false;
  }
}
