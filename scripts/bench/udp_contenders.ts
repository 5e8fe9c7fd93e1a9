import type { Child, Processes } from "./processes.ts";
import { findTools } from "./tools.ts";

/** When a session is over in which nothing comes. */
const IDLE = "10s";

/** Something that datagrams go through. */
export interface Contender {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
}

/** Options of {@linkcode startContenders}. */
export interface ContenderOptions {
  /** Where their datagrams go: a port of loopback, of TCP and UDP. */
  readonly server: number;
  /** Binaries, or `main.ts` of a checkout; this one's unless there is one. */
  readonly programs: readonly string[];
  /** Most clients at a time. */
  readonly clients?: number;
}

/** One that can be started. */
export interface Startable {
  readonly name: string;
  /** Starts it, with a listener of UDP and one of TCP at the same port: by that it is seen to listen. */
  start(): Promise<Contender & Pick<Child, "stop">>;
}

/** nginx, if it is here, and iawlb. */
export function udpContenders(
  processes: Processes,
  { server, programs, clients = 1000 }: ContenderOptions,
): Startable[] {
  const own = new URL("../../main.ts", import.meta.url).pathname;
  const contenders: Startable[] = [];
  const add = (name: string, line: (port: number) => readonly string[]) => {
    const start = async () => {
      const port = processes.freePort();
      const { pid, stop } = await processes.serve(name, line(port), port);
      return { name, port, pid, stop };
    };
    contenders.push({ name, start });
  };
  const { nginx } = findTools();
  if (nginx) {
    add("nginx", (port) => {
      const text = nginxConfig({ loadStream: nginx.loadStream, port, server, clients, processes });
      return [nginx.path, "-c", processes.file("nginx.conf", text)];
    });
  }
  for (const program of programs.length > 0 ? programs : [own]) {
    add(programs.length > 1 ? program : "iawlb", (port) => {
      const text = iawlbConfig({ port, server, clients });
      return [...lineOf(program), "--config", processes.file("iawlb.toml", text)];
    });
  }
  return contenders;
}

function lineOf(program: string): string[] {
  return program.endsWith(".ts") ? [Deno.execPath(), "run", "--quiet", "-P", program] : [program];
}

interface Ends {
  readonly port: number;
  readonly server: number;
  readonly clients: number;
}

function iawlbConfig({ port, server, clients }: Ends): string {
  const listeners = ["", "udp:"].map((kind) => `
    [[listener]]
    listen = "${kind}127.0.0.1:${port}"
    destinations = ["${kind}127.0.0.1:${server}"]
    workers = ${clients}
    ${kind && `udp-idle = "${IDLE}"`}
  `);
  return `access-log = "off"\n${listeners.join("")}`;
}

function nginxConfig(
  { loadStream, port, server, clients, processes }: Ends & {
    loadStream: string;
    processes: Processes;
  },
): string {
  // A session has two of them.
  const connections = 2 * clients + 100;
  return `${loadStream}
    daemon off; worker_processes 1; pid ${processes.dir}/pid; error_log /dev/null;
    events { worker_connections ${connections}; }
    stream {
      server { listen 127.0.0.1:${port} udp; proxy_pass 127.0.0.1:${server}; proxy_timeout ${IDLE}; }
      server { listen 127.0.0.1:${port}; proxy_pass 127.0.0.1:${server}; }
    }`;
}
