import { FatalError, UsageError } from "../base/errors.ts";
import type { Status } from "../operations/operations.ts";
import { AdminClient } from "./admin_client.ts";
import { quote } from "../base/text.ts";
import { ADDRESS_HELP, readAdminAddress } from "./default_address.ts";
import { readArguments, readTokenFile } from "./arguments.ts";
import { paint } from "./drawing.ts";
import { jsonLine } from "./format.ts";
import type { ClientLimits } from "./limits.ts";
import { showLive } from "./live.ts";
import { drawFrame } from "./view.ts";

/** Where nothing tells how wide the output is. */
const DEFAULT_COLUMNS = 80;

/** Rates of a shorter time would say little: the first two statuses may be close together. */
const LEAST_SPAN_MS = 500;

/** Statuses that may come before so much time has passed; two are enough. */
const MOST_LOOKS = 100;

/**
 * `iawlb top`: what a running iawlb is doing, again each second.
 *
 * @param print Gets the lines for standard output.
 * @param options.limits For tests.
 * @throws {UsageError} If the arguments are not allowed, or standard output is no terminal and
 * neither `--once` nor `--json` is given.
 * @throws {FatalError} If the program cannot be reached, or ends otherwise than by a drain.
 */
export async function top(
  args: readonly string[],
  print: (line: string) => void,
  options: { limits?: Partial<ClientLimits> } = {},
): Promise<void> {
  const { operands: [addressText, ...more], switches, values } = readArguments(args, {
    switches: ["once", "json"],
    values: ["token-file"],
  });
  if (switches.has("help") || addressText === "help") return print(HELP);
  const address = readAdminAddress(addressText, "iawlb top 9090");
  if (more.length > 0) throw new UsageError(`${quote(more[0]!)}: top takes one address only`);
  const [once, json] = [switches.has("once"), switches.has("json")];
  if (!once && !json && !Deno.stdout.isTerminal()) {
    throw new UsageError("standard output is not a terminal: give --once or --json");
  }
  const token = readTokenFile(values.get("token-file"));
  using client = new AdminClient(address, { ...options, token });
  if (json && once) print(jsonLine(await client.status()));
  else if (json) await printStatuses(client, print);
  else if (once) await printTable(client, print);
  else await showLive(client);
}

async function printStatuses(
  client: AdminClient,
  print: (line: string) => void,
): Promise<void> {
  let last: Status | undefined;
  for await (const status of client.statuses()) {
    last = status;
    print(jsonLine(status));
  }
  if (last?.state !== "draining") throw new FatalError(`${client.name} has ended the connection`);
}

/** One table, after the second that it takes to measure rates. */
async function printTable(client: AdminClient, print: (line: string) => void): Promise<void> {
  let before: Status | undefined;
  let now: Status | undefined;
  let looks = 0;
  for await (now of client.statuses()) {
    before ??= now;
    if (++looks > MOST_LOOKS) {
      throw new FatalError(`${client.name} tells a time that does not pass`);
    }
    if (now.pid !== before.pid || now.uptime_ms - before.uptime_ms >= LEAST_SPAN_MS) break;
  }
  if (now === undefined) throw new FatalError(`${client.name} ended the connection at once`);
  const columns = Deno.stdout.isTerminal() ? Deno.consoleSize().columns : DEFAULT_COLUMNS;
  const { lines } = drawFrame(now, before, {
    columns,
    rows: Infinity,
    offset: 0,
    sort: "configured",
    paused: false,
  });
  for (const line of lines) print(paint(line, { colors: false }).trimEnd());
}

const HELP = `iawlb top: what a running iawlb is doing, in the terminal

Usage: iawlb top [ADDR] [--once] [--json] [--token-file FILE]

${ADDRESS_HELP}

Options:
  --once              prints one table, after a second of measuring, and exits
  --json              prints the status as a line of JSON each second; with
                      --once a single time, at once
  --token-file FILE   the file with the token, if one is wanted

Keys: the arrow and page keys choose a destination; d drains it, r makes it ready
again, m is maintenance, each after y. Tab shows the sessions, where x ends the
one that is chosen. s changes the order, space pauses, q quits. Rates and
latencies are those of the last five seconds. When the connection is lost, the
last picture stays until the program is there again.

Exit status: 0 done; 1 failed, or the connection was lost; 2 bad usage.`;
