// 10,000 clients of UDP at a time through iawlb and nginx, each with a port of its own and a session that
// lasts: `deno run -A scripts/bench/udp_clients_bench.ts [PROGRAM...]`, where a program is a binary or
// the main.ts of a checkout; several are compared side by side.
//
// Each client asks once, which begins its session, and then a few times more. So many are asking at any
// moment as have room in the kernel's buffers; who gets no answer asks again. Then the clients are gone,
// it is looked what is left of their sessions, and they come once more.
import { openDescriptors, resetPeak, residentMemory } from "./measure.ts";
import { DESCRIPTORS, Processes, sleep } from "./processes.ts";
import { type Startable, udpContenders } from "./udp_contenders.ts";
import type { Phase } from "./udp_clients_main.ts";

/** The clients of one process, which has a descriptor for each, as a balancer has. */
const CLIENTS = Math.min(10_000, DESCRIPTORS - 500);
const ROUNDS = 5;
const LIMIT_MS = 60_000;

/** How long sessions may take to be gone, and how many descriptors may stay. */
const GONE_MS = 60_000;
const MORE = 20;

const here = (name: string) => new URL(name, import.meta.url).pathname;
const processes = new Processes();
try {
  const server = processes.freePort();
  processes.spawn("echo", [
    ...[Deno.execPath(), "run", "-A", "--quiet", "--unstable-net"],
    ...[here("../../tests/support/udp_echo_main.ts"), `${server}`],
  ]);
  // It has no port of TCP by which it could be seen.
  await sleep(1000);
  console.log(`${CLIENTS} clients, ${ROUNDS} requests more of each`);
  console.log("through\tphase\trequests/s\tCPU a request\tasked again\tanswered twice");
  const left = [];
  // One after the other: each session has a port of this machine, and there are 28,232 by default.
  for (const one of udpContenders(processes, { server, programs: Deno.args, clients: CLIENTS })) {
    left.push([one.name, ...await ask(one)]);
  }
  console.log(
    "\nthrough\tdescriptors: before, with all, after\tmemory: before, most, most of a second run",
  );
  for (const line of left) console.log(line.join("\t"));
} finally {
  processes.close();
}

/** Lets all clients ask: writes the phases, and returns what was there before, meanwhile, and after. */
async function ask({ start }: Startable): Promise<string[]> {
  const { name, port, pid, stop } = await start();
  await sleep(1000);
  const descriptors = [openDescriptors(pid)];
  const memory = [residentMemory(pid)];
  for (const phase of await runClients({ port, pid })) {
    const columns = [
      ...[name, phase.name],
      `${Math.round(phase.answered / phase.seconds)}`,
      `${(1e6 * phase.cpuSeconds / phase.answered).toFixed(1)} µs`,
      `${phase.again}`,
      `${phase.twice}`,
    ];
    console.log(columns.join("\t"));
  }
  descriptors.push(openDescriptors(pid));
  memory.push(residentMemory(pid, "peak"));
  for (const end = performance.now() + GONE_MS; performance.now() < end; await sleep(500)) {
    if (openDescriptors(pid) <= descriptors[0]! + MORE) break;
  }
  descriptors.push(openDescriptors(pid));
  // What the first ones have left is there for others.
  await runClients({ port, pid });
  memory.push(residentMemory(pid, "peak"));
  await stop();
  return [descriptors.join(", "), `${memory.map(Math.round).join(", ")} MiB`];
}

async function runClients({ port, pid }: Record<"port" | "pid", number>): Promise<Phase[]> {
  resetPeak(pid);
  const output = await processes.run("clients", [
    ...[Deno.execPath(), "run", "-A", "--quiet", "--unstable-net", here("udp_clients_main.ts")],
    ...[port, pid, CLIENTS, ROUNDS].map(String),
  ], LIMIT_MS);
  return JSON.parse(output);
}
