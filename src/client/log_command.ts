import { complain } from "../base/output.ts";
import type { CtlCommand } from "./command.ts";
import { logEvents, moreLogEvents } from "./log_events.ts";

/** `iawlb ctl logs`: what the log has told lately, and with `-f` what it tells from now on. */
export const LOGS: CtlCommand = {
  form: "[-f]",
  help: "the latest lines of the log, at most 200; -f goes on with those that come, also of the " +
    "next program there",
  operands: [],
  switches: ["json", "follow"],
  values: [],
  async run({ client, switches, show }) {
    const events = switches.has("follow")
      ? moreLogEvents(client, (why) => complain(`iawlb: ${why}; looking for it again`))
      : logEvents(client);
    for await (const event of events) {
      const { time, level, message } = event;
      show([`${time} ${level.toUpperCase().padEnd(7)} ${message}`], event);
    }
  },
};
