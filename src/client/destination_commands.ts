import { FatalError, messageOf } from "../base/errors.ts";
import { plural } from "../base/text.ts";
import { isDestinationOption, isMark } from "../config/options/destination.ts";
import type { DestinationStatus } from "../operations/destination_status.ts";
import type { DestinationChange } from "../operations/operations.ts";
import type { AdminState } from "../operations/states.ts";
import type { AdminClient } from "./admin_client.ts";
import type { Context, CtlCommand } from "./command.ts";
import { readNew, readValues } from "./destination_arguments.ts";
import { plain } from "./format.ts";
import { isDestination, isObject } from "./shapes.ts";
import { type Target, titleOf } from "./target.ts";
import { findDestinations } from "./target_lists.ts";
import { waitUntilForgotten, waitUntilIdle } from "./wait_for.ts";

/** The commands of `iawlb ctl` that change destinations. */
export const DESTINATION_COMMANDS: Readonly<Record<string, CtlCommand>> = {
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
    form: "DEST ... [--wait]",
    help: "DEST finishes its sessions and is forgotten",
    operands: ["DEST"],
    many: true,
    switches: ["json", "wait"],
    values: [],
    async run({ client, operands, switches, show }) {
      const wanted = findDestinations(await client.status(), operands);
      await each(wanted, async (one) => {
        const answer = await client.call(pathOf(one), isObject, { method: "DELETE" });
        show([`${titleOf(one)}: removed, finishes ${plural(one.active, "session")}`], answer);
      });
      if (!switches.has("wait")) return;
      for (const one of wanted) {
        await waitUntilForgotten(client, one);
        show([`${titleOf(one)}: gone`], undefined);
      }
    },
  },
  set: {
    form: "DEST ... OPTION [OPTION ...]",
    help: "changes options of DEST, such as how many sessions it serves at once",
    operands: ["DEST", "OPTION"],
    many: true,
    switches: ["json"],
    values: [],
    check: (operands) => void readValues(apart(operands).options),
    async run({ client, operands, show }) {
      const { destinations, options } = apart(operands);
      const values = readValues(options);
      await each(findDestinations(await client.status(), destinations), async (one) => {
        const changed = await patch(client, one, values);
        show([`${titleOf(changed)}: ${optionsOf(changed)}`], changed);
      });
    },
  },
};

function change(state: AdminState, help: string): CtlCommand {
  const waits = state !== "ready";
  return {
    form: waits ? "DEST ... [--wait]" : "DEST ...",
    help,
    operands: ["DEST"],
    many: true,
    switches: waits ? ["json", "wait"] : ["json"],
    values: [],
    run: (context) => changeStates(context, state),
  };
}

async function changeStates(
  { client, operands, switches, show }: Context,
  state: AdminState,
): Promise<void> {
  const changed: DestinationStatus[] = [];
  await each(findDestinations(await client.status(), operands), async (one) => {
    const now = await patch(client, one, { state });
    show([`${titleOf(now)}: ${now.state}, ${now.active} active`], now);
    changed.push(now);
  });
  if (!switches.has("wait")) return;
  for (const one of changed) {
    await waitUntilIdle(client, one);
    show([`${titleOf(one)}: ${one.state}, has finished its sessions`], undefined);
  }
}

/**
 * Does something with every destination, whatever becomes of the others.
 *
 * @throws {FatalError} In the end, with a line for each that has failed.
 */
async function each(
  targets: readonly Target[],
  run: (target: Target) => Promise<void>,
): Promise<void> {
  const failures: string[] = [];
  for (const target of targets) {
    try {
      await run(target);
    } catch (error) {
      if (!(error instanceof FatalError) || targets.length === 1) throw error;
      failures.push(`${titleOf(target)}: ${messageOf(error)}`);
    }
  }
  if (failures.length > 0) throw new FatalError(failures.join("\n"));
}

/** The operands of `set`: options begin with the first word that looks like one, never the first. */
function apart(
  operands: readonly string[],
): { destinations: readonly string[]; options: readonly string[] } {
  const isOption = (text: string, i: number) =>
    i > 0 && (text.includes("=") || (isDestinationOption(text) && isMark(text)));
  const first = operands.findIndex(isOption);
  // Then what is wrong with the last one is said.
  const end = first === -1 ? operands.length - 1 : first;
  return { destinations: operands.slice(0, end), options: operands.slice(end) };
}

function optionsOf(
  { limit, limit_reason, weight, agent, backup, tier }: DestinationStatus,
): string {
  const found = limit_reason === "configured" ? "" : ` (auto: ${limit_reason})`;
  const said = agent ? `, its agent says ${plain(agent)}` : "";
  const mark = backup ? ` backup=${tier}` : "";
  return `workers=${limit}${found} weight=${weight}${mark}${said}`;
}

async function patch(
  client: AdminClient,
  wanted: Pick<Target, "id">,
  body: DestinationChange,
): Promise<DestinationStatus> {
  return await client.call(pathOf(wanted), isDestination, { method: "PATCH", body });
}

function pathOf({ id }: Pick<Target, "id">): string {
  return `/destinations/${encodeURIComponent(id)}`;
}
