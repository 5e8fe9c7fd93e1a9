import type { Certificate } from "./destinations.ts";
import { cpuSeconds, resetPeak, residentMemory } from "./measure.ts";
import { type Child, DESCRIPTORS, type Processes } from "./processes.ts";
import type { Tools } from "./tools.ts";

const MAIN = new URL("../../main.ts", import.meta.url).pathname;
const BARE = new URL("bare_main.ts", import.meta.url).pathname;

/** What all contenders are told, the first unless the setup says otherwise. */
const BACKLOG = 511;
const CONNECT_SECONDS = 5;
const IDLE_MINUTES = 10;
const QUEUE_SECONDS = 60;

/** Bytes of each buffer of the bare loop, unless the setup says otherwise. */
const BARE_BYTES = 4096;

/** No limit, for a program that has one unless told. */
const UNLIMITED = 1_000_000;

/** What a contender is to do. */
export interface Setup {
  /** Ports of loopback. */
  destinations: readonly number[];
  /** Most connections per destination, if the contender can limit them; others wait, if they can. */
  limit?: number;
  /** How a destination is picked, in the words of the contender; in turns unless given. */
  method?: string;
  /** Whether every connection begins with a header of the PROXY protocol. */
  proxyHeader?: boolean;
  /** Clients speak TLS 1.3, and are shown this. */
  tls?: Certificate;
  /** Destinations speak TLS 1.3, each time from the beginning, and are verified by this. */
  tlsOut?: Certificate;
  /** Most sessions at a time, if it is more than descriptors are sure to suffice for. */
  sessions?: number;
  /** Connections that the kernel holds. */
  backlog?: number;
  /** Most that wait in a queue, if the contender can limit them; any number unless given. */
  queue?: number;
  /** Milliseconds after which whoever waits in a queue is turned away. */
  queueTimeout?: number;
  /** Further lines of a contender that has a configuration file. */
  lines?: readonly string[];
  /** Further options of iawlb. */
  flags?: readonly string[];
  /** Bytes of each buffer of the bare loop. */
  buffer?: number;
}

/** A contender at work. `child` is absent if it is no program: the direct connection. */
export interface Running {
  readonly port: number;
  readonly child?: Child;
  /** Whether each session has a process of its own, so that none knows the memory of all. */
  readonly forks?: boolean;
}

/** The command line of a contender that listens on a port. */
type CommandLine = (setup: Setup, port: number) => string[];

/** One of the things that are compared. */
export class Contender {
  readonly name: string;
  /** What exactly it is: a version, a path. */
  readonly about: string;
  /** How it is started without arguments, if it is iawlb. */
  readonly program: readonly string[] | undefined;
  readonly #processes: Processes;
  readonly #line: CommandLine | undefined;

  constructor(
    name: string,
    options: {
      about: string;
      processes: Processes;
      line: CommandLine | undefined;
      program?: readonly string[] | undefined;
    },
  ) {
    this.name = name;
    this.about = options.about;
    this.program = options.program;
    this.#processes = options.processes;
    this.#line = options.line;
  }

  /** Whether it is what the suite is about. */
  get isOurs(): boolean {
    return this.name.startsWith("iawlb");
  }

  /** Whether it is the bare loop that shows what the runtime itself costs. */
  get isBare(): boolean {
    return this.name.startsWith("bare");
  }

  /** Whether it is the bare loop in the runtime of another. */
  isFloorOf(other: Contender): boolean {
    return this.name === other.name.replace("iawlb", "bare");
  }

  /** Whether it is a program, and not the direct connection. */
  get isProgram(): boolean {
    return this.#line !== undefined;
  }

  /** Whether it takes its sessions in one process and picks among many destinations. */
  get isBalancer(): boolean {
    return this.isProgram && this.name !== "socat";
  }

