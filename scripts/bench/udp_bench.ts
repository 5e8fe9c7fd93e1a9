// Datagrams through iawlb and nginx: `deno run -A scripts/bench/udp_bench.ts [BINARY]`.
//
// iperf3 sends them one way, over a listener of TCP beside it for its own talk. At equal rates CPU time,
// loss and jitter can be compared; as fast as it can, the rate that comes through.
import { cpuSeconds } from "./measure.ts";
import { Processes } from "./processes.ts";
import { findTools } from "./tools.ts";

const RUNS = [
  { rate: "10M", length: 1200 },
  { rate: "50M", length: 1200 },
  { rate: "100M", length: 1200 },
  { rate: "0", length: 1200 },
  { rate: "0", length: 64 },
];
const SECONDS = 3;

const here = (name: string) => new URL(name, import.meta.url).pathname;
const source = [Deno.execPath(), "run", "--quiet", "-P", here("../../main.ts")];
const iawlb = Deno.args[0] ? [Deno.args[0]] : source;
const processes = new Processes();
try {
  const server = processes.freePort();
  await processes.serve("iperf3", ["iperf3", "-s", "-B", "127.0.0.1", "-p", `${server}`], server);
  const all: Record<string, Running> = {
    direct: { port: server, pid: 0 },
    ...await startNginx(server),
    iawlb: await startIawlb(server),
  };
  console.log("rate\tbytes\tthrough\tsent/s\treceived/s\tlost\tjitter\tCPU a datagram");
  for (const run of RUNS) {
    for (const [name, one] of Object.entries(all)) {
      console.log((await send(name, run, one)).join("\t"));
    }
  }
} finally {
  processes.close();
}

/** Something that datagrams go through; without a process it is the server itself. */
interface Running {
  readonly port: number;
  readonly pid: number;
}

async function startIawlb(server: number): Promise<Running> {
  const port = processes.freePort();
  const config = processes.file(
    "iawlb.toml",
    `access-log = "off"\n${["", "udp:"].map((kind) => listener(kind, port, server)).join("")}`,
  );
  const { pid } = await processes.serve("iawlb", [...iawlb, "--config", config], port);
  return { port, pid };
}

function listener(kind: string, port: number, server: number): string {
  const address = (port: number) => `"${kind}127.0.0.1:${port}"`;
  return `[[listener]]\nlisten = ${address(port)}\ndestinations = [${address(server)}]\n`;
}

async function startNginx(server: number): Promise<Record<string, Running>> {
  const { nginx } = findTools();
  if (!nginx) return {};
  const port = processes.freePort();
  const config = processes.file(
    "nginx.conf",
    `${nginx.loadStream}
    daemon off; worker_processes 1; pid ${processes.dir}/pid; error_log /dev/null;
    events { worker_connections 4096; }
    stream {
      server { listen 127.0.0.1:${port} udp; proxy_pass 127.0.0.1:${server}; proxy_timeout 30s; }
      server { listen 127.0.0.1:${port}; proxy_pass 127.0.0.1:${server}; }
    }`,
  );
  const { pid } = await processes.serve("nginx", [nginx.path, "-c", config], port);
  return { nginx: { port, pid } };
}

/** One run of iperf3, as columns. */
async function send(
  name: string,
  { rate, length }: { rate: string; length: number },
  { port, pid }: Running,
): Promise<string[]> {
  const before = pid && cpuSeconds(pid);
  const { stdout } = await new Deno.Command("iperf3", {
    args: [
      ...["-c", "127.0.0.1", "-p", `${port}`, "-u", "-J"],
      ...["-b", rate, "-l", `${length}`, "-t", `${SECONDS}`],
    ],
  }).output();
  const used = pid && cpuSeconds(pid) - before;
  const { end: { sum } } = JSON.parse(new TextDecoder().decode(stdout));
  const { packets, lost_packets: lost, jitter_ms: jitter } = sum;
  const received = packets - lost;
  return [
    ...[rate, `${length}`, name],
    `${Math.round(packets / SECONDS)}`,
    `${Math.round(received / SECONDS)}`,
    `${(100 * lost / packets).toFixed(2)} %`,
    `${Math.round(1000 * jitter)} µs`,
    pid ? `${(1e6 * used / received).toFixed(1)} µs` : "-",
  ];
}
