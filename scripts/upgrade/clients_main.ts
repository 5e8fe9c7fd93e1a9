// The clients, as a process: `deno run -A clients_main.ts JSON`. They go on until standard input ends;
// whatever comes in on it before is answered by a line of what they have come to so far.
import { type ClientOptions, NOTHING, type Outcome } from "./outcomes.ts";

/** As long as a request is, and so is its answer. */
const LENGTH = 8;
/** How long a client waits that was refused, in milliseconds. */
const PAUSE_MS = 2;
/** How many failures are told in words. */
const EXAMPLES = 10;

const options: ClientOptions = JSON.parse(Deno.args[0]!);
const { hostname, port, clients = 0, rate = 0, atRefusal = "again", patience = 10_000 } = options;
const outcomes = { ...NOTHING, examples: [] as string[] };
/** Connections that are open, with when they were. */
const open = new Map<Deno.TcpConn, number>();
const encoder = new TextEncoder();
const decoder = new TextDecoder();
let over = false;
let number = 0;

// Who gets no answer is closed by and by.
const watch = setInterval(() => {
  const earliest = performance.now() - patience;
  for (const [conn, since] of open) if (since < earliest) close(conn);
}, 100);
const begun = rate > 0
  ? arrivals(rate)
  : Promise.all(Array.from({ length: clients }, () => comeAgain()));
for await (const _ of Deno.stdin.readable) tell();
over = true;
await begun;
clearInterval(watch);
tell();
Deno.exit(0);

function tell(): void {
  console.log(JSON.stringify(outcomes));
}

/** A client that comes again as soon as it was answered. */
async function comeAgain(): Promise<void> {
  const buffer = new Uint8Array(LENGTH);
  while (!over) {
    if (await ask(buffer) !== "refused") continue;
    if (atRefusal === "stop") return;
    await sleep(PAUSE_MS);
  }
}

/** Clients that come at random times, whatever has become of others. */
async function arrivals(rate: number): Promise<void> {
  const asked = new Set<Promise<void>>();
  const started = performance.now();
  for (let due = 0; !over;) {
    due -= Math.log(1 - Math.random()) * 1000 / rate;
    const wait = started + due - performance.now();
    if (wait > 0) await sleep(wait);
    const one: Promise<void> = ask(new Uint8Array(LENGTH)).then((outcome) => {
      asked.delete(one);
      if (outcome === "refused" && atRefusal === "stop") over = true;
    });
    asked.add(one);
  }
  await Promise.all(asked);
}

/** Asks once, on a connection of its own, and counts what has become of that. */
async function ask(buffer: Uint8Array): Promise<Outcome> {
  const request = (number++ % 2 ** 32).toString(16).padStart(LENGTH, "0");
  let conn: Deno.TcpConn | undefined;
  let outcome: Outcome = "lost";
  let answer = "";
  try {
    conn = await Deno.connect({ hostname, port });
    open.set(conn, performance.now());
    await conn.write(encoder.encode(request));
    while (answer.length < LENGTH) {
      const n = await conn.read(buffer);
      if (n === null) break;
      answer += decoder.decode(buffer.subarray(0, n));
    }
    if (answer === request) outcome = "answered";
    else if (!request.startsWith(answer)) outcome = "wrong";
  } catch (error) {
    outcome = conn !== undefined && !open.has(conn) ? "late" : outcomeOf(error);
    if (outcome !== "refused" && outcomes.examples.length < EXAMPLES) {
      outcomes.examples.push(`${conn === undefined ? "connect" : "afterwards"}: ${error}`);
    }
  }
  if (conn !== undefined) close(conn);
  outcomes[outcome]++;
  return outcome;
}

function close(conn: Deno.TcpConn): void {
  if (open.delete(conn)) conn.close();
}

function outcomeOf(error: unknown): Outcome {
  if (error instanceof Deno.errors.ConnectionRefused) return "refused";
  if (error instanceof Deno.errors.ConnectionReset) return "reset";
  return error instanceof Deno.errors.BrokenPipe ? "reset" : "other";
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
