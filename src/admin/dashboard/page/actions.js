// @ts-check
/// <reference lib="dom" />
import { ask } from "./api.js";
import { readConfig } from "./config_source.js";
import { attempt, confirm } from "./dialogs.js";
import { byId } from "./dom.js";
import { count, plural } from "./format.js";
import { toggleMenu } from "./menu.js";
import { allow, isAllowed } from "./rights.js";
import { sum } from "./verdict.js";

/** @typedef {import("../../../operations/operations.ts").Status} Status */

/** What can be done with the whole program: a menu in the head. */
export class ProgramMenu {
  #button = byId("program");
  /** @type {Status | undefined} */
  #status;
  /** How long sessions have until they are cut, at each listener. @type {readonly string[]} */
  #limits = [];

  constructor() {
    readConfig(this.#button, (config) => {
      const limits = config?.listeners.map(({ options }) => options["drain-timeout"]?.value ?? "");
      this.#limits = [...new Set(limits)].filter(Boolean);
    });
    this.#button.addEventListener("click", () => this.#open());
  }

  /** @param {Status} status */
  update(status) {
    this.#status = status;
    allow(this.#button, true);
  }

  #open() {
    const status = this.#status;
    if (!status || !isAllowed(this.#button)) return;
    toggleMenu(this.#button, {
      label: "Program",
      items: [
        {
          label: "Reload configuration…",
          detail: "applies what is different in its file; no session is cut",
          act: reload,
        },
        ...(status.state === "draining" ? [] : [/** @type {const} */ ("line"), {
          label: "Drain and end…",
          detail: "finishes all sessions, takes no new ones, and ends the program",
          danger: true,
          act: () => drain(this.#status ?? status, this.#limits),
        }]),
      ],
    });
  }
}

async function reload() {
  const sure = await confirm({
    title: "Reload the configuration?",
    text: "What is different is applied. No session is cut, and none that waits loses its place.",
    action: "Reload",
    harmless: true,
  });
  if (!sure) return;
  await attempt("Reload", async () => {
    const response = await ask("/reload", { method: "POST" });
    /** @type {import("../../../operations/operations.ts").ReloadResult} */
    const { changes, needs_restart } = await response.json();
    const restart = needs_restart.map((key) => `${key} counts only after a restart`);
    if (changes.length + restart.length === 0) return "Reloaded: nothing was different.";
    return ["Reloaded", ...changes, ...restart];
  });
}

/**
 * @param {Status} status
 * @param {readonly string[]} limits
 */
async function drain(status, limits) {
  const sure = await confirm({
    title: "Drain and end the program?",
    text: whatDrainDoes(status, limits),
    action: "Drain and end",
  });
  if (!sure) return;
  await attempt("Drain", async () => {
    await ask("/drain", { method: "POST" });
    return "The program drains.";
  });
}

/**
 * What a drain of the program will do, and whom it concerns.
 *
 * @param {Status} status
 * @param {readonly string[]} [limits] After how long what has not finished is cut.
 */
export function whatDrainDoes({ listeners }, limits = []) {
  const served = sum(listeners, ({ active }) => active);
  const waiting = sum(listeners, ({ waiting, greeting }) => waiting + greeting);
  const where = listeners.length > 1 ? `at ${plural(listeners.length, "listener")} ` : "";
  const finish = served + waiting === 0
    ? "There is no live session, so it ends at once."
    : `It finishes ${plural(served + waiting, "live session")} (${count(served)} being served, ` +
      `${count(waiting)} waiting), and then it ends.${cutOf(limits)}`;
  return `From now on ${where}new clients are refused. ${finish} This cannot be taken back: ` +
    "whoever is to start it again has to be able to reach this machine.";
}

/** @param {readonly string[]} limits */
function cutOf(limits) {
  if (limits.length === 0) return "";
  const timed = limits.filter((limit) => limit !== "none");
  if (timed.length === 0) return " It waits for them however long they take.";
  return ` What has not finished after ${timed.join(" or ")} is cut.`;
}
