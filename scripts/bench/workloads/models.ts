import { cpuSeconds, resetPeak, residentMemory } from "../measure.ts";
import { type Child, DESCRIPTORS, sleep } from "../processes.ts";
import type { Bench, Case, Sample, Variant, Workload } from "../workload.ts";

/** The models with their flags. */
const MODELS: Readonly<Record<string, readonly string[]>> = {
  event: ["--model", "event"],
  iterative: ["--model", "iterative"],
  process: ["--model", "process", "--max-processes", "15"],
  preforked: ["--model", "preforked", "--max-processes", "15", "--max-spare", "15"],
  kernel: ["--model", "preforked", "--accept", "kernel", "--max-processes", "15"],
  threads: ["--model", "threads", "--threads", "2"],
  hybrid: [
    ...["--model", "hybrid", "--threads", "2", "--max-processes", "15"],
    ...["--max-spare", "8"],
  ],
};

/** The name of what is no model: a queue before two servers that are iterative. */
const QUEUE = "queue";

/** As many clients at once, and above as many children, as the classic comparison has. */
const CLIENTS = 10;

/** How many clients are active, or idle, at a time. */
const SIZES = [1, 10, 100, 1000, 10_000];

/** The most that are idle: each counts with two descriptors, of which there are not always 20,000. */
const MOST_IDLE = Math.min(10_000, Math.floor((DESCRIPTORS - 1000) / 2000) * 1000);

/** How many answers there are before one counts. */
const WARM_UP = 20;

/** Longest that somebody waits for an answer while a client is out to lunch, in milliseconds. */
const PATIENCE_MS = 20_000;

/** The server models of `iawlb serve http` beside each other. */
export const models: Workload = {
  name: "models",
  title: "server models: `iawlb serve http --model …`",
  metrics: [
    { key: "rate", title: "answers/s", digits: 0 },
    { key: "cpu", title: "CPU ms each", digits: 3 },
    { key: "p50", title: "p50 ms", digits: 2, plain: true },
    { key: "p99", title: "p99 ms", digits: 2, plain: true },
    { key: "peak", title: "peak MiB", digits: 0, plain: true },
  ],
  plotted: "rate",
  async *cases(bench) {
    const sizes = bench.quick ? SIZES.slice(0, 3) : SIZES;
    yield* each(bench, `${CLIENTS} clients at once, a connection each time`, {
      names: [...Object.keys(MODELS), QUEUE],
      measure: (server) => closedLoop(bench, server, { clients: CLIENTS, close: true }),
    });
    yield* each(bench, "one request while a client is out to lunch", {
      names: [...Object.keys(MODELS), QUEUE],
      measure: outToLunch,
    });
    for (const clients of sizes) {
      yield* each(bench, `${clients} active clients, one connection each`, {
        names: ["event", "threads"],
        flags: ["--requests", "0"],
        measure: (server) => closedLoop(bench, server, { clients, close: false }),
      });
    }
    // What those who hold connections wait for.
    const body = bench.processes.file("ok.txt", "ok\n");
    for (const idle of sizes.map((size) => Math.min(size, MOST_IDLE))) {
      yield* each(bench, `one busy client beside ${idle} idle ones`, {
        names: ["event", "threads"],
        flags: ["--requests", "0", "--body", body],
        async measure(server) {
          const holder = await bench.load.hold(server.port, idle);
          try {
            return await closedLoop(bench, server, { clients: 1, close: false });
          } finally {
            await holder.stop();
          }
        },
      });
    }
  },
};

/** A server at work, in one process or more. */
interface Server {
  readonly port: number;
  readonly children: readonly Child[];
}

/** Options of {@linkcode each}. */
interface EachOptions {
  names: readonly string[];
  flags?: readonly string[];
  measure(server: Server): Promise<Sample>;
}

/** The same with several models. */
function* each(bench: Bench, label: string, options: EachOptions): Generator<Case, void> {
  const { names, flags = [], measure } = options;
  const own = bench.contenders.find(({ program }) => program !== undefined);
  if (!own) throw new Error("there is no iawlb to measure: it must be one of the contenders");
  const serve = (name: string, port: number, args: readonly string[]) => {
    const line = [...own.program!, ...args, "--access-log", "off", "--log-level", "warning"];
    return bench.processes.serve(name, line, port);
  };
  const serveHttp = (name: string, port: number) => {
    return serve(name, port, ["serve", "http", `127.0.0.1:${port}`, ...MODELS[name]!, ...flags]);
  };
  const variants = names.map((name): Variant => ({
    name,
    async measure() {
      const port = bench.processes.freePort();
      const children: Child[] = [];
      try {
        if (name === QUEUE) {
          const servers = [bench.processes.freePort(), bench.processes.freePort()];
          for (const server of servers) children.push(await serveHttp("iterative", server));
          const addresses = [port, ...servers].map((port) => `127.0.0.1:${port}`);
          children.push(await serve(name, port, [...addresses, "--workers", "1"]));
        } else children.push(await serveHttp(name, port));
        return await measure({ port, children });
      } finally {
        for (const child of children.reverse()) await child.stop();
      }
    },
  }));
  yield { label, variants, baseline: "event" };
}

async function closedLoop(
  { load, seconds }: Bench,
  { port, children }: Server,
  clients: { clients: number; close: boolean },
): Promise<Sample> {
  // Spare processes are there before anybody comes.
  await answer(port);
  await sleep(500);
  const sum = (of: (pid: number) => number) => {
    return children.reduce((sum, { pid }) => sum + of(pid), 0);
  };
  for (const { pid } of children) resetPeak(pid);
  const before = sum(cpuSeconds);
  const result = await load.closedLoop(port, { ...clients, seconds });
  const cpu = sum(cpuSeconds) - before;
  return {
    rate: result.requests / result.seconds,
    cpu: 1000 * cpu / result.requests,
    p50: result.p50,
    p99: result.p99,
    peak: sum((pid) => residentMemory(pid, "peak")),
    errors: result.errors,
  };
}

/** How long an answer takes while somebody else has sent half of a request. */
async function outToLunch({ port }: Server): Promise<Sample> {
  for (let i = 0; i < WARM_UP; i++) await answer(port);
  using away = await Deno.connect({ hostname: "127.0.0.1", port });
  await away.write(new TextEncoder().encode("GET / HT"));
  await sleep(100);
  const begun = performance.now();
  await answer(port);
  const ms = performance.now() - begun;
  return { rate: 1000 / ms, cpu: NaN, p50: ms, p99: ms, peak: NaN };
}

async function answer(port: number): Promise<void> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  const timer = setTimeout(() => conn.close(), PATIENCE_MS);
  try {
    await conn.write(new TextEncoder().encode("GET / HTTP/1.0\r\n\r\n"));
    const number = await conn.read(new Uint8Array(1000));
    if (number === null) throw new Error("closed without an answer");
  } finally {
    clearTimeout(timer);
  }
}
