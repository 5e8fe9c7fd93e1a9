// The suite's own load, as a process: `deno run -A generator_main.ts MODE JSON`. It writes its
// result to standard output as JSON.
import { impatient } from "./impatient.ts";
import { stringify } from "./json.ts";
import type { ClosedLoop, Holding, OpenLoop, RequestResult, Transfer } from "./load.ts";
import { openVisits } from "./open_visits.ts";
import { quantile } from "./statistics.ts";

const CHUNK = 256 * 1024;
const HEAD = "GET / HTTP/1.1\r\nHost: localhost\r\n";
const encoder = new TextEncoder();
const decoder = new TextDecoder();

const [mode, text] = Deno.args;
const options: { port: number } = JSON.parse(text!);
const modes: Record<string, () => Promise<unknown>> = {
  "closed-loop": () => closedLoop(options as never),
  "open-loop": () => openLoop(options as never),
  "impatient": () => impatient(options as never, ask),
  "bulk": () => bulk(options as never),
  "hold": () => hold(options as never),
};
console.log(stringify(await modes[mode!]!()));
Deno.exit(0);

async function closedLoop({ clients, close, seconds }: ClosedLoop): Promise<RequestResult> {
  const latencies: number[] = [];
  let errors = 0;
  const started = performance.now();
  const end = started + seconds * 1000;
  await Promise.all(Array.from({ length: clients }, async () => {
    let conn: Deno.Conn | undefined;
    while (performance.now() < end) {
      const before = performance.now();
      try {
        conn ??= await connect();
        await request(conn, close);
        latencies.push(performance.now() - before);
        if (!close) continue;
      } catch {
        errors++;
      }
      conn?.close();
      conn = undefined;
    }
    conn?.close();
  }));
  const elapsed = (performance.now() - started) / 1000;
  return summary(latencies, latencies.length, errors, elapsed);
}

async function openLoop(loop: OpenLoop): Promise<RequestResult> {
  const { ports = [options.port] } = loop;
  const latencies: number[] = [];
  const pending: Promise<void>[] = [];
  let errors = 0;
  const started = performance.now();
  for (const { due, client, port } of openVisits(loop)) {
    const wait = started + due - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    const before = client === undefined ? "" : headerOf(client);
    pending.push(arrive(due, { port: ports[port]!, before }));
  }
  await Promise.all(pending);
  return summary(latencies, latencies.length - errors, errors, loop.seconds - loop.warmUp);

  async function arrive(due: number, { port, before }: { port: number; before: string }) {
    const controller = new AbortController();
    const left = started + due + loop.timeout - performance.now();
    const timer = setTimeout(() => controller.abort(), Math.max(0, left));
    let latency = loop.timeout;
    try {
      using conn = await connect(controller.signal, port);
      controller.signal.addEventListener("abort", () => conn.close());
      await request(conn, true, before);
      latency = Math.min(latency, performance.now() - started - due);
    } catch {
      // It counts as one that took as long as allowed.
    }
    clearTimeout(timer);
    if (due < loop.warmUp * 1000) return;
    latencies.push(latency);
    if (latency === loop.timeout) errors++;
  }
}

/** How long the server took for one request, in milliseconds. */
async function ask(signal: AbortSignal, client?: number): Promise<number> {
  using conn = await connect(signal);
  signal.addEventListener("abort", () => conn.close());
  const header = client === undefined ? "" : headerOf(client);
  return Number(/^X-Took: (\S+)/m.exec(await request(conn, true, header))![1]);
}

async function bulk({ streams, reverse, seconds }: Transfer) {
  const conns = await Promise.all(Array.from({ length: streams }, () => connect()));
  let bytes = 0;
  const started = performance.now();
  const end = started + seconds * 1000;
  await Promise.all(conns.map(async (conn) => {
    const buffer = new Uint8Array(CHUNK).fill((reverse ? "r" : "s").charCodeAt(0));
    await conn.write(buffer.subarray(0, 1));
    while (performance.now() < end) {
      const moved = reverse ? await conn.read(buffer) : await conn.write(buffer);
      bytes += moved ?? 0;
    }
  }));
  return { bytes, seconds: (performance.now() - started) / 1000 };
}

/** Says when all of the connections are there, and ends when it is killed. */
async function hold(
  { clients, answered = true, trips = 1 }: Holding & { clients: number },
): Promise<never> {
  const atOnce = 100;
  const conns: Deno.Conn[] = [];
  while (conns.length < clients) {
    const missing = Math.min(atOnce, clients - conns.length);
    const more = await Promise.all(Array.from({ length: missing }, () => connect()));
    // Not when all are there: who asks for nothing for long is closed.
    // Who comes faster than is accepted looks connected when only the kernel's backlog has overflowed.
    if (trips === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    for (const conn of more) {
      for (let trip = 0; trip < trips; trip++) await (answered ? request : send)(conn, false);
    }
    conns.push(...more);
  }
  console.log("ready");
  setInterval(() => conns, 60_000);
  return await new Promise<never>(() => {});
}

function connect(signal?: AbortSignal, port = options.port): Promise<Deno.TcpConn> {
  return Deno.connect({ hostname: "127.0.0.1", port, ...signal && { signal } });
}

/** Sends a request. */
async function send(conn: Deno.Conn, close: boolean, before = ""): Promise<void> {
  await conn.write(encoder.encode(`${before}${HEAD}${close ? "Connection: close\r\n" : ""}\r\n`));
}

/** Sends a request and waits for the whole answer, whose body all servers of the suite share. */
async function request(conn: Deno.Conn, close: boolean, before = ""): Promise<string> {
  await send(conn, close, before);
  const buffer = new Uint8Array(1024);
  let answer = "";
  while (!answer.endsWith("ok\n")) {
    const n = await conn.read(buffer);
    if (n === null) throw new Error("the answer is incomplete");
    answer += decoder.decode(buffer.subarray(0, n));
  }
  return answer;
}

/** Says who the client is, by its number. */
function headerOf(client: number): string {
  return `PROXY TCP4 10.0.${client >> 8}.${client & 255} 127.0.0.1 40000 80\r\n`;
}

function summary(
  latencies: readonly number[],
  requests: number,
  errors: number,
  seconds: number,
): RequestResult {
  const at = (share: number) => quantile(latencies, share);
  return { requests, seconds, errors, p50: at(0.5), p99: at(0.99), p999: at(0.999) };
}
