import { type Config, type ListenerTexts, readListener } from "../config/config.ts";
import { calledAs } from "../base/called_as.ts";
import { FatalError } from "../base/errors.ts";
import type { Logs } from "../logging/logs.ts";
import { print } from "../base/output.ts";
import { freePort } from "../net/free_port.ts";
import { enterKey } from "./demo/enter_key.ts";
import { FlakyServer } from "./demo/flaky_server.ts";
import { playRhythm } from "./demo/rhythm.ts";
import { Traffic } from "./demo/traffic.ts";
import { type Ready, runProgram } from "./program.ts";
import type { Signals } from "./signals.ts";
import type { WrittenOptions } from "../config/source.ts";
import { withoutEffect } from "../config/without_effect.ts";

/** The first port for clients that the demo tries, and for its page, and how many of each. */
const CLIENTS_PORT = 8080;
const PAGE_PORT = 9090;
const PORTS = 20;

/** Options that the demo has unless others are given. */
export const DEMO_OPTIONS: ListenerTexts["options"] = {
  halfClose: "abandon",
  // A line for each session would hide the steps.
  accessLog: "off",
};

/** Services of the program itself, which it is in front of, besides a server that breaks. */
const SERVICES = [
  "service:http,delay=60ms,jitter=60ms,name=fast,workers=3",
  "service:http,delay=600ms,jitter=400ms,name=slow,workers=2",
];

/** Options of {@linkcode runDemo}. */
export interface DemoOptions {
  logs: Logs;
  signals: Signals;
  /** Whether it stops at each step until Enter is pressed. */
  tour: boolean;
}

/**
 * Runs the balancer in front of three HTTP servers of its own, with clients of its own, until it is
 * told to stop.
 *
 * @returns Whether every session could finish.
 * @throws {FatalError} If none of the ports can be listened on.
 */
export async function runDemo(
  around: DemoOptions,
  texts: Omit<ListenerTexts, "listen" | "destinations">,
): Promise<boolean> {
  await using flaky = await FlakyServer.start(around.logs.log);
  const destinations = [...SERVICES, `${flaky.address},name=flaky,workers=3`];
  for (let port = CLIENTS_PORT;; port++) {
    // By then another program may have taken it.
    const admin = `127.0.0.1:${freePort(PAGE_PORT, PORTS)}`;
    const options = { admin, ...DEMO_OPTIONS, ...texts.options };
    const listener = readListener({ ...texts, listen: `${port}`, destinations, options });
    const config = { settings: listener, listeners: [listener], warnings: warningsOf(listener) };
    try {
      return await runProgram({
        config,
        load: () => Promise.resolve(config),
        ...around,
        async onReady(ready) {
          // What the log says of the start stands above it.
          await around.logs.flush();
          print(introduction(port, ready));
          play(port, { ready, flaky, tour: around.tour });
        },
      });
    } catch (error) {
      const taken = error instanceof FatalError && error.cause instanceof Deno.errors.AddrInUse;
      if (!taken || port === CLIENTS_PORT + PORTS - 1) throw error;
    }
  }
}

/** Lets clients come, step by step, until the drain begins. */
function play(
  port: number,
  { ready: { draining }, flaky, tour }: { ready: Ready; flaky: FlakyServer; tour: boolean },
): void {
  const traffic = new Traffic(port, draining);
  const pressed = enterKey();
  void playRhythm({
    traffic,
    flaky,
    tell,
    onward: tour ? () => pressed(draining) : undefined,
    signal: draining,
  });
}

/** The demo goes on where nobody reads what it says. */
function tell(line: string): void {
  try {
    print(line);
  } catch (error) {
    if (!(error instanceof FatalError)) throw error;
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

function introduction(port: number, { admin }: Ready): string {
  const url = `http://localhost:${port}/`;
  const [, pagePort] = /^127\.0\.0\.1:(\d+)$/.exec(admin ?? "") ?? [];
  const page = pagePort === undefined ? admin : `http://localhost:${pagePort}/`;
  return `
iawlb demo: three servers behind one queue, and clients that come by themselves

  page      ${page ?? "none, with --admin off"}
  terminal  ${admin === undefined ? "none either" : `${calledAs()} top ${pagePort ?? admin}`}
  be one    curl ${url}

  fast      answers within 0.12 s, 3 clients at a time
  slow      answers within 1 s, 2 at a time
  flaky     answers within 0.3 s, 3 at a time, and breaks now and then

Ctrl-C drains: who is here is still served. A second one ends at once.
`;
}
