// @ts-check
/// <reference lib="dom" />
import { gistOf, groupsOf, ownOptions } from "./config_facts.js";
import { readConfig, refreshConfig } from "./config_source.js";
import { agedFor } from "./destination_facts.js";
import { byId, h, setText } from "./dom.js";
import { brief, count, plural } from "./format.js";

/** @typedef {import("../../../operations/config_in_force.ts").ConfigInForce} ConfigInForce */
/** @typedef {import("../../../operations/listener_status.ts").ListenerStatus} ListenerStatus */
/** @typedef {import("./config_facts.js").Setting} Setting */

/** So many names of a certificate are told. */
const CERTIFICATE_NAMES = 4;

/** What a listener runs by: a line, and all of it behind that. */
export class ConfigView {
  #gist = h("span", { class: "gist muted" });
  #groups = h("div", { class: "groups" });
  #names = h("div", { class: "names" });
  #id;
  root = h(
    "details",
    { class: "in-force", toggle: () => this.root.open && refreshConfig() },
    h("summary", {}, h("span", { class: "what" }, "In force"), this.#gist),
    this.#groups,
    this.#names,
  );
  #shown = "";

  /** @param {ListenerStatus} listener */
  constructor({ id }) {
    this.#id = id;
    readConfig(this.root, (config) => this.#show(config));
  }

  /**
   * Certificates and names are told with the status.
   *
   * @param {ListenerStatus} listener
   */
  update({ certificates, names }) {
    const lines = [
      ...certificates.map(({ names, path, expires_in_s }) => ({
        name: namesOf(names) || path,
        text: `certificate in ${path}, ${
          expires_in_s < 0 ? "ended" : `ends in ${agedFor(expires_in_s * 1000)}`
        }`,
      })),
      ...names.map(({ name, address, records, age_ms, last_error }) => ({
        name,
        text: `${address}: ${plural(records, "record")}, ` +
          (age_ms === null ? "not answered yet" : "answered") +
          (last_error === "" ? "" : `; the latest look-up failed: ${last_error}`),
      })),
    ];
    const shown = JSON.stringify(lines);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#names.replaceChildren(
      ...(lines.length > 0 ? [listOf("Certificates and names", lines)] : []),
    );
  }

  /** @param {ConfigInForce | undefined} config */
  #show(config) {
    const listener = config?.listeners.find(({ id }) => id === this.#id);
    this.root.hidden = !listener;
    if (!listener) return;
    setText(this.#gist, gistOf(listener.options));
    const own = ownOptions(listener);
    this.#groups.replaceChildren(
      ...groupsOf(listener.options).map(groupOf),
      ...(own.length > 0 ? [listOf("Of destinations alone", own)] : []),
    );
  }
}

/** What the program as a whole runs by. */
export class ProgramConfigView {
  #details = byId("settings");
  #list = byId("settings-list");
  #file = byId("settings-file");

  constructor() {
    readConfig(this.#details, (config) => this.#show(config));
  }

  /** @param {ConfigInForce | undefined} config */
  #show(config) {
    this.#details.hidden = !config;
    if (!config) return;
    setText(
      this.#file,
      config.file === null ? "Without a configuration file." : `From ${config.file}.`,
    );
    const settings = Object.entries(config.settings).map(([key, entry]) => ({ key, ...entry }));
    this.#list.replaceChildren(groupOf({ title: "The program", settings }));
  }
}

/**
 * Some names of a certificate, which may have hundreds.
 *
 * @param {readonly string[]} names
 */
function namesOf(names) {
  const more = names.length - CERTIFICATE_NAMES;
  const told = names.slice(0, CERTIFICATE_NAMES).map((name) => brief(name));
  return told.join(", ") + (more > 0 ? ` and ${count(more)} more` : "");
}

/** @param {{ title: string, settings: Setting[] }} group */
function groupOf({ title, settings }) {
  return h(
    "section",
    {},
    h("h4", {}, title),
    h(
      "dl",
      {},
      ...settings.map(({ key, value, given }) =>
        h(
          "div",
          { class: given ? "given" : "" },
          h("dt", {}, key),
          h("dd", given ? { title: "given" } : { title: "by itself" }, value),
        )
      ),
    ),
  );
}

/**
 * @param {string} title
 * @param {{ name: string, text: string }[]} lines
 */
function listOf(title, lines) {
  return h(
    "section",
    { class: "own-options" },
    h("h4", {}, title),
    h(
      "dl",
      {},
      ...lines.map(({ name, text }) => h("div", {}, h("dt", {}, name), h("dd", {}, text))),
    ),
  );
}
