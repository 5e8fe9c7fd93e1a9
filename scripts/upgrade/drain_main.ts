// What is lost at a plain stop, where nobody else listens: `deno run -A scripts/upgrade/drain_main.ts --help`.
import { parseArgs } from "@std/cli/parse-args";
import { Processes, sleep } from "../bench/processes.ts";
import { Clients } from "./clients.ts";
import { NOTHING, type Outcome } from "./outcomes.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const ECHO = new URL("./echo_main.ts", import.meta.url).pathname;
const USAGE = `Usage: drain_main.ts [OPTIONS]

Stops iawlb with SIGTERM under load, again and again, and counts what becomes of its clients. Who comes
after the stop is refused; who was connected has to be answered.

  --drains NUMBER    how often (12)
  --clients NUMBER   so many, of which each comes again as soon as it was answered (50)
  --rate NUMBER      instead: so many a second, whatever becomes of others
  --flags TEXT       more options of iawlb, separated by blanks
  --program TEXT     what is stopped, separated by commas: programs, or folders of sources, in turns
`;

const { _, help, ...given } = parseArgs(Deno.args, {
  boolean: ["help"],
  string: ["drains", "clients", "rate", "flags", "program"],
});
const flags = { drains: "12", clients: "50", rate: "0", flags: "", program: ROOT, ...given };
if (help) {
  console.log(USAGE);
  Deno.exit(0);
}

const processes = new Processes();
try {
  const echo = processes.freePort();
  const line = [Deno.execPath(), "run", "--quiet", "-A", ECHO, `${echo}`];
  await processes.serve("echo", line, echo);
  const sums = new Map<string, Sum>();
  for (let i = 0; i < Number(flags.drains); i++) {
    for (const program of flags.program.split(",")) {
      const sum = sums.get(program) ?? { drains: 0, harmed: 0, seconds: 0, before: 0, ...NOTHING };
      sums.set(program, sum);
      await drain(program, echo, sum);
    }
  }
  console.log(
    "program, drains, of these with losses, reset, lost, wrong, late, other, answered, connections/s",
  );
  for (const [program, sum] of sums) {
    const { drains, harmed, reset, lost, wrong, late, other, answered, before, seconds } = sum;
    const rate = Math.round(before / seconds);
    console.log(
      [program, drains, harmed, reset, lost, wrong, late, other, answered, rate].join(", "),
    );
  }
} finally {
  processes.close();
}

/** What has come of all drains of a program. */
interface Sum extends Record<Outcome, number> {
  drains: number;
  /** Drains in which somebody was lost. */
  harmed: number;
  /** How long clients were counted before the stop, and how many were answered then. */
  seconds: number;
  before: number;
}

async function drain(program: string, echo: number, sum: Sum): Promise<void> {
  const port = processes.freePort();
  const { isDirectory } = await Deno.stat(program);
  const iawlb = isDirectory
    ? [Deno.execPath(), "run", "--quiet", "--no-prompt", "-A", `${program}/main.ts`]
    : [program];
  const options = ["--access-log", "off", "--workers", "1000", ...flags.flags.split(" ")]
    .filter((one) => one !== "");
  const balancer = await processes.serve(
    "iawlb",
    [...iawlb, ...options, `127.0.0.1:${port}`, `127.0.0.1:${echo}`],
    port,
  );
  const [clients, rate] = [Number(flags.clients), Number(flags.rate)];
  const load = new Clients({ hostname: "127.0.0.1", port, clients, rate, atRefusal: "stop" });
  while ((await load.soFar()).answered < 1000) await sleep(20);
  const begun = performance.now();
  const { answered } = await load.soFar();
  await sleep(200 + Math.random() * 100);
  const { answered: then } = await load.soFar();
  sum.seconds += (performance.now() - begun) / 1000;
  sum.before += then - answered;
  balancer.end();
  await balancer.ended;
  const { examples, ...outcomes } = await load.end();
  for (const [outcome, count] of Object.entries(outcomes)) sum[outcome as Outcome] += count;
  sum.drains++;
  const { reset, lost, wrong, late, other } = outcomes;
  if (reset + lost + wrong + late + other > 0) {
    sum.harmed++;
    console.error(`drain ${sum.drains} of ${program}: ${JSON.stringify(outcomes)} ${examples[0]}`);
  }
}
