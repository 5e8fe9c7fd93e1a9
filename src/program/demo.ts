import { type Config, type ListenerTexts, readListener } from "../config/config.ts";
import { FatalError } from "../base/errors.ts";
import { formatDuration } from "../base/duration.ts";
import type { Logs } from "../logging/logs.ts";
import { print } from "../base/output.ts";
import { runProgram } from "./program.ts";
import type { Signals } from "./signals.ts";
import type { WrittenOptions } from "../config/source.ts";
import { withoutEffect } from "../config/without_effect.ts";

/** Ports that the demo tries to listen on, one after the other. */
const FIRST_PORT = 8080;
const LAST_PORT = 8099;

/** How long the slow destination takes for an answer, in milliseconds. */
const SLOW_MS = 1000;

/** How long the flaky destination is there, and then away, in milliseconds. */
const FLAKY_MS = 5000;

/** What it is in front of: services of the program itself. */
const DESTINATIONS = [
  "service:http,name=fast,workers=1",
  `service:http,delay=${formatDuration(SLOW_MS)},name=slow,workers=1`,
  `service:http,fail=${formatDuration(FLAKY_MS)},name=flaky`,
];

/**
 * Runs the balancer in front of three HTTP services of its own, until it is told to stop.
 *
 * @returns Whether every session could finish.
 * @throws {FatalError} If none of the ports can be listened on.
 */
export async function runDemo(
  around: { logs: Logs; signals: Signals },
  texts: Omit<ListenerTexts, "listen" | "destinations">,
): Promise<boolean> {
  const options = { admin: "127.0.0.1:0", halfClose: "abandon", ...texts.options };
  return await runOnFreePort((port) => {
    return readListener({ ...texts, listen: `${port}`, destinations: DESTINATIONS, options });
  }, around);
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

function introduction(port: number, admin: string | undefined): string {
  const url = `http://localhost:${port}/`;
  return `
iawlb demo: three HTTP services behind ${url}
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
