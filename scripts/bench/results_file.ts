import type { Contender } from "./contenders.ts";
import { parse, stringify } from "./json.ts";
import { plot } from "./plot.ts";
import type { Tools } from "./tools.ts";
import type { Workload, WorkloadResult } from "./workload.ts";

/** What was measured before, of the workloads that there are; nothing if there is no such file. */
export function readResults(dir: string, workloads: readonly Workload[]): WorkloadResult[] {
  let text: string;
  try {
    text = Deno.readTextFileSync(`${dir}/results.json`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
  const { results } = parse(text) as { results: WorkloadResult[] };
  return results.flatMap(({ workload: { name }, cases }) => {
    const workload = workloads.find((each) => each.name === name);
    return workload ? [{ workload, cases }] : [];
  });
}

/** Writes all numbers and pictures. */
export async function writeResults(
  dir: string,
  { contenders, results, tools, ...settings }: {
    contenders: readonly Contender[];
    results: readonly WorkloadResult[];
    tools: Tools;
    [setting: string]: unknown;
  },
): Promise<void> {
  const cpu = /^model name\s*: (.*)$/m.exec(await Deno.readTextFile("/proc/cpuinfo"))?.[1];
  const report = {
    date: new Date().toISOString(),
    machine: { cpu, cores: navigator.hardwareConcurrency, kernel: Deno.osRelease() },
    deno: Deno.version.deno,
    settings,
    contenders: contenders.map(({ name, about }) => ({ name, about })),
    tools,
    results,
  };
  await Deno.mkdir(dir, { recursive: true });
  await Deno.writeTextFile(`${dir}/results.json`, stringify(report, 1) + "\n");
  await Deno.writeTextFile(`${dir}/plot.svg`, plot(results));
  for (const { workload, cases } of results) {
    for (const [name, picture] of Object.entries(workload.pictures?.(cases) ?? {})) {
      await Deno.writeTextFile(`${dir}/${name}`, picture);
    }
  }
}
