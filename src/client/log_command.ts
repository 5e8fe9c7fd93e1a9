import { FatalError } from "../base/errors.ts";
import { after } from "../base/timer.ts";
import type { LogEvent } from "../operations/operations.ts";
import type { AdminClient } from "./admin_client.ts";
import type { CtlCommand } from "./command.ts";
import { isLogEvent, isStatus } from "./shapes.ts";

/** Longest time for what was logged before to come, in milliseconds. */
const PATIENCE_MS = 10_000;

/** `iawlb ctl logs`: what the log has told lately, and with `-f` what it tells from now on. */
export const LOGS: CtlCommand = {
  form: "[-f]",
  help: "the latest lines of the log, at most 200; -f goes on with those that come",
  operands: [],
  switches: ["json", "follow"],
  values: [],
  async run({ client, switches, show }) {
    const follow = switches.has("follow");
    let known = false;
    let draining = false;
    for await (const { type, data } of withinTime(client, follow)) {
      const value = parsed(data);
      if (type === "log" && isLogEvent(value)) show([lineOf(value)], value);
      // What was logged before comes before the first status.
      if (type !== "status" || !isStatus(value)) continue;
      known = true;
      draining = value.state === "draining";
      if (!follow) return;
    }
    if (!known) throw new FatalError(`${client.name} has told nothing`);
    if (!draining) throw new FatalError(`${client.name} has ended the connection`);
  },
};

/** The events, until the first ones have not come in time. */
async function* withinTime(client: AdminClient, follow: boolean) {
  const late = new AbortController();
  const timer = after(PATIENCE_MS, () => late.abort());
  try {
    for await (const event of client.events(late.signal)) {
      if (follow && event.type === "status") timer.stop();
      yield event;
    }
  } finally {
    timer.stop();
  }
}

function lineOf({ time, level, message }: LogEvent): string {
  return `${time} ${level.toUpperCase().padEnd(7)} ${message}`;
}

function parsed(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return undefined;
  }
}
