// @ts-check
/// <reference lib="dom" />
import { byId, h, setAttribute, setText } from "./dom.js";
import { serviceOf } from "./slots.js";

/** @typedef {import("../../../operations/listener_status.ts").ListenerStatus} ListenerStatus */
/** @typedef {import("./verdict.js").Verdict} Verdict */

/** So much else is told besides. */
const OTHERS = 3;

/** What stands on top: the verdict, with a way to what it is about, and how busy the slots are. */
export class VerdictView {
  #root = byId("health");
  #said = byId("health-said");
  #title = byId("health-title");
  #detail = byId("health-detail");
  #others = byId("health-others");
  #share = byId("service-share");
  #way = way("");
  #key = "";

  constructor() {
    this.#title.after(this.#way);
  }

  /**
   * @param {Verdict} verdict
   * @param {readonly ListenerStatus[]} listeners
   */
  update({ tone, title, detail, said, way: target = "", others }, listeners) {
    setAttribute(this.#root, "data-tone", tone);
    setText(this.#said, said);
    setText(this.#title, title);
    setText(this.#detail, detail);
    lead(this.#way, target);
    const shown = others.slice(0, OTHERS);
    const more = others.length - shown.length;
    const key = shown.map(({ way }) => way ?? "").join() + more;
    if (key !== this.#key) {
      this.#key = key;
      this.#others.replaceChildren(
        ...shown.map(() => h("li", { class: "verdict" }, h("span"), " ", way(""))),
        ...(more > 0 ? [h("li", { class: "muted" }, `and ${more} more`)] : []),
      );
    }
    for (const [i, { tone, title, way }] of shown.entries()) {
      const item = /** @type {HTMLElement} */ (this.#others.children[i]);
      setAttribute(item, "data-tone", tone);
      setText(/** @type {Node} */ (item.firstElementChild), title);
      lead(/** @type {HTMLAnchorElement} */ (item.lastElementChild), way ?? "");
    }
    const service = serviceOf(listeners);
    setText(byId("service-title"), service.title);
    setText(byId("service-detail"), service.detail);
    this.#share.style.setProperty("--share", service.share.toFixed(4));
  }
}

/**
 * A link that leads to a listener or a destination, wherever that is on the page.
 *
 * @param {string} target
 */
function way(target) {
  /** @type {HTMLAnchorElement} */
  const link = h("a", { class: "way", click: (event) => go(event, link) }, "Show it");
  lead(link, target);
  return link;
}

/**
 * @param {HTMLAnchorElement} link
 * @param {string} target
 */
function lead(link, target) {
  link.hidden = target === "";
  setAttribute(link, "href", `#${target}`);
}

/**
 * @param {Event} event
 * @param {HTMLAnchorElement} link
 */
function go(event, link) {
  const found = document.getElementById(link.hash.slice(1));
  if (!found) return;
  event.preventDefault();
  if (!found.hasAttribute("tabindex")) found.tabIndex = -1;
  found.scrollIntoView({ block: found.matches(".listener") ? "start" : "center" });
  found.focus({ preventScroll: true });
}
