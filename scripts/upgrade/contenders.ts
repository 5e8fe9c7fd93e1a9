import { listens } from "../bench/measure.ts";
import { type Child, type Processes, sleep } from "../bench/processes.ts";
import { findTools } from "../bench/tools.ts";

const MAIN = new URL("../../main.ts", import.meta.url).pathname;

/** How long an upgrade may take, in milliseconds. */
const PATIENCE_MS = 30_000;
/** How long whoever is replaced may take to finish its sessions, in seconds. */
const DRAIN_SECONDS = 60;

/** A balancer that can be replaced by another process of its kind while it serves. */
export interface Contender {
  readonly name: string;
  /** What exactly it is, and how it is replaced. */
  readonly about: string;
  /** Starts it on a port of loopback in front of another one; resolves when it listens. */
  start(port: number, destination: number): Promise<void>;
  /** Replaces it; resolves when the new process serves and the old one has been told. */
  upgrade(): Promise<void>;
}

/**
 * iawlb, replaced with `--replace`.
 *
 * @param program The binary, or `undefined` for the sources.
 */
export function iawlb(processes: Processes, program: string | undefined, flags: readonly string[]) {
  const start = program === undefined
    ? [Deno.execPath(), "run", "--quiet", "--no-prompt", "-P", MAIN]
    : [program];
  const pidFile = `${processes.dir}/iawlb.pid`;
  let line: string[] = [];
  /** Starts one, and waits until the pid file is its own: it is taken over when it serves. */
  const next = async (more: readonly string[]) => {
    const child = processes.spawn("iawlb", [...line, ...more]);
    await waitFor(child, () => read(pidFile).split("\n")[0] === `${child.pid}`);
  };
  return {
    name: "iawlb",
    about: `${program ?? `deno ${Deno.version.deno}`}, --replace`,
    async start(port: number, destination: number) {
      const options = ["--access-log", "off", "--workers", "1000", "--pid-file", pidFile];
      const addresses = [`127.0.0.1:${port}`, `127.0.0.1:${destination}`];
      const drain = ["--drain-timeout", `${DRAIN_SECONDS}s`];
      line = [...start, ...options, ...drain, ...flags, ...addresses];
      await next([]);
    },
    upgrade: () => next(["--replace"]),
  };
}

/** HAProxy as master and worker: the new worker gets the sockets of the old one. */
export async function haproxy(processes: Processes): Promise<Contender | undefined> {
  const tool = (await findTools()).haproxy;
  if (tool === undefined) return undefined;
  let master: Child;
  let loaded = 0;
  const serves = () => read(master.log).split("Loading success").length - 1 > loaded;
  return {
    name: "haproxy",
    about: `${tool.version}, -W, expose-fd listeners, SIGUSR2`,
    async start(port, destination) {
      const file = processes.file("haproxy.cfg");
      await Deno.writeTextFile(
        file,
        `global
  stats socket ${processes.dir}/haproxy.sock mode 600 expose-fd listeners level admin
  hard-stop-after ${DRAIN_SECONDS}s
  nbthread 1
  maxconn 4000
defaults
  mode tcp
  maxconn 4000
  timeout connect 5s
  timeout client 10m
  timeout server 10m
listen balancer
  bind 127.0.0.1:${port} backlog 511
  server echo 127.0.0.1:${destination}
`,
      );
      master = processes.spawn("haproxy", [tool.path, "-W", "-db", "-f", file]);
      await waitFor(master, () => serves() && listens(port));
    },
    async upgrade() {
      loaded++;
      Deno.kill(master.pid, "SIGUSR2");
      await waitFor(master, serves);
    },
  };
}

/**
 * nginx, whose new workers have the sockets of the old ones. Not with SIGUSR2, which brings a new
 * binary: it is ignored while a master process before the last one still finishes its sessions.
 */
export async function nginx(processes: Processes): Promise<Contender | undefined> {
  const tool = (await findTools()).nginx;
  if (tool === undefined) return undefined;
  let master: Child;
  let workers: string[] = [];
  /** Whether there is a worker that was not there before. */
  const serves = () => {
    const now = read(`/proc/${master.pid}/task/${master.pid}/children`).split(" ");
    return now.some((worker) => worker !== "" && !workers.includes(worker));
  };
  return {
    name: "nginx",
    about: `${tool.version}, SIGHUP`,
    async start(port, destination) {
      const file = processes.file(
        "nginx.conf",
        `${tool.loadStream}
worker_processes 1;
worker_rlimit_nofile 8192;
worker_shutdown_timeout ${DRAIN_SECONDS}s;
pid ${processes.dir}/nginx.pid;
error_log stderr crit;
events { worker_connections 4000; }
stream {
  server {
    listen 127.0.0.1:${port} backlog=511;
    proxy_pass 127.0.0.1:${destination};
    proxy_timeout 10m;
  }
}
`,
      );
      master = processes.spawn("nginx", [
        tool.path,
        "-e",
        "stderr",
        "-c",
        file,
        "-g",
        "daemon off;",
      ]);
      await waitFor(master, () => listens(port) && serves());
    },
    async upgrade() {
      workers = read(`/proc/${master.pid}/task/${master.pid}/children`).split(" ");
      Deno.kill(master.pid, "SIGHUP");
      await waitFor(master, serves);
    },
  };
}

/** @throws {Error} With what the process has said, if it takes too long. */
async function waitFor({ log }: Pick<Child, "log">, condition: () => boolean): Promise<void> {
  for (const end = performance.now() + PATIENCE_MS; !condition(); await sleep(2)) {
    if (performance.now() > end) throw new Error(`nobody serves:\n${read(log).slice(-1000)}`);
  }
}

function read(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}
