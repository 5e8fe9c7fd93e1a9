// @ts-check
/// <reference lib="dom" />
import { ask } from "./api.js";
import { attempt, confirm } from "./dialogs.js";
import { byId } from "./dom.js";

/** Lets what concerns the whole program be asked for. */
export function prepareActions() {
  byId("reload").addEventListener("click", reload);
  byId("drain").addEventListener("click", drain);
}

async function reload() {
  const sure = await confirm({
    title: "Reload the configuration?",
    text: "What is different is applied. No session is cut, and none that waits loses its place.",
    action: "Reload",
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

async function drain() {
  if (byId("drain").getAttribute("aria-disabled") === "true") return;
  const sure = await confirm({
    title: "Drain the program?",
    text: "It takes no new sessions, finishes those it has, and ends. This cannot be taken back.",
    action: "Drain and end",
  });
  if (!sure) return;
  await attempt("Drain", async () => {
    await ask("/drain", { method: "POST" });
    return "The program drains.";
  });
}
