// The suite's own servers, as a process: `deno run -A destination_main.ts MODE JSON`.
import type { Service } from "./destinations.ts";
import { seededRandom } from "./statistics.ts";

const [mode, text] = Deno.args;
const options: { ports: number[]; services?: Service[]; seed?: number; notes?: boolean } = JSON
  .parse(text!);
const random = seededRandom(options.seed ?? 1);
const encoder = new TextEncoder();
const decoder = new TextDecoder();
let requests = 0;

options.ports.forEach((port, i) => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port, tcpBacklog: 4096 });
  if (mode === "serial") answerInTurn(listener, options.services![i]!);
  else answerAtOnce(listener, mode === "bulk" ? moveBytes : answerHttp);
});

async function answerAtOnce(
  listener: Deno.Listener,
  handle: (conn: Deno.Conn) => Promise<void>,
): Promise<void> {
  for await (const conn of listener) {
    handle(conn).catch(() => {}).finally(() => conn.close());
  }
}

/** One connection after the other in each slot; others wait, in the order in which they came. */
async function answerInTurn(listener: Deno.Listener, service: Service): Promise<void> {
  const waiting: Deno.Conn[] = [];
  let free = service.slots ?? 1;
  for await (const conn of listener) {
    waiting.push(conn);
    if (free > 0) serveWaiting();
  }

  async function serveWaiting(): Promise<void> {
    free--;
    const buffer = new Uint8Array(1024);
    for (let conn = waiting.shift(); conn; conn = waiting.shift()) {
      await answerAfter(conn, { service, buffer });
    }
    free++;
  }
}

async function answerAfter(
  conn: Deno.Conn,
  { service: { ms: usual, stall }, buffer }: { service: Service; buffer: Uint8Array },
): Promise<void> {
  try {
    if (await conn.read(buffer) === null) return;
    const began = performance.now();
    const ms = stall && random() < stall.probability ? stall.ms : usual;
    await new Promise((resolve) => setTimeout(resolve, ms));
    const took = performance.now() - began;
    // What it did is known also if nobody is there any more to learn of it.
    if (options.notes) Deno.stdout.writeSync(noteOf(performance.timeOrigin + began, took));
    await conn.write(httpAnswer("ok\n", { close: true, took }));
  } catch {
    // The client has left.
  } finally {
    conn.close();
  }
}

/** Small HTTP answers; nobody sends more than one request at a time. */
async function answerHttp(conn: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(4096);
  for (let n = await conn.read(buffer); n !== null; n = await conn.read(buffer)) {
    requests++;
    const request = decoder.decode(buffer.subarray(0, n));
    const body = request.startsWith("GET /status")
      ? `Active connections: 0 \nserver accepts handled requests\n 0 0 ${requests}\n`
      : "ok\n";
    const close = /^connection: close/im.test(request);
    await conn.write(httpAnswer(body, { close }));
    if (close) return;
  }
}

function noteOf(began: number, took: number): Uint8Array {
  return encoder.encode(`${began} ${took}\n`);
}

function httpAnswer(
  body: string,
  { close, took }: { close: boolean; took?: number },
): Uint8Array {
  const lines = [
    "HTTP/1.1 200 OK",
    `Content-Length: ${body.length}`,
    `Connection: ${close ? "close" : "keep-alive"}`,
    ...took === undefined ? [] : [`X-Took: ${took}`],
  ];
  return encoder.encode(`${lines.join("\r\n")}\r\n\r\n${body}`);
}

/** The first byte says who sends: `r`, the server, or anything else, the client. */
async function moveBytes(conn: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(256 * 1024);
  if (await conn.read(buffer.subarray(0, 1)) === null) return;
  if (buffer[0] === "r".charCodeAt(0)) { for (;;) await conn.write(buffer); }
  while (await conn.read(buffer) !== null);
}
