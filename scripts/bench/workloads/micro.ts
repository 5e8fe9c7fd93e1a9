import type { Processes } from "../processes.ts";
import type { Workload } from "../workload.ts";

const ROOT = new URL("../../..", import.meta.url).pathname;
const TIMEOUT_MS = 300_000;

/** What `deno bench --json` writes, as far as it matters here. Times are in nanoseconds. */
interface Report {
  benches: {
    group: string | null;
    name: string;
    baseline: boolean;
    results: { ok?: { avg: number; p99: number }; failed?: unknown }[];
  }[];
}

/** The micro-benchmarks of parts of iawlb: all of them run in each round. */
export const micro: Workload = {
  name: "micro",
  title: "parts of iawlb, by deno bench",
  metrics: [
    { key: "time", title: "ms", digits: 3 },
    { key: "p99", title: "p99 ms", digits: 3 },
  ],
  plotted: "time",
  async *cases({ processes, quick }) {
    const reports = new Map<number, Promise<Report>>();
    const report = (round: number) => {
      if (!reports.has(round)) reports.set(round, runAll(processes, quick ? "relay_bench.ts" : ""));
      return reports.get(round)!;
    };
    const groups = Object.entries(
      Object.groupBy((await report(0)).benches, ({ group }) => group ?? ""),
    );
    for (const [label, benches = []] of groups) {
      yield {
        label,
        baseline: (benches.find(({ baseline }) => baseline) ?? benches[0]!).name,
        variants: benches.map(({ name }) => ({
          name,
          async measure(round: number) {
            const bench = (await report(round)).benches
              .find((bench) => bench.group === label && bench.name === name);
            const result = bench?.results[0];
            if (!result?.ok) throw new Error(JSON.stringify(result?.failed ?? "it did not run"));
            return { time: result.ok.avg / 1e6, p99: result.ok.p99 / 1e6 };
          },
        })),
      };
    }
  },
};

async function runAll(processes: Processes, file: string): Promise<Report> {
  const output = await processes.run("deno bench", [
    ...[Deno.execPath(), "bench", "--quiet", "--no-check", "-A", "--json"],
    ...["--config", `${ROOT}/deno.json`, `${ROOT}/scripts/bench/${file}`],
  ], TIMEOUT_MS);
  return JSON.parse(output);
}
