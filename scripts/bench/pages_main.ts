// What open pages cost the balancer: its CPU, in percent of one, with nobody looking and with so many
// dashboards in a real browser, idle and under load:
// deno run -A scripts/bench/pages_main.ts [--pages N] [--destinations N] [--rate N] [--seconds N] [--rounds N] [PROGRAM…]
import { parseArgs } from "@std/cli/parse-args";
import { findChromium, launch } from "../../tests/support/browser.ts";
import { serveEcho } from "./echo.ts";
import { cpuSeconds } from "./measure.ts";
import { Processes, sleep } from "./processes.ts";

const NUMBERS = { pages: 5, destinations: 40, rate: 1000, seconds: 5, rounds: 2 };
const options = parseArgs(Deno.args, { string: ["_", ...Object.keys(NUMBERS)], stopEarly: true });
const { pages, destinations, rate, seconds, rounds } = Object.fromEntries(
  Object.entries(NUMBERS).map(([name, number]) => [name, Number(options[name] ?? number)]),
) as typeof NUMBERS;
const program = options._.length > 0 ? options._.map(String) : ["deno", "run", "-A", "main.ts"];
if (findChromium() === undefined) {
  console.error("no Chromium here; CHROMIUM names one that is elsewhere");
  Deno.exit(2);
}

/** How long it is loaded before anything counts: the runtime compiles what is used much. */
const WARM_UP_S = 3;
/** Once a page is there, before it counts. */
const SETTLED_MS = 1500;

const processes = new Processes();
const echo = serveEcho();
const [front, admin] = [processes.freePort(), processes.freePort()];
const list = Array.from({ length: destinations }, (_, i) => {
  return `127.1.${i >> 8}.${1 + (i & 127)}:${echo.addr.port},workers=4`;
});
const line = [
  ...[...program, "--admin", `127.0.0.1:${admin}`, "--log-level", "error", "--access-log", "off"],
  ...[`127.0.0.1:${front}`, ...list],
];

/** CPU in percent, by what happened meanwhile. */
const results: Record<string, number[]> = {};
const browser = await launch();
try {
  const { pid } = await processes.serve("iawlb", line, front);
  await load(front, rate, WARM_UP_S);
  for (let round = 0; round < rounds; round++) {
    for (const looking of [0, pages]) {
      const context = await browser.newContext();
      const before = cpuSeconds(pid);
      await Promise.all(Array.from({ length: looking }, async () => {
        const page = await context.newPage();
        await page.goto(`http://127.0.0.1:${admin}/`);
        await page.locator("body[data-loaded]").waitFor();
      }));
      if (looking > 0) note("opening them, ms of CPU", (cpuSeconds(pid) - before) * 1000);
      await sleep(SETTLED_MS);
      note(`idle, ${looking} pages, % of a CPU`, await cpuOf(pid, sleep(seconds * 1000)));
      const loading = load(front, rate, seconds);
      note(`${rate} sessions/s, ${looking} pages, % of a CPU`, await cpuOf(pid, loading));
      note("sessions/s really", await loading / seconds);
      await context.close();
    }
  }
} finally {
  await browser.close();
  await processes.stopAll();
  processes.close();
  echo.close();
}
for (const [what, values] of Object.entries(results).toSorted(([a], [b]) => a < b ? -1 : 1)) {
  const mean = values.reduce((sum, value) => sum + value) / values.length;
  console.log(
    `${what.padEnd(40)} ${mean.toFixed(1).padStart(7)}   ${
      values.map((value) => value.toFixed(1)).join(" ")
    }`,
  );
}

function note(what: string, value: number): void {
  (results[what] ??= []).push(value);
}

/** Percent of one CPU that a process takes as long as something goes on. */
async function cpuOf(pid: number, meanwhile: Promise<unknown>): Promise<number> {
  const [begun, used] = [performance.now(), cpuSeconds(pid)];
  await meanwhile;
  return 100_000 * (cpuSeconds(pid) - used) / (performance.now() - begun);
}

/** Makes so many sessions a second, each with one request; returns how many came to their end. */
async function load(port: number, rate: number, seconds: number): Promise<number> {
  const [begun, total] = [performance.now(), rate * seconds];
  const running: Promise<void>[] = [];
  let done = 0;
  while (running.length < total) {
    const due = Math.min(total, Math.floor((performance.now() - begun) * rate / 1000));
    while (running.length < due) running.push(session(port).then(() => void done++, () => {}));
    await sleep(5);
  }
  await Promise.all(running);
  return done;
}

async function session(port: number): Promise<void> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await conn.write(new Uint8Array(64));
  await conn.read(new Uint8Array(64));
}
