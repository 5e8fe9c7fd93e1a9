// The benchmark suite: iawlb side by side with other balancers, see `deno task bench --help`.
import { parseArgs } from "@std/cli/parse-args";
import { messageOf } from "../../src/base/errors.ts";
import { type Contender, findContenders } from "./contenders.ts";
import { Destinations } from "./destinations.ts";
import { Load } from "./load.ts";
import { Processes } from "./processes.ts";
import { tables } from "./report.ts";
import { readResults, writeResults } from "./results_file.ts";
import { exists, findTools, PACKAGES, type Tools } from "./tools.ts";
import { type Bench, joined, runWorkload, type WorkloadResult } from "./workload.ts";
import { bare } from "./workloads/bare.ts";
import { bulk } from "./workloads/bulk.ts";
import { cost } from "./workloads/cost.ts";
import { idle } from "./workloads/idle.ts";
import { overload } from "./workloads/overload.ts";
import { models } from "./workloads/models.ts";
import { micro } from "./workloads/micro.ts";
import { connections, logging, roundTrips } from "./workloads/requests.ts";
import { destinations, policies, queue } from "./workloads/scale.ts";
import { simulation } from "./workloads/simulation.ts";
import { startUp } from "./workloads/startup.ts";
import { tail } from "./workloads/tail.ts";
import { tls } from "./workloads/tls.ts";
import { unequal } from "./workloads/unequal.ts";

const WORKLOADS = [
  roundTrips,
  connections,
  bare,
  bulk,
  tls,
  idle,
  tail,
  startUp,
  micro,
  logging,
  queue,
  destinations,
  policies,
  unequal,
  simulation,
  overload,
  models,
  cost,
];

const HELP = `deno task bench [OPTIONS] [NAMES]

Measures iawlb and whatever else of nginx, HAProxy and socat is installed, side by side.

  --only NAMES        workloads, separated by commas: ${names(WORKLOADS)};
                      NAMES alone are the same, such as: deno task bench models
  --contenders NAMES  of iawlb, iawlb-source, nginx, haproxy, socat, direct, bare, bare-source; default:
                      all that are found but bare loops, and iawlb-source only if there is no binary
  --binary PATH       the iawlb to measure; default: ./iawlb
  --bare PATH         the bare loop that it is measured by in the workloads bare, cost and idle, made with
                      the same runtime by deno task compile:bare; default: ./bare
  --rounds N          rounds, in which every contender has its turn; default: 5
  --seconds N         length of one measurement; default: 3
  --threads N         threads of each contender; default: 1
  --output DIR        where results.json and pictures go; default: bench-results
  --part REGEXP       only cases whose titles this matches
  --more              adds to the results that are in the output directory: more rounds, more cases
  --quick             one short round of everything, to see that it works
`;

const FLAGS = [
  "only",
  "part",
  "contenders",
  "binary",
  "bare",
  "rounds",
  "seconds",
  "threads",
  "output",
] as const;

class OptionError extends Error {}

type Options = Partial<Record<typeof FLAGS[number], string>> & {
  more: boolean;
  quick: boolean;
  help: boolean;
};

async function main(): Promise<boolean> {
  const options = readOptions();
  if (options.help) {
    console.log(HELP);
    return true;
  }
  if (Deno.build.os !== "linux") throw new OptionError("the suite reads /proc: it needs Linux");
  const { quick } = options;
  const rounds = readCount(options, "rounds", quick ? 1 : 5);
  const seconds = readCount(options, "seconds", quick ? 1 : 3);
  const threads = readCount(options, "threads", 1);
  const output = options.output ?? "bench-results";
  const workloads = pick(WORKLOADS, options.only, "--only");
  const binary = findBinary(options.binary, "iawlb");
  const least = findBinary(options.bare, "bare");
  const tools = findTools();

  const processes = new Processes();
  const interrupt = () => {
    processes.close();
    Deno.exit(130);
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    Deno.addSignalListener(signal, interrupt);
  }
  try {
    const all = findContenders(processes, tools, {
      binary,
      bare: least,
      threads,
    });
    const usual = all.filter(({ name, isBare }) => {
      return !isBare && (name !== "iawlb-source" || binary === undefined);
    });
    const contenders = pick(options.contenders ? all : usual, options.contenders, "--contenders");
    const bench: Bench = {
      contenders,
      bareLoops: all.filter(({ isBare }) => isBare),
      processes,
      destinations: new Destinations(processes, tools),
      load: new Load(processes, tools),
      rounds,
      seconds,
      quick,
      part: readPattern(options.part),
    };
    describe(contenders, tools);
    console.log(
      `Rounds: ${rounds}, of ${seconds} s per measurement, with ${threads} thread(s) each\n` +
        "Numbers: median of the rounds ± half of their interquartile range (median of the ratios " +
        "of each round)\n",
    );

    const settings = { rounds, seconds, threads, quick };
    let results = options.more ? readResults(output, WORKLOADS) : [];
    let failed = false;
    for (const workload of workloads) {
      try {
        const before = results.find(({ workload: { name } }) => name === workload.name);
        const others = results.filter((result) => result !== before);
        // What was measured is not lost if the rest cannot be.
        const onCase = async (latest: WorkloadResult) => {
          results = [...others, before ? joined(before, latest) : latest];
          await writeResults(output, { contenders, tools, results, ...settings });
        };
        const latest = await runWorkload(workload, bench, { progress, onCase });
        if (latest.cases.length === 0) {
          throw new Error(`--part ${options.part}: the title of no case`);
        }
        const result = results.at(-1)!;
        progress("");
        console.log(tables(result, workload.remarks?.(result.cases)) + "\n");
        failed ||= hasProblems(latest);
      } catch (error) {
        failed = true;
        console.error(
          `\n${workload.name} FAILED: ${messageOf(error)}`,
        );
      }
    }
    console.log(`${output}/results.json, ${output}/plot.svg`);
    return !failed;
  } finally {
    await processes.stopAll();
    processes.close();
  }
}