  /** Starts it and waits until it listens. */
  async start(setup: Setup): Promise<Running> {
    if (!this.#line) return { port: setup.destinations[0]! };
    const port = this.#processes.freePort();
    const child = await this.#processes.serve(this.name, this.#line(setup, port), port);
    return { port, child, forks: !this.isBalancer };
  }

  /** Starts it and waits for nothing. */
  launch(setup: Setup): Running {
    const port = this.#processes.freePort();
    return { port, child: this.#processes.spawn(this.name, this.#line!(setup, port)) };
  }
}

/** What a contender used up during some work: `cpu` seconds and `peak` MiB. */
export async function measured<T>(
  { child, forks }: Running,
  work: () => Promise<T>,
): Promise<{ result: T; cpu: number; peak: number }> {
  if (!child) return { result: await work(), cpu: NaN, peak: NaN };
  resetPeak(child.pid);
  const before = cpuSeconds(child.pid);
  const result = await work();
  const cpu = cpuSeconds(child.pid) - before;
  if (cpu < 0) throw new Error(`${child.name} has ended:\n${Deno.readTextFileSync(child.log)}`);
  return { result, cpu, peak: forks ? NaN : residentMemory(child.pid, "peak") };
}

/** All contenders that can run here. */
export function findContenders(
  processes: Processes,
  tools: Tools,
  options: {
    binary: string | undefined;
    bare?: string | undefined;
    threads: number;
  },
): Contender[] {
  const { binary, bare, threads } = options;
  const { nginx, haproxy, socat } = tools;
  const contenders: Contender[] = [];
  const source = [Deno.execPath(), "run", "--quiet", "--v8-flags=--expose-gc", "-P", MAIN];

  addOwn("iawlb", binary, [binary!]);
  addOwn("iawlb-source", `deno ${Deno.version.deno}`, source);
  add("nginx", nginx?.version, (setup, port) => {
    const file = processes.file("nginx.conf", nginxConfig(setup, port));
    return [nginx!.path, "-e", "stderr", "-c", file];
  });
  add("haproxy", haproxy?.version, (setup, port) => {
    const file = processes.file("haproxy.cfg", haproxyConfig(setup, port));
    return [haproxy!.path, "-db", "-f", file];
  });
  add("socat", socat?.version, ({ destinations }, port) => [
    socat!.path,
    `TCP-LISTEN:${port},bind=127.0.0.1,reuseaddr,fork,nodelay,backlog=${BACKLOG}`,
    `TCP:127.0.0.1:${destinations[0]},nodelay,connect-timeout=${CONNECT_SECONDS}`,
  ]);
  add("direct", "no balancer: the physical limit");
  const bareLoop = (program: readonly string[]): CommandLine => (setup, port) => {
    const { destinations, buffer = BARE_BYTES, backlog = BACKLOG } = setup;
    return [...program, ...[port, destinations[0]!, buffer, backlog].map(String)];
  };
  add("bare", bare, bareLoop([bare!]));
  const fromSource = [Deno.execPath(), "run", "--quiet", "-A", BARE];
  add("bare-source", `deno ${Deno.version.deno}`, bareLoop(fromSource));
  return contenders;

  function add(name: string, about: string | undefined, line?: CommandLine): void {
    if (about !== undefined) contenders.push(new Contender(name, { about, processes, line }));
  }

  function addOwn(name: string, about: string | undefined, program: readonly string[]): void {
    const line = iawlb(program);
    if (about) contenders.push(new Contender(name, { about, processes, line, program }));
  }

  function iawlb(program: readonly string[]): CommandLine {
    return (setup, port) => {
      const { backlog = BACKLOG, sessions = 0, limit = UNLIMITED, flags, destinations } = setup;
      const { queue = UNLIMITED, queueTimeout = QUEUE_SECONDS * 1000 } = setup;
      const options = "--access-log off --log-level warning " +
        `--connect-timeout ${CONNECT_SECONDS}s --idle-timeout ${IDLE_MINUTES}m ` +
        `--queue-timeout ${queueTimeout}ms --queue ${queue} --workers ${limit} ` +
        `--max-connections ${sessions} --backlog ${backlog}` +
        (threads > 1 ? ` --threads ${threads}` : "") +
        (setup.proxyHeader ? " --accept-proxy 127.0.0.1" : "") +
        (setup.tls ? ` --tls-cert ${setup.tls.cert} --tls-key ${setup.tls.key} --tls-min 1.3` : "");
      const secure = setup.tlsOut ? `,tls,tls-ca=${setup.tlsOut.cert}` : "";
      const servers = destinations.map((port) => `127.0.0.1:${port}${secure}`);
      const addresses = [`127.0.0.1:${port}`, ...servers];
      return [...program, ...options.split(" "), ...flags ?? [], ...addresses];
    };
  }

  function nginxConfig(setup: Setup, port: number): string {
    const limit = setup.limit ? `max_conns=${setup.limit}` : "";
    const servers = setup.destinations.map((to) => `server 127.0.0.1:${to} ${limit};`);
    const reusePort = threads > 1 ? "reuseport" : "";
    return `${nginx!.loadStream}
      daemon off;
      worker_processes ${threads};
      worker_rlimit_nofile ${DESCRIPTORS};
      pid ${processes.file("nginx.pid")};
      error_log stderr crit;
      events { worker_connections ${DESCRIPTORS}; }
      stream {
        upstream destinations {
          ${setup.method ? `${setup.method};` : ""}
          ${servers.join("\n")}
        }
        server {
          listen 127.0.0.1:${port} backlog=${setup.backlog ?? BACKLOG} ${reusePort} ${
      setup.proxyHeader ? "proxy_protocol" : ""
    } ${setup.tls ? "ssl" : ""};
          ${
      setup.tls
        ? `ssl_certificate ${setup.tls.cert}; ssl_certificate_key ${setup.tls.key};
          ssl_protocols TLSv1.3;`
        : ""
    }
          ${
      setup.tlsOut
        ? `proxy_ssl on; proxy_ssl_verify on; proxy_ssl_session_reuse off;
          proxy_ssl_name localhost; proxy_ssl_trusted_certificate ${setup.tlsOut.cert};
          proxy_ssl_protocols TLSv1.3;`
        : ""
    }
          proxy_pass destinations;
          proxy_connect_timeout ${CONNECT_SECONDS}s;
          proxy_timeout ${IDLE_MINUTES}m;
        }
      }`;
  }

  function haproxyConfig(setup: Setup, port: number): string {
    const sessions = setup.sessions ?? Math.floor(DESCRIPTORS / 2) - 50;
    const limit = setup.limit ? `maxconn ${setup.limit}` : "";
    const secure = setup.tlsOut
      ? `ssl verify required ca-file ${setup.tlsOut.cert} no-ssl-reuse ssl-min-ver TLSv1.3`
      : "";
    const servers = setup.destinations.map((to) => {
      return `server s${to} 127.0.0.1:${to} ${limit} ${secure}`;
    });
    return `global
  nbthread ${threads}
  no strict-limits
  maxconn ${sessions}
defaults
  mode tcp
  maxconn ${sessions}
  timeout connect ${CONNECT_SECONDS}s
  timeout client ${IDLE_MINUTES}m
  timeout server ${IDLE_MINUTES}m
  timeout queue ${setup.queueTimeout ?? QUEUE_SECONDS * 1000}ms
listen balancer
  bind 127.0.0.1:${port} backlog ${setup.backlog ?? BACKLOG} ${
      setup.proxyHeader ? "accept-proxy" : ""
    } ${setup.tls ? `ssl crt ${setup.tls.both} ssl-min-ver TLSv1.3` : ""}
  balance ${setup.method ?? "roundrobin"}
  ${setup.lines?.join("\n  ") ?? ""}
  ${servers.join("\n  ")}
`;
  }
}
