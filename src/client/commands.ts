import { SESSIONS_LIMIT } from "../config/sessions_limit.ts";
import { UsageError } from "../base/errors.ts";
import type { DestinationChange } from "../operations/operations.ts";
import type { AdminState } from "../operations/states.ts";
import type { DestinationStatus } from "../operations/destination_status.ts";
import type { AdminClient } from "./admin_client.ts";
import { plain } from "./format.ts";
import { plural, quote } from "../base/text.ts";
import { readNew, readValues } from "./destination_arguments.ts";
import { isDestination, isNothing, isObject, isReloadResult, isSessions } from "./shapes.ts";
import { INSPECTION_COMMANDS } from "./inspect/commands.ts";
import { sessionLines, statusLines } from "./tables.ts";
import { findDestination, titleOf } from "./target.ts";
import { waitUntilForgotten, waitUntilGone, waitUntilIdle } from "./wait_for.ts";

/** What a command works with. */
export interface Context {
  readonly client: AdminClient;
  /** Operands after the command: as many as its `operands` ask for. */
  readonly operands: readonly string[];
  readonly switches: ReadonlySet<string>;
  readonly values: ReadonlyMap<string, string>;
  /** Shows lines to the operator, whatever is in them; `raw` instead if the answer itself is wanted. */
  show(lines: readonly string[], raw: unknown): void;
}

/** One command of `iawlb ctl`. */
export interface CtlCommand {
  /** What follows the command's name, for the help. */
  readonly form: string;
  readonly help: string;
  /** Names of the operands that it must have; the last one more than once if `many`. */
  readonly operands: readonly string[];
  readonly many?: boolean;
  /** Its own flags, with or without a value. */
  readonly switches: readonly string[];
  readonly values: readonly string[];
  /** Reads the operands, before anything is connected. @throws {UsageError} */
  check?(operands: readonly string[], values: ReadonlyMap<string, string>): void;
  run(context: Context): Promise<void>;
}

