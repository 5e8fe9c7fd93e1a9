// What other servers make of many clients: `deno run -A scripts/bench/servers_bench.ts [IAWLB] [ROUNDS]`,
// where IAWLB is a binary, ./iawlb unless given. It takes Apache, nginx, Node and wrk.
//
// Each serves the same small file to ten clients at once, with a connection for each request and with
// connections that are kept. Then so many clients are answered and keep their connections without a
// word, and one more asks.
import { messageOf } from "../../src/base/errors.ts";
import { cpuSeconds, proportionalMemory } from "./measure.ts";
import { Load } from "./load.ts";
import { Processes, sleep } from "./processes.ts";
import { median } from "./statistics.ts";
import { findTools } from "./tools.ts";

const CLIENTS = 10;
const SECONDS = 3;
/** How many keep their connections. */
const KEPT = 1000;
/** How often one more asks beside them, and how long each waits, in milliseconds. */
const ASKED = 20;
const PATIENCE_MS = 2000;

const [binary = "./iawlb", rounds = "3"] = Deno.args;
const processes = new Processes();
const load = new Load(processes, findTools());

/** What there is to serve, where a server that has given up its rights can read it. */
const root = `${processes.dir}/root`;
Deno.mkdirSync(root);
const page = `${root}/index.html`;
Deno.writeTextFileSync(page, "x".repeat(99) + "\n");
for (const path of [processes.dir, root]) Deno.chmodSync(path, 0o755);

type Line = (port: number) => string[];

const SERVERS: Record<string, Line> = {
  "Apache, prefork": apache("prefork"),
  "Apache, worker": apache("worker"),
  "Apache, event": apache("event"),
  "nginx, one worker": (port) => [
    "nginx",
    "-p",
    processes.dir,
    "-c",
    processes.file(
      "nginx.conf",
      `daemon off; worker_processes 1; pid nginx-${port}.pid; error_log stderr;
       events { worker_connections 4096; }
       http { access_log off; keepalive_requests 100000000;
              server { listen 127.0.0.1:${port} backlog=1024; root ${root}; } }`,
    ),
  ],
  Node: (port) => [
    "node",
    processes.file(
      "server.js",
      `const body = require("fs").readFileSync(${JSON.stringify(page)});
       require("http").createServer((_, response) => response.end(body))
         .listen({ port: ${port}, host: "127.0.0.1", backlog: 1024 });`,
    ),
  ],
  "iawlb serve http": (port) => [
    ...[binary, "serve", "http", `127.0.0.1:${port}`, "--requests", "0", "--body", page],
    ...["--access-log", "off"],
  ],
};

/** As it is without further settings, but for logs and how long a connection may be kept. */
function apache(model: string): Line {
  const module = (name: string) =>
    `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`;
  return (port) => [
    ...["apache2", "-DFOREGROUND", "-f"],
    processes.file(
      `apache-${model}.conf`,
      [
        ...[`mpm_${model}`, "authz_core", "dir"].map(module),
        `ServerName localhost\nListen 127.0.0.1:${port}\nListenBacklog 1024`,
        `PidFile ${processes.dir}/apache-${port}.pid\nDefaultRuntimeDir ${processes.dir}`,
        `User www-data\nGroup www-data\nErrorLog /dev/null`,
        `DocumentRoot ${root}\nMaxKeepAliveRequests 0\nKeepAlive On\nKeepAliveTimeout 300`,
      ].join("\n"),
    ),
  ];
}

/** What one round with a server came to. */
interface Figures {
  readonly close: number;
  readonly kept: number;
  readonly cpu: number;
  readonly memory: number;
  readonly beside: Beside;
}

/** How many keep a connection at a time, and how long an answer takes beside all of them. */
interface Beside {
  readonly served: number;
  /** In milliseconds; absent if they are fewer than there are to be. */
  readonly ms?: number;
}

async function measure(name: string, line: Line): Promise<Figures> {
  const port = processes.freePort();
  const child = await processes.serve(name, line(port), port);
  try {
    await load.closedLoop(port, { clients: CLIENTS, close: true, seconds: 1 });
    const close = await load.closedLoop(port, { clients: CLIENTS, close: true, seconds: SECONDS });
    if (close.requests === 0) throw new Error("nothing was answered");
    const before = cpuSeconds(child.pid);
    const kept = await load.closedLoop(port, { clients: CLIENTS, close: false, seconds: SECONDS });
    const cpu = cpuSeconds(child.pid) - before;
    const memory = proportionalMemory(child.pid);
    return {
      close: close.requests / close.seconds,
      kept: kept.requests / kept.seconds,
      cpu: 1e6 * cpu / kept.requests,
      memory,
      beside: await besideKept(port),
    };
  } catch (error) {
    throw new Error(`${name}: ${messageOf(error)}`);
  } finally {
    await child.stop();
  }
}

/** What becomes of one more client beside those who keep a connection after an answer. */
async function besideKept(port: number): Promise<Beside> {
  const kept: Deno.Conn[] = [];
  try {
    while (kept.length < KEPT) {
      const conn = await Deno.connect({ hostname: "127.0.0.1", port });
      kept.push(conn);
      if (await ask(conn) === undefined) return { served: kept.length - 1 };
    }
    const times: number[] = [];
    for (let i = 0; i < ASKED; i++) {
      using conn = await Deno.connect({ hostname: "127.0.0.1", port });
      times.push(await ask(conn) ?? Infinity);
    }
    return { served: KEPT, ms: median(times) };
  } finally {
    for (const conn of kept) conn.close();
  }
}

/** How long an answer takes, in milliseconds; `undefined` if none comes in time. */
async function ask(conn: Deno.Conn): Promise<number | undefined> {
  const begun = performance.now();
  await conn.write(new TextEncoder().encode("GET / HTTP/1.1\r\nhost: a\r\n\r\n"));
  const reading = conn.read(new Uint8Array(4096));
  // Nobody reads any more once it is closed.
  reading.catch(() => {});
  const read = await Promise.race([reading, sleep(PATIENCE_MS).then(() => undefined)]);
  return read ? performance.now() - begun : undefined;
}

try {
  const all = new Map<string, Figures[]>(Object.keys(SERVERS).map((name) => [name, []]));
  for (let round = 1; round <= Number(rounds); round++) {
    for (const [name, line] of Object.entries(SERVERS)) {
      all.get(name)!.push(await measure(name, line));
    }
  }
  console.log(
    "                    a connection each  kept      CPU, kept  memory     beside 1,000 kept ones",
  );
  for (const [name, figures] of all) {
    const of = (key: Exclude<keyof Figures, "beside">) => median(figures.map((one) => one[key]));
    const served = Math.min(...figures.map(({ beside }) => beside.served));
    const times = figures.flatMap(({ beside: { ms } }) => ms ?? []);
    console.log([
      name.padEnd(19),
      `${of("close").toFixed(0)}/s`.padEnd(18),
      `${of("kept").toFixed(0)}/s`.padEnd(9),
      `${of("cpu").toFixed(0)} µs`.padEnd(10),
      `${of("memory").toFixed(0)} MiB`.padEnd(10),
      served < KEPT ? `no answer beside ${served}` : `${median(times).toFixed(1)} ms`,
    ].join(" "));
  }
} finally {
  await processes.stopAll();
  processes.close();
}
