import type { Logger } from "@logtape/logtape";
import { bind } from "../net/bind.ts";
import { type Config, type ListenerTexts, readListener } from "../config/config.ts";
import { FatalError } from "../base/errors.ts";
import { HttpServer } from "../admin/http/server.ts";
import type { Logs } from "../logging/logs.ts";
import { print } from "../base/output.ts";
import { runProgram } from "./program.ts";
import type { Signals } from "./signals.ts";
import { sleep } from "../base/timer.ts";
import type { WrittenOptions } from "../config/source.ts";
import { withoutEffect } from "../config/without_effect.ts";

/** Ports that the demo tries to listen on, one after the other. */
const FIRST_PORT = 8080;
const LAST_PORT = 8099;

/** How long the slow destination takes for an answer, in milliseconds. */
const SLOW_MS = 1000;

/** How long the flaky destination is there, and then away, in milliseconds. */
const FLAKY_MS = 5000;

/** Connections of one destination at a time, and how long it lets answers end when it goes away. */
const MOST_CONNECTIONS = 1024;
const PATIENCE_MS = 5000;

/** One of the demo's own HTTP servers, on a port of loopback that the kernel picked. */
interface DemoDestination {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Runs the balancer in front of three HTTP servers of its own, until it is told to stop.
 *
 * @returns Whether every session could finish.
 * @throws {FatalError} If none of the ports can be listened on.
 */
export async function runDemo(
  around: { logs: Logs; signals: Signals },
  texts: Omit<ListenerTexts, "listen" | "destinations">,
): Promise<boolean> {
  const { logs: { log } } = around;
  const destinations = await Promise.all([
    openSteady(responder("fast", { log })),
    openSteady(responder("slow", { log, before: () => sleep(SLOW_MS) })),
    openFlaky(responder("flaky", { log })),
  ]);
  try {
    const [fast, slow, flaky] = destinations.map(({ port }) => `127.0.0.1:${port}`);
    const options = { admin: "127.0.0.1:0", halfClose: "abandon", ...texts.options };
    return await runOnFreePort((port) => {
      const destinations = [`${fast},workers=1`, `${slow},workers=1`, flaky!];
      return readListener({ ...texts, listen: `${port}`, destinations, options });
    }, around);
  } finally {
    await Promise.all(destinations.map((destination) => destination.close()));
  }
}

async function runOnFreePort(
  configure: (port: number) => Config,
  around: { logs: Logs; signals: Signals },
): Promise<boolean> {
  for (let port = FIRST_PORT;; port++) {
    const listener = configure(port);
    const config = { settings: listener, listeners: [listener], warnings: warningsOf(listener) };
    try {
      return await runProgram({
        config,
        load: () => Promise.resolve(config),
        ...around,
        onReady: ({ admin }) => print(introduction(port, admin)),
      });
    } catch (error) {
      const taken = error instanceof FatalError && error.cause instanceof Deno.errors.AddrInUse;
      if (!taken || port === LAST_PORT) throw error;
    }
  }
}

/** What of the options that were given has no effect here. */
function warningsOf(listener: Config): string[] {
  const given = Object.entries(listener.texts.options).map(([name, text]) => [name, { text }]);
  const options = Object.fromEntries(given) as WrittenOptions;
  const destinations = listener.texts.destinations.map((text) => ({ text }));
  const source = { listen: undefined, destinations, options, rules: [] };
  return withoutEffect({ settings: listener, listeners: [listener] }, {
    options,
    listeners: [source],
  });
}

/** Serves on a port of loopback, 0 for any. */
type Serve = (port: number) => Promise<{ readonly server: HttpServer; readonly port: number }>;

/** What serves, counting its answers over all of its servers. */
function responder(
  name: string,
  { log, before = () => {} }: { log: Logger; before?: () => void | Promise<void> },
): Serve {
  let answered = 0;
  async function handler(): Promise<Response> {
    await before();
    const body = `Hello from ${name}, answer ${++answered}\n`;
    const headers = { connection: "close", "content-length": String(body.length) };
    return new Response(body, { headers });
  }
  return async (port) => {
    const address = { transport: "tcp", hostname: "127.0.0.1", port } as const;
    const bound = await bind(address, { tcpBacklog: MOST_CONNECTIONS, log });
    const what = `accepting at the destination ${name} of the demo`;
    const limits = { connections: MOST_CONNECTIONS };
    const server = new HttpServer({ bound, handler, limits, what, log });
    return { server, port: bound.port! };
  };
}

async function openSteady(serve: Serve): Promise<DemoDestination> {
  const { server, port } = await serve(0);
  return { port, close: () => server.close({ patience: PATIENCE_MS }) };
}

/** A destination that comes and goes: away means that nothing listens on its port. */
async function openFlaky(serve: Serve): Promise<DemoDestination> {
  const ending = new AbortController();
  const { signal } = ending;
  const first = await serve(0);
  const { port } = first;

  async function comeAndGo(): Promise<void> {
    let server: HttpServer | undefined = first.server;
    while (!signal.aborted) {
      await sleep(FLAKY_MS, { signal });
      if (server) {
        await server.close({ patience: PATIENCE_MS });
        server = undefined;
      } else if (!signal.aborted) {
        // Somebody may have taken the port meanwhile: then it stays away a little longer.
        server = await serve(port).then((one) => one.server, () => undefined);
      }
    }
    await server?.close({ patience: PATIENCE_MS });
  }

  const running = comeAndGo();
  return {
    port,
    close() {
      ending.abort();
      return running;
    },
  };
}

function introduction(port: number, admin: string | undefined): string {
  const url = `http://localhost:${port}/`;
  return `
iawlb demo: three HTTP servers behind ${url}
  fast    answers at once, one connection at a time
  slow    answers after ${SLOW_MS} ms, one connection at a time
  flaky   comes and goes every ${FLAKY_MS / 1000} seconds

${admin ? `See it at http://${admin}/, or: iawlb top ${admin}\n` : ""}
Try, in another terminal:
  curl ${url}
  for i in $(seq 20); do curl -s ${url} & done; wait
  kill -USR1 ${Deno.pid}     # status
  kill ${Deno.pid}           # drain: what was accepted is finished, then it exits

One line per session follows.
`;
}
