import { remarks } from "../cost/model.ts";
import { type Contender, measured, type Running } from "../contenders.ts";
import { cpuSeconds, residentMemory } from "../measure.ts";
import { DESCRIPTORS, sleep } from "../processes.ts";
import type { Bench, Case, Sample, Variant, Workload } from "../workload.ts";

const GIB = 2 ** 30;

/** Time for a program to take note that nothing happens any more. */
const SETTLE_MS = 3000;

/** Bytes of the buffers of the bare loop where much comes at a time: as many as those of iawlb. */
const LARGE_BUFFER = 256 * 1024;

/** Clients at once where CPU is measured. */
const CLIENTS = 50;

/** How often each destination is checked where that is measured, in milliseconds. */
const CHECK_MS = 500;

/** What one more of each costs: the numbers that docs/scale.md reckons with. */
export const cost: Workload = {
  name: "cost",
  title: "what one more connection, round trip, GiB, session, destination, listener, thread costs",
  metrics: [
    { key: "cpu", title: "CPU µs each", digits: 1 },
    { key: "memory", title: "KiB each", digits: 1 },
    { key: "rate", title: "a second", digits: 1, plain: true },
  ],
  plotted: "cpu",
  remarks,
  async *cases(bench) {
    yield* speeds(bench);
    const ours = bench.contenders.filter(({ isOurs }) => isOurs);
    for (const { label, measure } of MEMORY) {
      yield { label, variants: ours.map((our) => variant(our, (our) => measure(bench, our))) };
    }
  },
};

function variant(contender: Contender, measure: (one: Contender) => Promise<Sample>): Variant {
  return { name: contender.name, measure: () => measure(contender) };
}

/** What takes CPU: iawlb, and the bare loop in the same runtime where there is one. */
async function* speeds(bench: Bench): AsyncGenerator<Case> {
  const { load, seconds, destinations } = bench;
  const warm = { seconds: bench.quick ? 1 : 2 };
  for (const threads of [1, 2]) {
    const ours = bench.contenders.filter(({ isOurs }) => isOurs);
    const floors = bench.bareLoops.filter((loop) => ours.some((our) => loop.isFloorOf(our)));
    const contenders = threads === 1 ? [...ours, ...floors] : ours;
    const flags = threads > 1 ? ["--threads", `${threads}`] : [];
    const by = threads > 1 ? `, ${threads} threads` : "";
    for (const close of [true, false]) {
      const loop = { clients: CLIENTS, close, seconds };
      const setup = { destinations: await destinations.http(), flags };
      const variants: Variant[] = [];
      for (const contender of contenders) {
        const running = await contender.start(setup);
        await load.closedLoop(running.port, { ...loop, ...warm });
        variants.push({
          name: contender.name,
          measure: () => perUnit(running, () => load.closedLoop(running.port, loop)),
        });
      }
      yield { label: (close ? "connection with one request" : "round trip") + by, variants };
    }
    if (threads > 1) continue;
    const server = await destinations.bulk();
    const transfer = { server, streams: 1, reverse: true, seconds };
    const variants: Variant[] = [];
    for (const contender of contenders) {
      const running = await contender.start({ destinations: [server], buffer: LARGE_BUFFER });
      const run = async () => {
        const { bytes, seconds } = await load.transfer(running.port, transfer);
        return { requests: bytes / GIB, seconds, errors: 0 };
      };
      variants.push({ name: contender.name, measure: () => perUnit(running, run) });
    }
    yield { label: "GiB", variants };
  }
}

async function perUnit(
  running: Running,
  work: () => Promise<{ requests: number; seconds: number; errors: number }>,
): Promise<Sample> {
  const { result: { requests, seconds, errors }, cpu } = await measured(running, work);
  return { cpu: cpu * 1e6 / requests, rate: requests / seconds, errors };
}

/** What takes memory. */
const MEMORY: readonly {
  readonly label: string;
  measure(bench: Bench, ours: Contender): Promise<Sample>;
}[] = [
  {
    label: "session that waits in the queue",
    measure: (bench, ours) => sessions(bench, ours, { waiting: true }),
  },
  { label: "session on which nothing moves", measure: (bench, ours) => sessions(bench, ours, {}) },
  { label: "session that is busy", measure: busySessions },
  { label: "destination", measure: (bench, ours) => destinations(bench, ours, []) },
  {
    label: `destination that is checked every ${CHECK_MS} ms`,
    measure: (bench, ours) => {
      return destinations(bench, ours, ["--check", "tcp", "--check-interval", `${CHECK_MS}ms`]);
    },
  },
  { label: "listener", measure: listeners },
  { label: "thread", measure: threads },
];

