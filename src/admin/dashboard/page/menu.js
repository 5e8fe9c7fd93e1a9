// @ts-check
/// <reference lib="dom" />
import { h } from "./dom.js";

/**
 * @typedef {object} MenuItem
 * @property {string} label
 * @property {string} [detail] What it does, in small print.
 * @property {boolean} [checked] Of several of which one is so: whether it is this one.
 * @property {boolean} [danger]
 * @property {() => void} act
 */

/** How far it stays from its button and from the edges. */
const MENU_GAP = 6;

/** @type {{ root: HTMLElement, button: HTMLElement, closing: AbortController } | undefined} */
let menu;

/**
 * Opens a menu at a button, or closes it if it is that one's. There is one at a time.
 *
 * @param {HTMLElement} button
 * @param {{ label: string, items: readonly (MenuItem | "line")[] }} contents
 */
export function toggleMenu(button, { label, items }) {
  const again = menu?.button === button;
  closeMenu();
  if (again) return;
  const root = h("div", { class: "menu", role: "menu", "aria-label": label, popover: "manual" });
  root.append(...items.map(itemOf));
  document.body.append(root);
  const closing = new AbortController();
  menu = { root, button, closing };
  button.setAttribute("aria-expanded", "true");
  root.showPopover();
  placeMenu();
  const { signal } = closing;
  root.addEventListener("keydown", onKey, { signal });
  addEventListener("scroll", placeMenu, { signal, passive: true, capture: true });
  addEventListener("resize", () => closeMenu(), { signal });
  addEventListener("pointerdown", (event) => {
    const at = /** @type {Node} */ (event.target);
    if (!root.contains(at) && !button.contains(at)) closeMenu();
  }, { signal });
  const first = root.querySelector('[aria-checked="true"]') ??
    root.querySelector("[role^=menuitem]");
  /** @type {HTMLElement | null} */ (first)?.focus({ preventScroll: true });
}

/** @param {{ back?: boolean }} [options] Whether the focus goes back to the button. */
function closeMenu({ back = false } = {}) {
  if (!menu) return;
  const { root, button, closing } = menu;
  menu = undefined;
  closing.abort();
  button.setAttribute("aria-expanded", "false");
  // Whose button is gone, as that of a destination that was removed, goes back to the page.
  if (back) {
    (button.isConnected ? button : document.getElementById("main"))?.focus({ preventScroll: true });
  }
  root.remove();
}

/** @param {MenuItem | "line"} item */
function itemOf(item) {
  if (item === "line") return h("div", { role: "separator" });
  const { label, detail, checked, danger = false, act } = item;
  return h(
    "button",
    {
      type: "button",
      role: checked === undefined ? "menuitem" : "menuitemradio",
      ...(checked !== undefined && { "aria-checked": String(checked) }),
      tabindex: -1,
      class: danger ? "item danger" : "item",
      click: () => {
        closeMenu({ back: true });
        act();
      },
      // Not where the mouse only happens to be: whoever uses the keys would lose their place.
      mousemove: (event) => {
        /** @type {HTMLElement} */ (event.currentTarget).focus({ preventScroll: true });
      },
    },
    h("span", { class: "label" }, label),
    ...(detail ? [h("span", { class: "detail" }, detail)] : []),
  );
}

/** Puts it below its button, or above it where there is more room. */
function placeMenu() {
  if (!menu) return;
  const { root, button } = menu;
  if (!button.isConnected) return;
  const at = button.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = root;
  const left = Math.max(MENU_GAP, Math.min(at.right - width, innerWidth - width - MENU_GAP));
  const below = at.bottom + MENU_GAP;
  const fits = below + height <= innerHeight || at.top < height;
  root.style.left = `${left}px`;
  root.style.top = `${fits ? below : at.top - MENU_GAP - height}px`;
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  if (!menu) return;
  const items = /** @type {HTMLElement[]} */ (
    [...menu.root.querySelectorAll("[role^=menuitem]")]
  );
  const at = items.findIndex((item) => item === document.activeElement);
  const steps = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 };
  if (event.key in steps) {
    const to = steps[/** @type {keyof typeof steps} */ (event.key)];
    items.at(to % items.length)?.focus();
  } else if (event.key === "Escape" || event.key === "Tab") closeMenu({ back: true });
  else return;
  // Tab goes on from the button by itself.
  if (event.key !== "Tab") event.preventDefault();
}
