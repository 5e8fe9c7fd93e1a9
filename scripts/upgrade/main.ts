// What upgrades under load cost: `deno run -A scripts/upgrade/main.ts --help`.
import { parseArgs } from "@std/cli/parse-args";
import { Processes, sleep } from "../bench/processes.ts";
import { Clients } from "./clients.ts";
import { type Contender, haproxy, iawlb, nginx } from "./contenders.ts";
import { LongSessions } from "./long_sessions.ts";

const USAGE = `Usage: main.ts [OPTIONS]

Replaces balancers by others of their kind while clients connect as fast as the machine allows, in a
network namespace of its own (root, unshare(1), ip(8)), and counts what becomes of the clients.

  --upgrades NUMBER     how often (100)
  --clients NUMBER      so many, each of which comes again as soon as it was answered (40)
  --pause MS            between an upgrade and the next (100)
  --generations NUMBER  each session of those that go on outlives so many upgrades (3)
  --migrate LIST        values of net.ipv4.tcp_migrate_req (1,0)
  --contenders LIST     who is replaced (iawlb,haproxy,nginx)
  --binary FILE         iawlb's binary instead of the sources
  --flags TEXT          more options of iawlb, separated by blanks
  --json                one line of JSON for each row instead of the table
`;

const SYSCTL = "/proc/sys/net/ipv4/tcp_migrate_req";

const { _, help, json, inside, ...given } = parseArgs(Deno.args, {
  boolean: ["help", "json", "inside"],
  string: [
    "upgrades",
    "clients",
    "pause",
    "generations",
    "migrate",
    "contenders",
    "binary",
    "flags",
  ],
});
const flags = {
  upgrades: "100",
  clients: "40",
  pause: "100",
  generations: "3",
  migrate: "1,0",
  contenders: "iawlb,haproxy,nginx",
  flags: "",
  ...given,
};
if (help) console.log(USAGE);
else if (inside) await compare();
else Deno.exit(await runInside());

/** Runs this program in a network of its own; that, and all processes in it, go when it ends. */
async function runInside(): Promise<number> {
  const own = ["--net", "--pid", "--fork", "--kill-child", "--mount-proc"];
  const loopback = ["sh", "-c", 'ip link set lo up && exec "$@"', "sh"];
  const program = [Deno.execPath(), "run", "--quiet", "-A", import.meta.filename!, "--inside"];
  const args = [...own, ...loopback, ...program, ...Deno.args];
  const { code } = await new Deno.Command("unshare", { args }).spawn().status;
  return code;
}

/** What has come of the upgrades of one contender. */
interface Row {
  contender: string;
  /** Of `net.ipv4.tcp_migrate_req`. */
  migrate: string;
  upgrades: number;
  /** Connections that were answered, and how many that was a second. */
  answered: number;
  rate: number;
  refused: number;
  reset: number;
  lost: number;
  wrong: number;
  late: number;
  other: number;
  /** Sessions that outlived upgrades: those that got to their end, and the others. */
  finished: number;
  cut: number;
  /** How long an upgrade took, the median, in milliseconds. */
  took: number;
}

async function compare(): Promise<void> {
  const rows: Row[] = [];
  for (const migrate of flags.migrate.split(",")) {
    await Deno.writeTextFile(SYSCTL, migrate);
    for (const name of flags.contenders.split(",")) {
      const processes = new Processes();
      try {
        const contender = await find(name, processes);
        if (contender === undefined) {
          console.error(`${name} is not installed`);
          continue;
        }
        console.error(`net.ipv4.tcp_migrate_req=${migrate}: ${name}, ${contender.about}`);
        const row: Row = { contender: name, migrate, ...await measure(contender, processes) };
        rows.push(row);
        if (json) console.log(JSON.stringify(row));
      } finally {
        await processes.stopAll();
        processes.close();
      }
    }
  }
  if (!json) print(rows);
}

function find(name: string, processes: Processes): Promise<Contender | undefined> | Contender {
  if (name === "haproxy") return haproxy(processes);
  if (name === "nginx") return nginx(processes);
  return iawlb(
    processes,
    given.binary as string | undefined,
    flags.flags.split(" ").filter((one) => one !== ""),
  );
}

async function measure(
  contender: Contender,
  processes: Processes,
): Promise<Omit<Row, "contender" | "migrate">> {
  const echo = processes.freePort();
  const server = new URL("./echo_main.ts", import.meta.url).pathname;
  await processes.serve("echo", [Deno.execPath(), "run", "-q", "-A", server, `${echo}`], echo);
  const port = processes.freePort();
  await contender.start(port, echo);
  const sessions = new LongSessions({ port, generations: Number(flags.generations) });
  const clients = new Clients({ hostname: "127.0.0.1", port, clients: Number(flags.clients) });
  try {
    while ((await clients.soFar()).answered === 0) await sleep(10);
    const begun = performance.now();
    const took: number[] = [];
    for (let i = 0; i < Number(flags.upgrades); i++) {
      await sessions.begin();
      await sleep(Number(flags.pause));
      const before = performance.now();
      await contender.upgrade();
      took.push(performance.now() - before);
      await sessions.goOn();
    }
    await sleep(Number(flags.pause));
    const { examples, ...outcomes } = await clients.end();
    const seconds = (performance.now() - begun) / 1000;
    await sessions.end();
    for (const example of examples) console.error(`  ${example}`);
    const { finished, cut } = sessions;
    return {
      ...outcomes,
      upgrades: took.length,
      rate: Math.round(outcomes.answered / seconds),
      finished,
      cut,
      took: Math.round(took.sort((a, b) => a - b)[took.length >> 1]!),
    };
  } finally {
    clients.kill();
  }
}

function print(rows: readonly Row[]): void {
  const columns: Record<string, keyof Row & string> = {
    "": "contender",
    "tcp_migrate_req": "migrate",
    "upgrades": "upgrades",
    "connections": "answered",
    "a second": "rate",
    "refused": "refused",
    "reset": "reset",
    "no answer": "lost",
    "wrong": "wrong",
    "late": "late",
    "other": "other",
    "sessions kept": "finished",
    "cut": "cut",
    "took ms": "took",
  };
  const line = (cells: readonly unknown[]) => `| ${cells.join(" | ")} |`;
  console.log(line(Object.keys(columns)));
  console.log(line(Object.keys(columns).map((_, i) => i === 0 ? "---" : "--:")));
  for (const row of rows) console.log(line(Object.values(columns).map((key) => row[key])));
}
