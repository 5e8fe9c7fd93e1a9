// How `--workers auto` does beside fixed numbers: `deno run -A scripts/bench/workers_bench.ts`.
//
// Each round runs all of them one after the other, so that what else the machine does meets all.
import { Processes } from "./processes.ts";

const WORKERS = ["1", "2", "4", "8", "16", "32", "64", "auto"];
const KINDS = ["thrashing", "flat", "one at a time"];
/** Clients that come again as soon as they are answered: far more than there should be slots. */
const CLIENTS = 100;
/** Milliseconds; what is answered before `WARM_UP_MS` does not count. */
const LENGTH_MS = 20_000;
const WARM_UP_MS = 8_000;

const rounds = Number(Deno.args[0] ?? 1);
const kinds = Deno.args[1] ? [Deno.args[1]] : KINDS;
const here = (name: string) => new URL(name, import.meta.url).pathname;
const run = [Deno.execPath(), "run", "--quiet", "--no-check", "-A"];
const processes = new Processes();
try {
  for (const kind of kinds) {
    const port = processes.freePort();
    await processes.serve(kind, [...run, here("thrashing_main.ts"), `${port}`, kind], port);
    const all = new Map(WORKERS.map((workers) => [workers, [] as Answered[]]));
    for (let round = 0; round < rounds; round++) {
      for (const workers of WORKERS) all.get(workers)!.push(await measure(port, workers));
    }
    const best = Math.max(...WORKERS.map((workers) => rateOf(all.get(workers)!)));
    for (const workers of WORKERS) {
      const runs = all.get(workers)!;
      const rate = rateOf(runs);
      const p99 = runs.reduce((sum, one) => sum + one.p99, 0) / runs.length;
      const share = `${Math.round(100 * rate / best)} %`;
      console.log(
        [kind, workers, `${Math.round(rate)}/s`, share, `${Math.round(p99)} ms`].join("\t"),
      );
    }
    await processes.stopAll();
  }
} finally {
  processes.close();
}

/** What clients had of a run. */
interface Answered {
  /** Per second. */
  rate: number;
  /** Milliseconds from connect to the end of the slowest hundredth. */
  p99: number;
}

function rateOf(runs: readonly Answered[]): number {
  return runs.reduce((sum, { rate }) => sum + rate, 0) / runs.length;
}

async function measure(server: number, workers: string): Promise<Answered> {
  const port = processes.freePort();
  const options = ["--workers", workers, "--access-log", "off"];
  const line = [...run, here("../../main.ts"), `${port}`, `127.0.0.1:${server}`, ...options];
  const balancer = await processes.serve(workers, line, port);
  const begin = performance.now();
  const took: number[] = [];
  await Promise.all(Array.from({ length: CLIENTS }, async () => {
    for (let now = begin; now < begin + LENGTH_MS;) {
      const from = now;
      await request(port);
      now = performance.now();
      if (from > begin + WARM_UP_MS) took.push(now - from);
    }
  }));
  await balancer.stop();
  took.sort((a, b) => a - b);
  const seconds = (LENGTH_MS - WARM_UP_MS) / 1000;
  return { rate: took.length / seconds, p99: took[Math.floor(0.99 * took.length)] ?? NaN };
}

async function request(port: number): Promise<void> {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  const buffer = new Uint8Array(64);
  await conn.write(buffer);
  while (await conn.read(buffer) !== null);
  conn.close();
}
