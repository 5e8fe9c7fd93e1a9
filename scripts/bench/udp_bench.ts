// Datagrams through iawlb and nginx: `deno run -A scripts/bench/udp_bench.ts [PROGRAM...]`, where a
// program is a binary or the main.ts of a checkout; several are compared side by side.
//
// iperf3 sends them one way, over a listener of TCP beside it for its own talk. At equal rates CPU time,
// loss and jitter can be compared; as fast as it can, the rate that comes through. All take turns, several
// times: the middle one counts, the least and the most stand behind it.
import { cpuSeconds } from "./measure.ts";
import { Processes } from "./processes.ts";
import { median } from "./statistics.ts";
import { type Contender, udpContenders } from "./udp_contenders.ts";

const RUNS = [
  { rate: "10M", length: 1200 },
  { rate: "100M", length: 1200 },
  { rate: "0", length: 1200 },
  { rate: "0", length: 64 },
];
const ROUNDS = 3;
const SECONDS = 2;

/** What came of one run of iperf3. */
interface Outcome {
  readonly sent: number;
  readonly received: number;
  /** Per cent. */
  readonly lost: number;
  /** Microseconds. */
  readonly jitter: number;
  /** What the balancer used for one that came through, in microseconds. */
  readonly cpu: number;
}

const processes = new Processes();
try {
  const server = processes.freePort();
  await processes.serve("iperf3", ["iperf3", "-s", "-B", "127.0.0.1", "-p", `${server}`], server);
  const all: Contender[] = [
    // Without a process it is the server itself.
    { name: "direct", port: server, pid: 0 },
    ...await Promise.all(
      udpContenders(processes, { server, programs: Deno.args }).map(({ start }) => start()),
    ),
  ];
  console.log("rate\tbytes\tthrough\tsent/s\treceived/s\tlost %\tjitter µs\tCPU µs a datagram");
  for (const run of RUNS) {
    const outcomes = all.map((): Outcome[] => []);
    for (let round = 0; round < ROUNDS; round++) {
      for (const [i, one] of all.entries()) outcomes[i]!.push(await send(run, one));
    }
    for (const [i, { name }] of all.entries()) {
      const column = (key: keyof Outcome, digits = 0) => {
        return shown(outcomes[i]!.map((outcome) => outcome[key]), digits);
      };
      const columns = [run.rate, `${run.length}`, name, column("sent"), column("received")];
      console.log([...columns, column("lost", 2), column("jitter"), column("cpu", 1)].join("\t"));
    }
  }
} finally {
  processes.close();
}

/** The middle one of some numbers, with the least and the most. */
function shown(numbers: readonly number[], digits: number): string {
  const [middle, least, most] = [median(numbers), Math.min(...numbers), Math.max(...numbers)];
  return `${middle.toFixed(digits)} (${least.toFixed(digits)}–${most.toFixed(digits)})`;
}

/** One run of iperf3. */
async function send(
  { rate, length }: { rate: string; length: number },
  { port, pid }: Contender,
): Promise<Outcome> {
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
  return {
    sent: packets / SECONDS,
    received: received / SECONDS,
    lost: 100 * lost / packets,
    jitter: 1000 * jitter,
    cpu: 1e6 * used / received,
  };
}
