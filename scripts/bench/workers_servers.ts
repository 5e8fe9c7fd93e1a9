// Servers for the comparison of numbers of workers, and what their clients do.
import { type Processes, sleep } from "./processes.ts";
import { listens } from "./measure.ts";

/** Clients that come again as soon as they are answered, unless said otherwise: far more than slots. */
const CLIENTS = 100;
/** Clients of PostgreSQL: twice the best number of slots. */
const PG_CLIENTS = 64;

/** Milliseconds after which the server that changes is another one. */
export const PHASE_MS = 30_000;

/** A server that runs. */
export interface Server {
  readonly port: number;
  /** Milliseconds after which it begins again to change as before; none unless given. */
  readonly period?: number;
  /** Has clients come to a port for so many milliseconds. */
  load(port: number, ms: number): Promise<void>;
}

/** How to start each server, for so many clients. */
export const SERVERS: Record<
  string,
  (processes: Processes, clients?: number) => Promise<Server>
> = {
  thrashing: (processes, clients) => simulated(processes, { kind: "thrashing", clients }),
  flat: (processes, clients) => simulated(processes, { kind: "flat", clients }),
  changing: async (processes, clients) => {
    return { ...await simulated(processes, { kind: "changing", clients }), period: 2 * PHASE_MS };
  },
  "one at a time": (processes, clients) => simulated(processes, { kind: "one at a time", clients }),
  async python(processes, clients = CLIENTS) {
    const port = processes.freePort();
    await processes.serve("python", ["python3", here("python_app.py"), `${port}`, "4"], port);
    return { port, load: comeAgain(clients) };
  },
  postgres,
};

function here(name: string): string {
  return new URL(name, import.meta.url).pathname;
}

async function simulated(
  processes: Processes,
  { kind, clients = CLIENTS }: { kind: string; clients?: number | undefined },
): Promise<Server> {
  const port = processes.freePort();
  const run = [Deno.execPath(), "run", "--quiet", "--no-check", "-A"];
  await processes.serve(kind, [...run, here("thrashing_main.ts"), `${port}`, kind], port);
  return { port, load: comeAgain(clients) };
}

function comeAgain(clients: number): Server["load"] {
  return async (port, ms) => {
    const end = performance.now() + ms;
    await Promise.all(Array.from({ length: clients }, async () => {
      while (performance.now() < end) await request(port);
    }));
  };
}

async function request(port: number): Promise<void> {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  const buffer = new Uint8Array(64);
  await conn.write(buffer);
  while (await conn.read(buffer) !== null);
  conn.close();
}

/** A cluster of its own in the directory of the run, as the user `postgres` where root runs this. */
async function postgres(processes: Processes, clients = PG_CLIENTS): Promise<Server> {
  const port = processes.freePort();
  const versions = [...Deno.readDirSync("/usr/lib/postgresql")].map(({ name }) => name).sort();
  const program = (name: string) => `/usr/lib/postgresql/${versions.at(-1)}/bin/${name}`;
  const data = `${processes.dir}/postgres`;
  const asUser = Deno.uid() === 0 ? ["runuser", "-u", "postgres", "--"] : [];
  if (Deno.uid() === 0) {
    Deno.chmodSync(processes.dir, 0o755);
    Deno.mkdirSync(data);
    await processes.run("chown", ["chown", "postgres", data], 10_000);
  }
  const initdb = [program("initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-N"];
  await processes.run("initdb", [...asUser, ...initdb], 60_000);
  const settings = [
    "listen_addresses=127.0.0.1",
    `port=${port}`,
    `unix_socket_directories=${data}`,
    "max_connections=300",
    "fsync=off",
  ].flatMap((setting) => ["-c", setting]);
  const stop = [...asUser, program("pg_ctl"), "-D", data, "-m", "immediate", "stop"];
  processes.onClose(stop);
  const start = [program("pg_ctl"), "-D", data, "-l", `${data}/log`, "-w", "start"];
  await processes.run("pg_ctl", [...asUser, ...start, "-o", settings.join(" ")], 60_000);
  while (!listens(port)) await sleep(5);
  const to = (port: number) => ["-h", "127.0.0.1", "-p", `${port}`, "-U", "postgres", "postgres"];
  await processes.run("pgbench", ["pgbench", "-i", "-q", "-s", "5", ...to(port)], 60_000);
  return {
    port,
    async load(port, ms) {
      const kind = ["-n", "-C", "-S", "-c", `${clients}`, "-j", `${clients}`];
      const line = ["pgbench", ...kind, "-T", `${Math.ceil(ms / 1000)}`, ...to(port)];
      await processes.run("pgbench", line, 2 * ms);
    },
  };
}
