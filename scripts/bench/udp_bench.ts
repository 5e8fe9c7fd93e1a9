// Datagrams through iawlb and nginx: `deno run -A scripts/bench/udp_bench.ts [PROGRAM...]`, where a
// program is a binary or the main.ts of a checkout; several are compared side by side.
//
// iperf3 sends them one way, over a listener of TCP beside it for its own talk. At equal rates CPU time,
// loss and jitter can be compared; as fast as it can, the rate that comes through.
import { cpuSeconds } from "./measure.ts";
import { Processes } from "./processes.ts";
import { type Contender, startContenders } from "./udp_contenders.ts";

const RUNS = [
  { rate: "10M", length: 1200 },
  { rate: "50M", length: 1200 },
  { rate: "100M", length: 1200 },
  { rate: "0", length: 1200 },
  { rate: "0", length: 64 },
];
const SECONDS = 3;

const processes = new Processes();
try {
  const server = processes.freePort();
  await processes.serve("iperf3", ["iperf3", "-s", "-B", "127.0.0.1", "-p", `${server}`], server);
  const all: Contender[] = [
    // Without a process it is the server itself.
    { name: "direct", port: server, pid: 0 },
    ...await startContenders(processes, { server, programs: Deno.args }),
  ];
  console.log("rate\tbytes\tthrough\tsent/s\treceived/s\tlost\tjitter\tCPU a datagram");
  for (const run of RUNS) {
    for (const one of all) console.log((await send(run, one)).join("\t"));
  }
} finally {
  processes.close();
}

/** One run of iperf3, as columns. */
async function send(
  { rate, length }: { rate: string; length: number },
  { name, port, pid }: Contender,
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
