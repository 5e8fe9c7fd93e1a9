import { FatalError } from "../base/errors.ts";
import type { CtlCommand } from "./command.ts";
import { printable } from "./format.ts";
import { isHealth } from "./shapes.ts";

/** Who asks does it again and again, and wants to know in time: longest time for an answer. */
const PATIENCE_MS = 5000;

/** `iawlb ctl health`: what a container's engine asks, by the exit status. */
export const HEALTH: CtlCommand = {
  form: "",
  help: "whether clients should be sent here: fails while it drains, and while a listener has no " +
    "destination that is up; wants no token",
  operands: [],
  switches: ["json"],
  values: [],
  patience: PATIENCE_MS,
  async run({ client, show }) {
    // With 503 it says why not.
    const health = await client.call("/healthz", isHealth, { also: 503 });
    if (health.status !== "ok") throw new FatalError(`${client.name}: ${printable(health.status)}`);
    show([health.status], health);
  },
};
