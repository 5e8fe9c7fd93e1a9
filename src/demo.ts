import { type Config, type ListenerTexts, readListener } from "./config.ts";
import { FatalError } from "./errors.ts";
import type { Logs } from "./log.ts";
import { runProgram } from "./program.ts";
import type { Signals } from "./signals.ts";
import { sleep } from "./timer.ts";

/** Ports that the demo tries to listen on, one after the other. */
const FIRST_PORT = 8080;
const LAST_PORT = 8099;

/** How long the slow destination takes for an answer, in milliseconds. */
const SLOW_MS = 1000;

/** How long the flaky destination is there, and then away, in milliseconds. */
const FLAKY_MS = 5000;

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
  const destinations = [
    openSteady(responder("fast")),
    openSteady(responder("slow", () => sleep(SLOW_MS))),
    openFlaky(responder("flaky")),
  ];
  try {
    const [fast, slow, flaky] = destinations.map(({ port }) => `127.0.0.1:${port}`);
    const options = { admin: "127.0.0.1:0", ...texts.options };
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
    const config = { settings: listener, listeners: [listener] };
    try {
      return await runProgram({
        config,
        load: () => Promise.resolve(config),
        ...around,
        onReady: ({ admin }) => console.log(introduction(port, admin)),
      });
    } catch (error) {
      const taken = error instanceof FatalError && error.cause instanceof Deno.errors.AddrInUse;
      if (!taken || port === LAST_PORT) throw error;
    }
  }
}

/** A function that serves on a port (0 = any), counting its answers over all of its servers. */
function responder(name: string, before: () => void | Promise<void> = () => {}) {
  let answered = 0;
  return (port: number) =>
    Deno.serve({ hostname: "127.0.0.1", port, onListen: () => {} }, async () => {
      await before();
      const headers = { connection: "close" };
      return new Response(`Hello from ${name}, answer ${++answered}\n`, { headers });
    });
}

function openSteady(serve: (port: number) => Deno.HttpServer<Deno.NetAddr>): DemoDestination {
  const server = serve(0);
  return { port: server.addr.port, close: () => server.shutdown() };
}

/** A destination that comes and goes: away means that nothing listens on its port. */
function openFlaky(serve: (port: number) => Deno.HttpServer<Deno.NetAddr>): DemoDestination {
  const ending = new AbortController();
  const { signal } = ending;
  const first = serve(0);
  const { port } = first.addr;

  async function comeAndGo(): Promise<void> {
    let server: Deno.HttpServer | undefined = first;
    while (!signal.aborted) {
      await sleep(FLAKY_MS, { signal });
      if (server) {
        await server.shutdown();
        server = undefined;
      } else if (!signal.aborted) {
        server = serve(port);
      }
    }
    await server?.shutdown();
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