function hasProblems({ cases }: WorkloadResult): boolean {
  return cases.some(({ variants }) => variants.some(({ problems }) => problems.length > 0));
}

function readOptions(): Options {
  const { _: named, ...given } = parseArgs(Deno.args, {
    string: FLAGS,
    boolean: ["more", "quick", "help"],
    unknown(arg, flag) {
      if (flag !== undefined) throw new OptionError(`${arg}: no such option, see --help`);
    },
  });
  const options = given as unknown as Options;
  if (named.length === 0) return options;
  if (options.only !== undefined) throw new OptionError(`${named[0]}: --only says which already`);
  return { ...options, only: named.join(",") };
}

function readCount(options: Options, name: "rounds" | "seconds" | "threads", otherwise: number) {
  const text = options[name];
  if (text === undefined) return otherwise;
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new OptionError(`--${name} ${text}: not a whole number`);
  return Number(text);
}

function readPattern(text: string | undefined): RegExp | undefined {
  try {
    return text === undefined ? undefined : new RegExp(text);
  } catch (error) {
    throw new OptionError(`--part ${text}: ${messageOf(error)}`);
  }
}

/** Those of the items that a list names, or all without one. */
function pick<T extends { name: string }>(items: T[], list: string | undefined, flag: string): T[] {
  if (list === undefined) return items;
  return list.split(",").map((name) => {
    const item = items.find((item) => item.name === name);
    if (!item) throw new OptionError(`${flag} ${name}: not one of ${names(items)}`);
    return item;
  });
}

function names(items: readonly { name: string }[]): string {
  return items.map(({ name }) => name).join(",");
}

function findBinary(given: string | undefined, name: string): string | undefined {
  const path = given ?? name;
  if (exists(path)) return Deno.realPathSync(path);
  if (given !== undefined) throw new OptionError(`${given}: no such file`);
  return undefined;
}

/** Says what is compared and by what means, and what could be but is not installed. */
function describe(contenders: readonly Contender[], tools: Tools): void {
  console.log("Contenders:");
  for (const { name, about } of contenders) console.log(`  ${name}: ${about}`);
  if (!contenders.some(({ name }) => name === "iawlb")) {
    console.log("  No binary of iawlb is measured; deno task compile makes ./iawlb");
  }
  const own = "the suite's own";
  console.log(
    `Load: requests by ${tools.wrk ? `wrk ${tools.wrk.version}` : own}, transfers by ` +
      `${tools.iperf3 ? `iperf3 ${tools.iperf3.version}` : own}, open loop by ${own}; ` +
      `HTTP server: ${tools.nginx ? `nginx ${tools.nginx.version}` : own}`,
  );
  const missing = Object.keys(PACKAGES).filter((name) => !tools[name as keyof Tools]);
  for (const name of missing) {
    console.log(`Not found: ${name}; to install: apt install ${PACKAGES[name as keyof Tools]}`);
  }
}

/** One line on standard error that replaces itself, or on no terminal one after the other. */
function progress(text: string): void {
  const bytes = Deno.stderr.isTerminal() ? `\r\x1b[K${text}` : text && `${text}\n`;
  Deno.stderr.writeSync(new TextEncoder().encode(bytes));
}

if (import.meta.main) {
  try {
    Deno.exit(await main() ? 0 : 1);
  } catch (error) {
    if (!(error instanceof OptionError)) throw error;
    console.error(`bench: ${error.message}`);
    Deno.exit(2);
  }
}
