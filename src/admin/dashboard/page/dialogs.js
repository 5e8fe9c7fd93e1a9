// @ts-check
/// <reference lib="dom" />
import { ApiError, hasToken, keepToken, TokenError } from "./api.js";
import { byId, h, setText } from "./dom.js";
import { mayAct } from "./rights.js";

/** How long the page shows that something was done. What failed stays until it is closed. */
const SAID_MS = 10_000;

/** Something was done in part: a headline that says so, and what was not. */
export class DoneInPart extends Error {
  /** @override */
  name = "DoneInPart";
  lines;

  /**
   * @param {string} headline
   * @param {string[]} lines
   */
  constructor(headline, lines) {
    super(headline);
    this.lines = lines;
  }
}

/**
 * Does something and says how it went.
 *
 * @param {string} what What was tried, for the case that it fails.
 * @param {() => Promise<string | string[]>} operation Returns what was done; a headline and lines, if several.
 */
export async function attempt(what, operation) {
  if (!mayAct()) return say([`${what}: not done, the program is not heard`], "bad");
  try {
    const done = await operation();
    say(Array.isArray(done) ? done : [done], "good");
  } catch (error) {
    if (error instanceof DoneInPart) say([error.message, ...error.lines], "bad");
    else if (error instanceof TokenError) {
      say([`${what}: ${error.message}; reload the page`], "bad");
    } else if (error instanceof ApiError) {
      if (error.lines.length > 0) say([`${what}: not done`, ...error.lines], "bad");
      else say([`${what}: ${error.message}`], "bad");
    } else say([`${what}: the program did not answer`], "bad");
  }
}

/**
 * @param {string[]} lines A headline, then details.
 * @param {"good" | "bad"} tone
 */
function say([headline = "", ...lines], tone) {
  const text = byId("said-text");
  text.replaceChildren(h("strong", {}, headline));
  if (lines.length > 0) text.append(h("ul", {}, ...lines.map((line) => h("li", {}, line))));
  const said = byId("said");
  said.dataset.tone = tone;
  said.dataset.shown = "yes";
  clearTimeout(Number(said.dataset.timer));
  if (tone === "good") said.dataset.timer = String(setTimeout(unsay, SAID_MS));
}

/** Lets the close button of what is said work. */
export function prepareSaid() {
  byId("said-close").addEventListener("click", unsay);
}

function unsay() {
  delete byId("said").dataset.shown;
}

/**
 * Asks whether something is really to be done.
 *
 * @param {object} question
 * @param {string} question.title
 * @param {string} question.text What will be.
 * @param {string} question.action
 * @param {boolean} [question.harmless]
 * @returns {Promise<boolean>}
 */
export function confirm({ title, text, action, harmless = false }) {
  const no = h("button", { type: "button", autofocus: true }, "Cancel");
  const yes = h("button", { type: "button", class: harmless ? "" : "danger" }, action);
  const dialog = h(
    "dialog",
    { "aria-labelledby": "question", "aria-describedby": "consequence" },
    h("h2", { id: "question" }, title),
    h("p", { id: "consequence" }, text),
    h("div", { class: "buttons" }, no, yes),
  );
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    no.addEventListener("click", () => dialog.close());
    yes.addEventListener("click", () => dialog.close("yes"));
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
  });
}

/**
 * Asks for the token in place of everything else.
 *
 * @returns {Promise<void>} Resolves as soon as one was given.
 */
export function askForToken() {
  const form = byId("token");
  const input = /** @type {HTMLInputElement} */ (byId("token-input"));
  setText(byId("token-error"), hasToken() ? "This token was not accepted." : "");
  byId("main").hidden = true;
  byId("sign-in").hidden = false;
  input.value = "";
  input.focus();
  return new Promise((resolve) => {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      keepToken(input.value.trim());
      byId("sign-in").hidden = true;
      byId("main").hidden = false;
      resolve();
    }, { once: true });
  });
}
