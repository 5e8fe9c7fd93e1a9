// What requests of the admin API cost a round trip through the balancer beside them:
// `deno run -A scripts/bench/admin_main.ts [DESTINATIONS] [THREADS] [PROGRAM…]`. Needs curl.
import { freePort, serveEcho } from "./echo.ts";
import { sleep } from "./processes.ts";
import { quantile } from "./statistics.ts";

const [destinations = "1000", threads = "1", ...program] = Deno.args;
const command = program.length > 0 ? program : ["deno", "run", "-A", "main.ts"];
const SECONDS = 5;

const echo = serveEcho();
const { port } = echo.addr;

const config = await Deno.makeTempFile({ suffix: ".toml" });
const list = Array.from({ length: Number(destinations) }, (_, i) => {
  return `"127.1.${i >> 8}.${i & 255}:${port}"`;
});
await Deno.writeTextFile(
  config,
  `workers = 4\nthreads = ${threads}\n[[listener]]\nlisten = "127.0.0.1:${freePort()}"\n` +
    `destinations = [\n${list.join(",\n")}\n]\n`,
);
const front = Number(/listen = "127.0.0.1:(\d+)"/.exec(await Deno.readTextFile(config))![1]);
const admin = freePort();
const child = new Deno.Command(command[0]!, {
  args: [...command.slice(1), "--config", config, "--admin", String(admin), "--log-level", "error"],
  stdout: "null",
}).spawn();

try {
  while (!(await curl("/healthz")).success) await sleep(100);
  // So that every destination has durations to show.
  for (let i = 0; i < 3 * Number(destinations); i++) await roundTrip(await connect());
  const conn = await connect();
  const address = (i: number) => `127.2.${i >> 8 & 255}.${i & 255}:${port}`;
  let added = 0;
  const json = ["-H", "content-type: application/json", "-X"];
  const requests: Record<string, (() => Promise<unknown>) | undefined> = {
    nothing: undefined,
    "GET /metrics": () => curl("/metrics"),
    "8 × GET /metrics": () => Promise.all(Array.from({ length: 8 }, () => curl("/metrics"))),
    "GET /status": () => curl("/status"),
    "GET /sessions": () => curl("/sessions?limit=10000"),
    "GET /openapi.json": () => curl("/openapi.json"),
    "GET /": () => curl("/"),
    "16 × GET /events": () =>
      Promise.all(Array.from({ length: 16 }, () => curl("/events", "-m", "3"))),
    "POST /destinations": () =>
      curl("/destinations", ...json, "POST", "-d", `{"address":"${address(added++)}"}`),
    "PATCH /destinations": () =>
      curl(
        `/destinations/1.${1 + added++ % 900}`,
        ...json,
        "PATCH",
        "-d",
        `{"weight":${added % 9 + 1}}`,
      ),
    "DELETE /destinations": () => curl(`/destinations/1.${100 + added++ % 800}`, "-X", "DELETE"),
    "POST /reload": () => curl("/reload", ...json, "POST"),
  };
  for (const [name, request] of Object.entries(requests)) {
    const end = performance.now() + SECONDS * 1000;
    let asked = 0;
    const asking = (async () => {
      while (request && performance.now() < end) {
        await request();
        asked++;
        await sleep(20);
      }
    })();
    const times: number[] = [];
    while (performance.now() < end) times.push(await timed(conn));
    await asking;
    const [p50, p99, max] = [quantile(times, 0.5), quantile(times, 0.99), Math.max(...times)];
    const figures = [p50, p99, max].map((ms) => ms.toFixed(2).padStart(8));
    console.log(`${name.padEnd(22)} ${String(asked).padStart(5)} times  ms: ${figures.join(" ")}`);
  }
  conn.close();
} finally {
  child.kill("SIGKILL");
  await child.status;
  echo.close();
  await Deno.remove(config);
}

async function timed(conn: Deno.Conn): Promise<number> {
  const begin = performance.now();
  await ask(conn);
  return performance.now() - begin;
}

async function roundTrip(conn: Deno.Conn): Promise<void> {
  await ask(conn);
  conn.close();
}

async function ask(conn: Deno.Conn): Promise<void> {
  await conn.write(new Uint8Array(16));
  await conn.read(new Uint8Array(16));
}

async function connect(): Promise<Deno.Conn> {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port: front });
  conn.setNoDelay(true);
  return conn;
}

function curl(path: string, ...args: string[]): Promise<Deno.CommandStatus> {
  return new Deno.Command("curl", {
    args: ["-s", "-o", "/dev/null", ...args, `http://127.0.0.1:${admin}${path}`],
    stdout: "null",
    stderr: "null",
  }).spawn().status;
}
