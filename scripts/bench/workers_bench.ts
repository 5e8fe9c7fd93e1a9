// How `--workers auto` does beside fixed numbers:
// `deno run -A scripts/bench/workers_bench.ts [ROUNDS] [SERVER[@CLIENTS]] [WORKERS,...] [OPTION ...]`.
//
// One balancer serves the same clients all the time, and its number of workers is changed every few
// seconds, in another order in each round: what else the machine does meets all of them, and that is
// more than what there is between them. `auto` begins anew each time. Of a server that changes, what
// counts is one whole turn of its changes. Further options are iawlb's, such as `--threads 2`.
//
// The best number is the fewest slots of those that finish nearly as much as the one that finishes
// most: between these throughput is chance, and what more slots cost is time. Printed are sessions
// per second and their share of the best number's, the slowest hundredth of them from accept to end,
// all waiting included, and its multiple of that with the best number.
import { Processes, sleep } from "./processes.ts";
import { listens } from "./measure.ts";
import { type Server, SERVERS } from "./workers_servers.ts";

const WORKERS = ["1", "2", "4", "8", "16", "32", "64", "auto"];
/** Milliseconds for each, of which the first do not count. */
const FIXED = { length: 3500, settling: 1500 };
const AUTO = { length: 16_000, settling: 5000 };
/** With so much of the greatest throughput, a number is as good as the one that has it. */
const AS_GOOD = 0.97;

const [rounds = "4", kind = "", chosen = "", ...options] = Deno.args;
const workers = chosen ? chosen.split(",") : WORKERS;
const [only, clients] = kind.split("@");
const processes = new Processes();
try {
  for (const [name, start] of Object.entries(SERVERS)) {
    if (only && name !== only) continue;
    const results = await compare(
      await start(processes, clients ? Number(clients) : undefined),
      processes,
    );
    const best = bestOf(results);
    for (const [number, runs] of results) {
      const each = runs.map(({ count, ms }) => Math.round(1000 * count / ms)).join(" ");
      const [rate, p99] = [rateOf(runs), p99Of(runs)];
      const figures = [
        ...[`${Math.round(rate)}/s`, `${Math.round(100 * rate / rateOf(best))} %`],
        ...[`${Math.round(p99)} ms`, `${(p99 / p99Of(best)).toFixed(2)} x`],
      ];
      console.log([name, number, ...figures, each].join("\t"));
    }
    await processes.stopAll();
  }
} finally {
  processes.close();
}

/** What clients had while a number was in force. */
interface Answered {
  /** Sessions. */
  readonly count: number;
  /** How long it was in force. */
  readonly ms: number;
  /** Milliseconds from accept to the end of each. */
  readonly took: readonly number[];
}

/** What the best fixed number did. */
function bestOf(results: ReadonlyMap<string, readonly Answered[]>): readonly Answered[] {
  const fixed = [...results].filter(([number]) => number !== "auto")
    .sort(([a], [b]) => Number(a) - Number(b)).map(([, runs]) => runs);
  const most = Math.max(...fixed.map(rateOf));
  return fixed.find((runs) => rateOf(runs) >= AS_GOOD * most)!;
}

function rateOf(runs: readonly Answered[]): number {
  const sum = (one: "count" | "ms") => runs.reduce((sum, run) => sum + run[one], 0);
  return 1000 * sum("count") / sum("ms");
}

function p99Of(runs: readonly Answered[]): number {
  const took = runs.flatMap((run) => run.took).sort((a, b) => a - b);
  return took[Math.floor(0.99 * took.length)] ?? NaN;
}

async function compare(server: Server, processes: Processes): Promise<Map<string, Answered[]>> {
  const [port, admin] = [processes.freePort(), processes.freePort()];
  const log = processes.file("access.log");
  const main = new URL("../../main.ts", import.meta.url).pathname;
  const balancer = await processes.serve("iawlb", [
    ...[Deno.execPath(), "run", "--quiet", "--no-check", "-A", main],
    ...[`${port}`, `127.0.0.1:${server.port}`, "--workers", "4", "--admin", `${admin}`],
    ...["--access-log", log, "--access-log-format", "{time:unix_ms} {total:ms} {reason}"],
    ...options,
  ], port);
  while (!listens(admin)) await sleep(5);
  const plan = Array.from({ length: Number(rounds) }, () => shuffled(workers)).flat();
  const lengthOf = (number: string) => {
    const times = number === "auto" ? AUTO : FIXED;
    return server.period ? { ...times, length: times.settling + server.period } : times;
  };
  const total = plan.reduce((sum, number) => sum + lengthOf(number).length, 0);
  const load = server.load(port, total + 1000);
  const blocks: { number: string; from: number; to: number }[] = [];
  for (const number of plan) {
    const { length, settling } = lengthOf(number);
    await set(admin, number);
    const begin = Date.now();
    await sleep(length);
    blocks.push({ number, from: begin + settling, to: Date.now() });
  }
  await load;
  balancer.end();
  await balancer.ended;
  const ends = Deno.readTextFileSync(log).trim().split("\n").map((line) => line.split(" "))
    .filter(([, , reason]) => reason === "done")
    .map(([time, total]) => ({ time: Number(time), total: Number(total) }));
  return new Map(workers.map((number) => [
    number,
    blocks.filter((block) => block.number === number).map(({ from, to }) => {
      const took = ends.filter(({ time }) => time >= from && time < to).map(({ total }) => total);
      return { count: took.length, ms: to - from, took };
    }),
  ]));
}

/** Changes the number of workers of the one destination. */
async function set(admin: number, number: string): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${admin}/destinations/1.1`, {
    method: "PATCH",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ workers: number === "auto" ? number : Number(number) }),
  });
  if (!response.ok) throw new Error(await response.text());
  await response.body?.cancel();
}

function shuffled<T>(values: readonly T[]): T[] {
  return values.map((value) => ({ value, key: Math.random() })).sort((a, b) => a.key - b.key)
    .map(({ value }) => value);
}
