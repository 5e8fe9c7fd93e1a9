// @ts-check
/// <reference lib="dom" />
import { ApiError, ask, TokenError } from "./api.js";
import { consequenceOf, SERVICE } from "./destination_facts.js";
import { attempt, confirm, DoneInPart } from "./dialogs.js";
import { brief, count, plural } from "./format.js";

/** @typedef {import("../../../operations/destination_status.ts").DestinationStatus} DestinationStatus */
/** @typedef {import("../../../operations/states.ts").AdminState} AdminState */

/** So many changes are asked for at once. */
const AT_ONCE = 8;
/** So many are named in a question, and so many mistakes are told one by one. */
const NAMED_TOGETHER = 4;
const MISTAKES = 8;

/**
 * Changes several destinations together, after a question. Whoever is not there any more when it is
 * answered, or cannot be changed, is told; the others are changed all the same.
 *
 * @param {readonly DestinationStatus[]} chosen
 * @param {() => readonly DestinationStatus[]} all Those that are there now.
 * @param {AdminState} to
 * @param {(busy: boolean) => void} onBusy
 * @returns {Promise<string[] | undefined>} Those that were not changed; nothing if nothing was to be.
 */
export async function changeTogether(chosen, all, to, onBusy) {
  const { label } = SERVICE[to];
  const many = plural(chosen.length, "destination");
  const sure = await confirm({
    title: `${label}: ${many}?`,
    text: `${namesTogether(chosen)}. ${consequenceOf(chosen, all(), to)}`,
    action: label,
    harmless: to === "ready",
  });
  if (!sure) return undefined;
  const left = new Set(chosen.map(({ id }) => id));
  onBusy(true);
  await attempt(`${label}: ${many}`, async () => {
    /** @type {string[]} */
    const mistakes = [];
    /** @type {unknown} */
    let stopped;
    const states = new Map(all().map(({ id, admin }) => [id, admin]));
    const rest = [...chosen];
    const change = async () => {
      for (let one = rest.shift(); one; one = rest.shift()) {
        try {
          if (states.get(one.id) !== to) {
            await ask(`/destinations/${one.id}`, { method: "PATCH", body: { state: to } });
          }
          left.delete(one.id);
        } catch (error) {
          if (error instanceof ApiError) mistakes.push(`${brief(one.name)}: ${error.message}`);
          else {
            stopped ??= error;
            rest.length = 0;
          }
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, change));
    const done = chosen.length - left.size;
    if (left.size === 0) return `${label}: ${many}: done.`;
    if (stopped && done === 0) throw stopped;
    throw new DoneInPart(`${label}: done for ${count(done)} of ${many}`, [
      ...mistakes.slice(0, MISTAKES),
      ...(mistakes.length > MISTAKES ? [`and ${count(mistakes.length - MISTAKES)} more`] : []),
      ...(stopped ? [stopped instanceof TokenError ? stopped.message : SILENT] : []),
    ]);
  });
  onBusy(false);
  return [...left];
}

const SILENT = "then the program did not answer any more";

/** @param {readonly DestinationStatus[]} all */
function namesTogether(all) {
  const named = all.slice(0, NAMED_TOGETHER).map(({ name }) => brief(name, 40));
  const more = all.length - named.length;
  return named.join(", ") + (more > 0 ? ` and ${count(more)} more` : "");
}