async function sessions(
  bench: Bench,
  ours: Contender,
  { waiting = false }: { waiting?: boolean },
): Promise<Sample> {
  const { load, quick } = bench;
  const clients = quick ? 500 : Math.min(8000, Math.floor((DESCRIPTORS - 1000) / 2));
  const destinations = await bench.destinations.http();
  const limit = waiting ? { limit: 1 } : {};
  const { port, child } = await ours.start({ destinations, ...limit, sessions: clients + 100 });
  const { pid } = child!;
  try {
    // Whoever has the only slot, if there is but one.
    const first = await load.hold(port, 1);
    await settle(quick);
    const before = residentMemory(pid);
    const holder = await load.hold(port, clients, { answered: !waiting });
    await settle(quick);
    const memory = (residentMemory(pid) - before) * 1024 / clients;
    await Promise.all([first.stop(), holder.stop()]);
    return { memory, cpu: NaN, rate: NaN };
  } finally {
    await child!.stop();
  }
}

/** Also what the collector has not yet taken back, divided by the sessions. */
async function busySessions(bench: Bench, ours: Contender): Promise<Sample> {
  const { load, quick } = bench;
  const clients = quick ? 200 : 2000;
  const destinations = await bench.destinations.http();
  const { port, child } = await ours.start({ destinations });
  try {
    const loop = { close: false, seconds: quick ? 1 : 4 };
    await load.closedLoop(port, { ...loop, clients: CLIENTS });
    const before = residentMemory(child!.pid);
    const working = load.closedLoop(port, { ...loop, clients });
    await sleep(loop.seconds * 750);
    const memory = (residentMemory(child!.pid) - before) * 1024 / clients;
    await working;
    return { memory, cpu: NaN, rate: NaN };
  } finally {
    await child!.stop();
  }
}

async function destinations(bench: Bench, ours: Contender, flags: string[]): Promise<Sample> {
  const number = bench.quick ? 100 : 1000;
  const ports = await bench.destinations.http(number + 1);
  const one = await atRest(bench, await ours.start({ destinations: ports.slice(0, 1), flags }));
  const many = await atRest(bench, await ours.start({ destinations: ports, flags }));
  const checks = flags.length > 0 ? number * 1000 / CHECK_MS : NaN;
  return {
    memory: (many.memory - one.memory) * 1024 / number,
    cpu: (many.cpu - one.cpu) * 1e6 / checks,
    rate: NaN,
  };
}

async function listeners(bench: Bench, ours: Contender): Promise<Sample> {
  const number = 100;
  const { processes } = bench;
  const [destination] = await bench.destinations.http();
  const start = async (number: number) => {
    const ports = Array.from({ length: number }, () => processes.freePort());
    const tables = ports.map((port) => {
      return `[[listener]]\nlisten = "127.0.0.1:${port}"\n` +
        `destinations = ["127.0.0.1:${destination}"]\n`;
    });
    const file = processes.file("listeners.toml", tables.join("\n"));
    const line = [...ours.program!, "--access-log", "off", "--config", file];
    const child = await processes.serve(ours.name, line, ports.at(-1)!);
    return { port: ports[0]!, child };
  };
  const one = await atRest(bench, await start(1));
  const many = await atRest(bench, await start(number + 1));
  return { memory: (many.memory - one.memory) * 1024 / number, cpu: NaN, rate: NaN };
}

/** What one more thread takes when there are several already. */
async function threads(bench: Bench, ours: Contender): Promise<Sample> {
  const destinations = await bench.destinations.http();
  const start = (threads: number) => {
    return ours.start({ destinations, flags: ["--threads", `${threads}`] });
  };
  const two = await atRest(bench, await start(2));
  const four = await atRest(bench, await start(4));
  return { memory: (four.memory - two.memory) * 1024 / 2, cpu: NaN, rate: NaN };
}

/** The MiB, and the CPU seconds a second, of a program with nothing to do; ends it. */
async function atRest(
  { quick }: Bench,
  { child }: Running,
): Promise<{ memory: number; cpu: number }> {
  const { pid } = child!;
  try {
    await settle(quick);
    const before = cpuSeconds(pid);
    const began = performance.now();
    await settle(quick);
    const cpu = (cpuSeconds(pid) - before) * 1000 / (performance.now() - began);
    return { memory: residentMemory(pid), cpu };
  } finally {
    await child!.stop();
  }
}

function settle(quick: boolean): Promise<void> {
  return sleep(quick ? SETTLE_MS / 5 : SETTLE_MS);
}
