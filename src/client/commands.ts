import { SESSIONS_LIMIT } from "../config/sessions_limit.ts";
import { FatalError, UsageError } from "../base/errors.ts";
import { plural, quote } from "../base/text.ts";
import type { CtlCommand } from "./command.ts";
import { CONFIG } from "./config_command.ts";
import { DESTINATION_COMMANDS } from "./destination_commands.ts";
import { HEALTH } from "./health_command.ts";
import { HISTORY } from "./history_command.ts";
import { INSPECTION_COMMANDS } from "./inspect/commands.ts";
import { LOGS } from "./log_command.ts";
import { NAMES } from "./name_command.ts";
import { isNothing, isObject, isReloadResult, isSessions } from "./shapes.ts";
import { sessionLines, statusLines } from "./tables.ts";
import { waitUntilGone } from "./wait_for.ts";

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
  ...DESTINATION_COMMANDS,
  end: {
    form: "SESSION ...",
    help: "ends the session with that ID at once",
    operands: ["SESSION"],
    many: true,
    switches: ["json"],
    values: [],
    check: (ids) => ids.forEach(assertSessionId),
    async run({ client, operands: ids, show }) {
      const failures: string[] = [];
      for (const id of ids) {
        try {
          await client.call(`/sessions/${id}`, isNothing, { method: "DELETE" });
          show([`${id}: ended`], undefined);
        } catch (error) {
          if (!(error instanceof FatalError) || ids.length === 1) throw error;
          failures.push(error.message);
        }
      }
      if (failures.length > 0) throw new FatalError(failures.join("\n"));
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
  health: HEALTH,
  history: HISTORY,
  config: CONFIG,
  logs: LOGS,
  names: NAMES,
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
