// Many clients of UDP at a time through iawlb and nginx, each with a port of its own and a session that
// lasts: `deno run -A scripts/bench/udp_clients_bench.ts [PROGRAM...]`, where a program is a binary or
// the main.ts of a checkout; several are compared side by side.
//
// Each client asks once, which begins its session, and then a few times more. So many are asking at any
// moment as have room in the kernel's buffers; who gets no answer asks again.
import { residentMemory } from "./measure.ts";
import { DESCRIPTORS, Processes, sleep } from "./processes.ts";
import { type Contender, startContenders } from "./udp_contenders.ts";
import type { Phase } from "./udp_clients_main.ts";

/** Each has a descriptor here; in the balancer there is room for two of each. */
const CLIENTS = Math.min(10_000, Math.floor(DESCRIPTORS / 2) - 250);
const ROUNDS = 5;
const LIMIT_MS = 60_000;

const here = (name: string) => new URL(name, import.meta.url).pathname;
const processes = new Processes();
try {
  const server = processes.freePort();
  processes.spawn("echo", [
    ...[Deno.execPath(), "run", "-A", "--quiet", "--unstable-net"],
    ...[here("../../tests/support/udp_echo_main.ts"), `${server}`],
  ]);
  const all = await startContenders(processes, {
    server,
    programs: Deno.args,
    clients: CLIENTS,
  });
  // The echoing server has no port of TCP by which it could be seen.
  await sleep(1000);
  console.log(`${CLIENTS} clients, ${ROUNDS} requests more of each`);
  console.log("through\tphase\trequests/s\tCPU a request\tasked again\tanswered twice\tmemory");
  for (const one of all) {
    for (const line of await ask(one)) console.log(line.join("\t"));
  }
} finally {
  processes.close();
}

/** One run of all clients, as columns of its phases. */
async function ask({ name, port, pid }: Contender): Promise<string[][]> {
  const output = await processes.run("clients", [
    ...[Deno.execPath(), "run", "-A", "--quiet", "--unstable-net", here("udp_clients_main.ts")],
    ...[port, pid, CLIENTS, ROUNDS].map(String),
  ], LIMIT_MS);
  const memory = `${Math.round(residentMemory(pid))} MiB`;
  return (JSON.parse(output) as Phase[]).map((phase) => [
    ...[name, phase.name],
    `${Math.round(phase.answered / phase.seconds)}`,
    `${(1e6 * phase.cpuSeconds / phase.answered).toFixed(1)} µs`,
    `${phase.again}`,
    `${phase.twice}`,
    memory,
  ]);
}
