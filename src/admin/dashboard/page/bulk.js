// @ts-check
/// <reference lib="dom" />
import { ApiError, ask } from "./api.js";
import { consequenceOf, SERVICE } from "./destination_facts.js";
import { attempt, confirm } from "./dialogs.js";
import { plural } from "./format.js";

/** @typedef {import("../../../operations/destination_status.ts").DestinationStatus} DestinationStatus */

/** So many changes are asked for at once. */
const AT_ONCE = 8;

/**
 * Changes several destinations together, after a question.
 *
 * @param {readonly DestinationStatus[]} chosen
 * @param {readonly DestinationStatus[]} all
 * @param {import("./destination_facts.js").AdminState} to
 * @returns {Promise<boolean>} Whether it was done.
 */
export async function changeTogether(chosen, all, to) {
  const { label } = SERVICE[to];
  const what = `${label}: ${plural(chosen.length, "destination")}`;
  const sure = await confirm({
    title: `${what}?`,
    text: consequenceOf(chosen, all, to),
    action: label,
    harmless: to === "ready",
  });
  if (!sure) return false;
  await attempt(what, async () => {
    /** @type {string[]} */
    const failed = [];
    const rest = chosen.filter(({ admin }) => admin !== to);
    const change = async () => {
      for (let one = rest.shift(); one; one = rest.shift()) {
        try {
          await ask(`/destinations/${one.id}`, { method: "PATCH", body: { state: to } });
        } catch (error) {
          if (!(error instanceof ApiError)) throw error;
          failed.push(`${one.name}: ${error.message}`);
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, change));
    if (failed.length > 0) throw new ApiError("not all was done", failed);
    return `${what}: done.`;
  });
  return true;
}
