import { lengthOf } from "../simulate/arrivals.ts";
import type { Impatient, ImpatientResult } from "./impatient.ts";
import { parse } from "./json.ts";
import { type Processes, sleep } from "./processes.ts";
import type { Tools } from "./tools.ts";

const MAIN = new URL("./generator_main.ts", import.meta.url).pathname;

/** Longest that a load may go on after its time before it is killed. */
const GRACE_MS = 30_000;

/** Makes wrk write its numbers as JSON, times in milliseconds. */
const WRK_SCRIPT = `
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    '{"requests":%d,"seconds":%f,"errors":%d,"p50":%f,"p99":%f,"p999":%f}\\n',
    summary.requests - e.status, summary.duration / 1e6,
    e.connect + e.read + e.write + e.status + e.timeout,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency:percentile(99.9) / 1e3))
end
`;

/** What a load of requests came to: those that succeeded, and their latencies in milliseconds. */
export interface RequestResult {
  requests: number;
  seconds: number;
  /** Requests that failed or took too long; an open-loop load counts these in the latencies. */
  errors: number;
  p50: number;
  p99: number;
  p999: number;
}

/** A load of requests in a closed loop: every client sends its next one after the answer. */
export interface ClosedLoop {
  clients: number;
  /** Whether each request has a connection of its own. */
  close: boolean;
  /** A whole number, for wrk. */
  seconds: number;
  /** Whether over TLS, which only wrk can. */
  tls?: boolean;
  /** What is asked for; `/` unless given. */
  path?: string;
}

/** Requests whose times of arrival do not depend on the answers; each has its own connection. */
export interface OpenLoop {
  /** Arrivals per second on average, with exponential gaps. */
  rate: number;
  seconds: number;
  /** What arrives in the first so many seconds does not count. */
  warmUp: number;
  /** A request that takes longer has failed, and counts with this time. In milliseconds. */
  timeout: number;
  seed: number;
  /** As many clients, each with an address of its own in a header of the PROXY protocol. */
  clients?: number;
  /** Each goes to one of these by lot, instead of all to one port. */
  ports?: readonly number[];
}

/** Connections that are kept. */
export interface Holding {
  /** How many requests each sends first, one after the other; 1 unless given. */
  trips?: number;
  /** Whether the answers are waited for, as they are unless given: not where there are none. */
  answered?: boolean;
}

/** A transfer over some connections at once. */
export interface Transfer {
  /** The port of the server, see `Destinations.bulk`. */
  server: number;
  streams: number;
  /** Whether the server sends. */
  reverse: boolean;
  seconds: number;
}

/** How often a bulk transfer is begun, and the pause before the next time, in milliseconds. */
const MOST_TRIES = 10;
const PAUSE_MS = 100;

/** Makes load with wrk and iperf3 where they are installed, and otherwise by itself. */
export class Load {
  readonly #processes: Processes;
  readonly #tools: Tools;
  readonly #wrkScript: string;

  constructor(processes: Processes, tools: Tools) {
    this.#processes = processes;
    this.#tools = tools;
    this.#wrkScript = processes.file("wrk.lua", WRK_SCRIPT);
  }

  async closedLoop(port: number, loop: ClosedLoop): Promise<RequestResult> {
    const { wrk } = this.#tools;
    const { clients, close, seconds, tls = false, path = "/" } = loop;
    if (!wrk && tls) throw new Error("TLS is measured by wrk: apt install wrk");
    if (!wrk) return await this.#own("closed-loop", port, loop, seconds);
    const output = await this.#processes.run("wrk", [
      wrk.path,
      ...["-t", "1", "-c", `${clients}`, "-d", `${seconds}s`, "--timeout", "60s"],
      ...["-s", this.#wrkScript],
      ...close ? ["-H", "Connection: close"] : [],
      `http${tls ? "s" : ""}://127.0.0.1:${port}${path}`,
    ], seconds * 1000 + GRACE_MS);
    return JSON.parse(output.trim().split("\n").at(-1)!);
  }

  async openLoop(port: number, loop: OpenLoop): Promise<RequestResult> {
    return await this.#own("open-loop", port, loop, loop.seconds);
  }

  async impatient(port: number, loop: Impatient): Promise<ImpatientResult> {
    return await this.#own("impatient", port, loop, lengthOf(loop));
  }

  async transfer(port: number, transfer: Transfer): Promise<{ bytes: number; seconds: number }> {
    const { server, streams, reverse, seconds } = transfer;
    const { iperf3 } = this.#tools;
    if (!iperf3) return await this.#own("bulk", port, transfer, seconds);
    // Not for one client only: that would be the probe of a balancer.
    const line = [iperf3.path, "-s", "-B", "127.0.0.1", "-p", `${server}`];
    const child = await this.#processes.serve("iperf3", line, server);
    try {
      for (let tries = 1;; tries++) {
        const output = await this.#processes.run("iperf3", [
          iperf3.path,
          ...["-c", "127.0.0.1", "-p", `${port}`, "-t", `${seconds}`, "-J"],
          ...["-P", `${streams}`, ...reverse ? ["-R"] : []],
        ], seconds * 1000 + GRACE_MS);
        const { end, error } = JSON.parse(output);
        if (end?.sum_received) return end.sum_received;
        // It serves one client at a time, and the probe of a balancer may be that one.
        if (tries === MOST_TRIES) throw new Error(`iperf3: ${error}`);
        await sleep(PAUSE_MS);
      }
    } finally {
      await child.stop();
    }
  }

  /** Opens connections and keeps them until it is told to stop. */
  async hold(
    port: number,
    clients: number,
    { answered = true, trips = 1 }: Holding = {},
  ): Promise<{ stop(): Promise<void> }> {
    const line = ownLine("hold", port, { clients, answered, trips });
    const child = this.#processes.spawn("holder", line);
    for (const end = performance.now() + GRACE_MS;;) {
      const output = Deno.readTextFileSync(child.log);
      if (output.includes("ready")) return child;
      if (output !== "" || performance.now() > end) {
        throw new Error(`cannot hold ${clients} connections: ${output.slice(0, 500)}`);
      }
      await sleep(20);
    }
  }

  async #own<T>(mode: string, port: number, options: object, seconds: number): Promise<T> {
    const line = ownLine(mode, port, options);
    return parse(await this.#processes.run(mode, line, seconds * 1000 + GRACE_MS)) as T;
  }
}

function ownLine(mode: string, port: number, options: object): string[] {
  const text = JSON.stringify({ port, ...options });
  return [Deno.execPath(), "run", "--quiet", "-A", MAIN, mode, text];
}
