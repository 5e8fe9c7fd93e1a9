// What keeping the history costs: CPU of the program idle and under a steady load, with and without
// `--admin`, or of two programs: `deno run -A scripts/bench/history_main.ts [DESTINATIONS] [THREADS]
// [MAIN…]`, where each MAIN is a main.ts to measure with `--admin`.
import { freePort, serveEcho } from "./echo.ts";
import { sleep } from "./processes.ts";

const [destinations = "40", threads = "1", ...mains] = Deno.args;
const IDLE_S = 8;
const LOADED_S = 8;
/** New sessions a second while it is loaded. */
const RATE = 400;

const echo = serveEcho();

const here = new URL("../../main.ts", import.meta.url).pathname;
const programs = mains.length > 0
  ? mains.map((main) => ({ name: main, main, admin: true }))
  : [false, true].map((admin) => ({ name: admin ? "with --admin" : "without", main: here, admin }));
for (const program of programs) {
  const { idle, loaded, rss } = await measured(program);
  const figures = `idle ${idle.toFixed(2)} ms/s, loaded ${loaded.toFixed(1)} ms/s, ${rss} MB`;
  console.log(`${destinations} destinations, ${threads} threads, ${program.name}: ${figures}`);
}
echo.close();

async function measured({ main, admin }: { main: string; admin: boolean }) {
  const front = freePort();
  const config = await Deno.makeTempFile({ suffix: ".toml" });
  const list = Array.from({ length: Number(destinations) }, (_, i) => {
    return `"127.1.${i >> 8}.${i & 255}:${echo.addr.port}"`;
  });
  await Deno.writeTextFile(
    config,
    `workers = 4\nthreads = ${threads}\n[[listener]]\nlisten = "127.0.0.1:${front}"\n` +
      `destinations = [\n${list.join(",\n")}\n]\n`,
  );
  const options = admin ? ["--admin", String(freePort())] : [];
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", main, "--config", config, "--log-level", "error", ...options],
    stdout: "null",
  }).spawn();
  try {
    while (!await reachable(front)) await sleep(100);
    // So that every destination has durations.
    for (let i = 0; i < 3 * Number(destinations); i++) await session(front);
    await sleep(1000);
    const idle = await during(child.pid, IDLE_S, () => sleep(IDLE_S * 1000));
    const loaded = await during(child.pid, LOADED_S, () => load(front));
    const status = await Deno.readTextFile(`/proc/${child.pid}/status`);
    const rss = Math.round(Number(/VmRSS:\s*(\d+)/.exec(status)![1]) / 1024);
    return { idle, loaded, rss };
  } finally {
    child.kill("SIGKILL");
    await child.status;
    await Deno.remove(config);
  }
}

/** CPU in milliseconds a second. */
async function during(pid: number, seconds: number, work: () => Promise<void>): Promise<number> {
  const before = await cpuMs(pid);
  await work();
  return (await cpuMs(pid) - before) / seconds;
}

/** CPU of a process so far, of all its threads. */
async function cpuMs(pid: number): Promise<number> {
  let ns = 0;
  for await (const { name } of Deno.readDir(`/proc/${pid}/task`)) {
    const text = await Deno.readTextFile(`/proc/${pid}/task/${name}/schedstat`);
    ns += Number(text.split(" ")[0]);
  }
  return ns / 1e6;
}

async function load(port: number): Promise<void> {
  const end = performance.now() + LOADED_S * 1000;
  const sessions: Promise<void>[] = [];
  for (let next = performance.now(); next < end; next += 1000 / RATE) {
    const wait = next - performance.now();
    if (wait > 0) await sleep(wait);
    sessions.push(session(port));
  }
  await Promise.all(sessions);
}

async function session(port: number): Promise<void> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await conn.write(new Uint8Array(16));
  await conn.read(new Uint8Array(16));
}

async function reachable(port: number): Promise<boolean> {
  return await session(port).then(() => true, () => false);
}