/** The commands by name, in the order of the help. */
export const COMMANDS: Readonly<Record<string, CtlCommand>> = {
  status: {
    form: "",
    help: "what it is doing: listeners, destinations, counters",
    operands: [],
    switches: ["json"],
    values: [],
    async run({ client, show }) {
      const status = await client.status();
      show(statusLines(status), status);
    },
  },
  sessions: {
    form: "[--limit N]",
    help: "the oldest live sessions, 100 unless --limit says otherwise",
    operands: [],
    switches: ["json"],
    values: ["limit"],
    check: (_, values) => void readLimit(values),
    async run({ client, values, show }) {
      const answer = await client.call(`/sessions?limit=${readLimit(values)}`, isSessions);
      show(sessionLines(answer), answer);
    },
  },
  drain: change("drain", "DEST finishes its sessions and takes no new ones"),
  maint: change("maint", "the same, and its health is not checked either"),
  ready: change("ready", "DEST takes sessions again"),
  add: {
    form: "ADDRESS[,OPTION ...] [--listener NAME]",
    help: "a new destination, as on the command line",
    operands: ["ADDRESS"],
    switches: ["json"],
    values: ["listener"],
    check: ([text]) => void readNew(text!),
    async run({ client, operands, values, show }) {
      const listener = values.get("listener");
      const body = { ...readNew(operands[0]!), ...(listener !== undefined && { listener }) };
      const added = await client.call("/destinations", isDestination, { method: "POST", body });
      show([`${titleOf(added)}: added, ${added.state}, limit ${added.limit}`], added);
    },
  },
  remove: {
    form: "DEST [--wait]",
    help: "DEST finishes its sessions and is forgotten",
    operands: ["DEST"],
    switches: ["json", "wait"],
    values: [],
    async run({ client, operands, switches, show }) {
      const wanted = findDestination(await client.status(), operands[0]!);
      const answer = await client.call(pathOf(wanted), isObject, { method: "DELETE" });
      show([`${titleOf(wanted)}: removed, finishes ${plural(wanted.active, "session")}`], answer);
      if (!switches.has("wait")) return;
      await waitUntilForgotten(client, wanted);
      show([`${titleOf(wanted)}: gone`], undefined);
    },
  },
  set: {
    form: "DEST OPTION [OPTION ...]",
    help: "changes options of DEST, such as how many sessions it serves at once",
    operands: ["DEST", "OPTION"],
    many: true,
    switches: ["json"],
    values: [],
    check: ([, ...texts]) => void readValues(texts),
    async run({ client, operands: [text, ...texts], show }) {
      const changed = await patch(client, text!, readValues(texts));
      const { limit, limit_reason, weight, agent } = changed;
      const found = limit_reason === "configured" ? "" : ` (auto: ${limit_reason})`;
      const said = agent ? `, its agent says ${plain(agent)}` : "";
      const backup = changed.backup ? ` backup=${changed.tier}` : "";
      show(
        [`${titleOf(changed)}: workers=${limit}${found} weight=${weight}${backup}${said}`],
        changed,
      );
    },
  },
  end: {
    form: "SESSION",
    help: "ends the session with that ID at once",
    operands: ["SESSION"],
    switches: ["json"],
    values: [],
    check: ([id]) => assertSessionId(id!),
    async run({ client, operands: [id], show }) {
      await client.call(`/sessions/${id}`, isNothing, { method: "DELETE" });
      show([`${id}: ended`], undefined);
    },
  },
  ...INSPECTION_COMMANDS,
  reload: {
    form: "",
    help: "reads the configuration again and applies what is different",
    operands: [],
    switches: ["json"],
    values: [],
    async run({ client, show }) {
      const result = await client.call("/reload", isReloadResult, { method: "POST" });
      const lines = [...result.changes];
      if (lines.length === 0) lines.push("nothing is different");
      const restart = result.needs_restart.join(", ");
      if (restart) lines.push(`only after a restart: ${restart}`);
      show(lines, result);
    },
  },
  shutdown: {
    form: "[--wait]",
    help: "finishes all sessions, then ends the program",
    operands: [],
    switches: ["json", "wait"],
    values: [],
    async run({ client, switches, show }) {
      const { pid, listeners } = await client.status();
      const answer = await client.call("/drain", isObject, { method: "POST" });
      const number = listeners.reduce((sum, { greeting, waiting, active }) => {
        // One of an older version greets nobody.
        return sum + (greeting ?? 0) + waiting + active;
      }, 0);
      show([`draining, finishes ${plural(number, "session")}`], answer);
      if (!switches.has("wait")) return;
      await waitUntilGone(client, pid);
      show(["gone"], undefined);
    },
  },
  metrics: {
    form: "",
    help: "the numbers as Prometheus reads them",
    operands: [],
    switches: [],
    values: [],
    async run({ client, show }) {
      show((await client.metrics()).trimEnd().split("\n"), undefined);
    },
  },
};

function change(state: AdminState, help: string): CtlCommand {
  const waits = state !== "ready";
  return {
    form: waits ? "DEST [--wait]" : "DEST",
    help,
    operands: ["DEST"],
    switches: waits ? ["json", "wait"] : ["json"],
    values: [],
    async run({ client, operands, switches, show }) {
      const changed = await patch(client, operands[0]!, { state });
      show([`${titleOf(changed)}: ${changed.state}, ${changed.active} active`], changed);
      if (!switches.has("wait")) return;
      await waitUntilIdle(client, changed);
      show([`${titleOf(changed)}: ${changed.state}, has finished its sessions`], undefined);
    },
  };
}

async function patch(
  client: AdminClient,
  text: string,
  body: DestinationChange,
): Promise<DestinationStatus> {
  const wanted = findDestination(await client.status(), text);
  return await client.call(pathOf(wanted), isDestination, { method: "PATCH", body });
}

function pathOf({ id }: Pick<DestinationStatus, "id">): string {
  return `/destinations/${encodeURIComponent(id)}`;
}

function assertSessionId(text: string): void {
  if (/^\d+\.\d+$/.test(text)) return;
  throw new UsageError(`SESSION ${quote(text)}: must be an ID as sessions shows it, such as 1.7`);
}

function readLimit(values: ReadonlyMap<string, string>): number {
  const text = values.get("limit");
  if (text === undefined) return SESSIONS_LIMIT.default;
  const limit = SESSIONS_LIMIT.parse(text);
  if (limit !== undefined) return limit;
  throw new UsageError(`--limit ${quote(text)}: must be ${SESSIONS_LIMIT.allowed}`);
}
