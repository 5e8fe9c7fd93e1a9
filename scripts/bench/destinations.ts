import { type Child, DESCRIPTORS, type Processes } from "./processes.ts";
import type { Tools } from "./tools.ts";

const MAIN = new URL("./destination_main.ts", import.meta.url).pathname;

/** How many bytes {@linkcode BIG_PATH} has. */
export const BIG_BYTES = 16 * 1024 * 1024;

/** Where an HTTP server that is nginx has a large file. */
export const BIG_PATH = "/big";

/** What a server of TLS shows: files of PEM, the last with both in it. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
  readonly both: string;
}

/** Servers behind the contenders, so quick that the contenders are what is measured. */
export class Destinations {
  readonly #processes: Processes;
  readonly #tools: Tools;

  constructor(processes: Processes, tools: Tools) {
    this.#processes = processes;
    this.#tools = tools;
  }

  /** What answers HTTP requests, for people. */
  get httpServer(): string {
    return this.#tools.nginx ? "nginx" : "its own server, as there is no nginx";
  }

  /** HTTP servers with a small answer on so many ports, all in one process; over TLS 1.3 with a certificate. */
  async http(number = 1, { tls }: { tls?: Certificate | undefined } = {}): Promise<number[]> {
    const ports = Array.from({ length: number }, () => this.#processes.freePort());
    await this.#processes.serve("http-server", this.#httpLine(ports, tls), ports.at(-1)!);
    return ports;
  }

  /**
   * Servers that answer one request at a time, or as many as they have slots, each after its own time
   * in milliseconds, or a stall with some probability. With `notes` they write down what they do, for
   * {@linkcode busy}.
   */
  async serial(
    services: readonly Service[],
    seed: number,
    { notes = false }: { notes?: boolean } = {},
  ): Promise<{ ports: number[]; child: Child }> {
    const ports = services.map(() => this.#processes.freePort());
    return { ports, child: await this.#own("serial", ports, { services, seed, notes }) };
  }

  /** The port for a server of bulk transfers: each iperf3 starts its own there. */
  async bulk(): Promise<number> {
    const port = this.#processes.freePort();
    if (!this.#tools.iperf3) await this.#own("bulk", [port]);
    return port;
  }

  #httpLine(ports: readonly number[], tls: Certificate | undefined): string[] {
    const { nginx } = this.#tools;
    if (!nginx && tls) throw new Error("servers of TLS are nginx: apt install nginx");
    if (!nginx) return ownLine("http", { ports });
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
      .map((name) => `${name}_temp_path ${this.#processes.dir}/${name};`);
    const listens = ports.map((port) => {
      return `listen 127.0.0.1:${port} ${tls ? "ssl" : ""} backlog=4096;`;
    });
    const big = this.#processes.file("big", "\0".repeat(BIG_BYTES));
    const config = `
      daemon off;
      ${Deno.uid() === 0 ? "user root;" : ""}
      worker_processes 1;
      worker_rlimit_nofile ${DESCRIPTORS};
      pid ${this.#processes.file("nginx.pid")};
      error_log stderr crit;
      events { worker_connections ${DESCRIPTORS}; }
      http {
        access_log off;
        keepalive_timeout 1h;
        keepalive_requests 1000000000;
        ${temporary.join("\n")}
        server {
          ${listens.join("\n")}
          ${tls ? `ssl_certificate ${tls.cert}; ssl_certificate_key ${tls.key};` : ""}
          ${tls ? "ssl_protocols TLSv1.3;" : ""}
          location / { return 200 "ok\\n"; }
          location = ${BIG_PATH} { alias ${big}; }
          location = /status { stub_status; }
        }
      }`;
    return [nginx.path, "-e", "stderr", "-c", this.#processes.file("http.conf", config)];
  }

  async #own(mode: string, ports: readonly number[], more = {}): Promise<Child> {
    const line = ownLine(mode, { ports, ...more });
    return await this.#processes.serve(`${mode}-server`, line, ports.at(-1)!);
  }
}

/** How long a destination takes: `ms`, and with a probability `stall.ms` instead. */
export interface Service {
  readonly ms: number;
  /** Requests that it serves at a time; 1 unless given. Others wait there. */
  readonly slots?: number;
  readonly stall?: { readonly ms: number; readonly probability: number };
}

/**
 * How long servers that take notes have worked within a time, in milliseconds, all together.
 *
 * @param within Milliseconds since 1970.
 */
export function busy({ log }: Child, within: { from: number; to: number }): number {
  let sum = 0;
  for (const line of Deno.readTextFileSync(log).split("\n")) {
    const [began = NaN, took = NaN] = line.split(" ").map(Number);
    const ms = Math.min(began + took, within.to) - Math.max(began, within.from);
    if (ms > 0) sum += ms;
  }
  return sum;
}

/**
 * How long a slot of a server that takes notes is taken for a request, in milliseconds, where the next
 * one was always at hand: from one beginning to the next.
 */
export function cycle(
  { log }: Child,
  { slots, ...within }: { slots: number; from: number; to: number },
): number {
  const begun = Deno.readTextFileSync(log).split("\n").map((line) => Number(line.split(" ")[0]))
    .filter((at) => at >= within.from && at <= within.to).sort((a, b) => a - b);
  const times = Math.floor((begun.length - 1) / slots);
  return (begun.at(-1)! - begun.at(-1 - times * slots)!) / times;
}

/** How many requests an HTTP server has had so far; this one counts. */
export async function served(port: number): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}/status`);
  return Number((await response.text()).trim().split(/\s+/)[9]);
}

function ownLine(mode: string, options: unknown): string[] {
  return [Deno.execPath(), "run", "--quiet", "-A", MAIN, mode, JSON.stringify(options)];
}
