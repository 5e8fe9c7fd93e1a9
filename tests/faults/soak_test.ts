import { assert, assertEquals } from "@std/assert";
import { DestinationProcess } from "../support/destination_process.ts";
import { hasProc, nothingLeft, openDescriptors, residentMemory } from "../support/process.ts";
import { Program } from "../support/program.ts";
import { freePort, readAll, until, writeAll } from "../support/servers.ts";

/** How long the load lasts, in seconds. */
const SECONDS = Number(Deno.env.get("IAWLB_SOAK_SECONDS") ?? 30);

const MIB = 1024 * 1024;
const CLIENTS = 24;

Deno.test(`${SECONDS} s of mixed load with destinations killed at random lose no session`, {
  ignore: !hasProc,
}, async () => {
  const destinations = Array.from({ length: 4 }, () => {
    return new DestinationProcess(`127.0.0.1:${freePort()}`);
  });
  await using stack = new AsyncDisposableStack();
  for (const destination of destinations) {
    stack.use(destination);
    await destination.start();
  }
  await using program = await Program.start(
    destinations.map(({ address }) => address),
    ["--workers", "4", "--queue", "100"],
  );
  const before = openDescriptors(program.pid);
  const end = performance.now() + SECONDS * 1000;
  const tally = { complete: 0, left: 0, interrupted: 0, kills: 0 };
  const lost: string[] = [];
  /** When destinations were killed: a session that was being served then may be interrupted. */
  const kills: number[] = [];

  async function useIt(): Promise<void> {
    const size = Math.random() < 0.1 ? MIB : Math.floor(Math.random() * 20_000);
    const delay = Math.floor(Math.random() * 30);
    const byte = Math.floor(Math.random() * 256);
    const began = performance.now();
    const answer = await ask(program.port, `${delay} ${size} ${byte}\n`).catch(() => undefined);
    if (answer?.some((other) => other !== byte)) lost.push(`not all bytes are ${byte}`);
    else if (answer?.length === size) tally.complete++;
    else if (kills.some((at) => at > began - 100)) tally.interrupted++;
    else lost.push(`${answer?.length} of ${size} bytes`);
  }

  async function leaveIt(): Promise<void> {
    const conn = await Deno.connect({ port: program.port });
    if (Math.random() < 0.5) await conn.write(new TextEncoder().encode("20 100000 1\n"));
    conn.close();
    tally.left++;
  }

  async function client(): Promise<void> {
    while (performance.now() < end) await (Math.random() < 0.9 ? useIt() : leaveIt());
  }

  async function killer(): Promise<void> {
    while (performance.now() < end) {
      const destination = destinations[Math.floor(Math.random() * 4)]!;
      // One is always left, so that no session has a reason to be lost.
      const others = destinations.filter((other) => other !== destination && other.running);
      if (destination.running && others.length > 0) {
        kills.push(performance.now());
        await destination.kill();
        kills.push(performance.now());
        tally.kills++;
      } else if (!destination.running) {
        await destination.start();
      }
      await new Promise((resolve) => setTimeout(resolve, 200 + Math.random() * 500));
    }
  }

  const memory: number[] = [];
  const descriptors: number[] = [];
  const sampler = setInterval(() => {
    memory.push(residentMemory(program.pid));
    descriptors.push(openDescriptors(program.pid));
  }, 1000);
  await Promise.all([killer(), ...Array.from({ length: CLIENTS }, client)]);
  clearInterval(sampler);
  await until(async () => (await program.status()).active === 0, "all sessions have ended");
  const ports = destinations.map(({ address }) => Number(address.split(":")[1]));
  await nothingLeft(program.pid, { destinations: ports, descriptors: before, more: 8 });

  console.log(`  ${JSON.stringify(tally)}, lost: ${lost.length}`);
  console.log(`  memory in MiB ${range(memory.map((bytes) => Math.round(bytes / MIB)))}`);
  console.log(`  descriptors ${range(descriptors)}`);
  assertEquals(lost, []);
  // As much as a busy machine does.
  assert(tally.complete > SECONDS * 5 && tally.kills > SECONDS / 10);
  assert(tally.interrupted < tally.kills * CLIENTS);
  const half = Math.floor(memory.length / 2);
  const growth = Math.max(...memory.slice(half)) - Math.max(...memory.slice(0, half));
  // The heap of the runtime grows for two minutes under this load, by 80 MiB, then no more.
  assert(growth < 64 * MIB, `${Math.round(growth / MIB)} MiB more in the second half`);
  // Two descriptors for each client, and what a program has anyway.
  assert(Math.max(...descriptors) < 2 * CLIENTS + 50, `${Math.max(...descriptors)} descriptors`);

  assertEquals(await program.terminate(), 0);
  const reasons = new Set(program.access().map(({ reason }) => reason));
  for (const reason of reasons) {
    assert(["done", "client-gone", "client-reset", "server-reset"].includes(reason), reason);
  }
});

/** Sends a request and returns the answer, whole or not. */
async function ask(port: number, text: string): Promise<Uint8Array> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await writeAll(conn, new TextEncoder().encode(text));
  if (Math.random() < 0.5) await conn.closeWrite();
  return await readAll(conn);
}

function range(numbers: number[]): string {
  return `from ${Math.min(...numbers)} to ${Math.max(...numbers)}, at the end ${numbers.at(-1)}`;
}
