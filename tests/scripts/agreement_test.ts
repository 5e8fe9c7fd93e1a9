import { assert } from "@std/assert";
import { parse } from "../../scripts/bench/json.ts";
import type { WorkloadResult } from "../../scripts/bench/workload.ts";
import { unless } from "../support/unless.ts";

const MAIN = new URL("../../scripts/bench/main.ts", import.meta.url).pathname;

/** How far from each other the figures may be, whichever is more; other tests are under way. */
const SHARE = 0.2;
const MS = 20;

/** A machine that does much else is slower than the simulation of it: one of these has to be right. */
const TRIES = 4;

Deno.test({
  ...unless("the queue in a simulation waits as long as the real one", {
    "the bench needs Linux": Deno.build.os !== "linux",
  }),
  async fn() {
    const dir = await Deno.makeTempDir();
    try {
      let differences: string[] = [];
      for (let i = 0; i < TRIES; i++) {
        differences = differencesOf(await run(dir));
        if (differences.length === 0) return;
      }
      assert(false, differences.join("\n"));
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
});

/** One balancer and two of them under 90 % load for two seconds, for real and in a simulation. */
async function run(dir: string): Promise<WorkloadResult> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--no-check", MAIN, "simulation", "--quick"],
      ...["--contenders", "iawlb-source", "--output", dir],
    ],
    stdout: "null",
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  const text = await Deno.readTextFile(`${dir}/results.json`);
  const { results: [result] } = parse(text) as { results: WorkloadResult[] };
  return result!;
}

function differencesOf({ cases }: WorkloadResult): string[] {
  const variants = cases.flatMap(({ variants }) => variants);
  const pairs = variants.filter(({ name }) => name.startsWith("iawlb")).flatMap((real) => {
    const way = real.name.replace(/^\S+ /, "");
    const simulated = variants.find(({ name }) => name === `simulation ${way}`)!;
    return (["p50", "p99"] as const).map((key) => ({
      at: `${way}: ${key}`,
      real: real.metrics[key]!.median,
      simulated: simulated.metrics[key]!.median,
    }));
  });
  assert(pairs.length === 4, `${pairs.length}`);
  return pairs
    .filter(({ real, simulated }) => {
      return Math.abs(real - simulated) > Math.max(MS, SHARE * real);
    })
    .map(({ at, real, simulated }) =>
      `${at} ${simulated.toFixed(1)} instead of ${real.toFixed(1)}`
    );
}
