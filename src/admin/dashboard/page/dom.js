// @ts-check
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />

/** @typedef {Record<string, string | number | boolean | ((event: Event) => void)>} Props */

/**
 * Makes an element. A property that is a function listens to that event, `true` is an attribute
 * without a value, `false` none.
 *
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Props} [props]
 * @param {(Node | string)[]} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== false) element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children);
  return element;
}

/**
 * Makes an element of a drawing.
 *
 * @template {keyof SVGElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, string | number>} [attributes]
 * @param {Node[]} children
 * @returns {SVGElementTagNameMap[K]}
 */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) {
    element.setAttribute(name, String(value));
  }
  element.append(...children);
  return element;
}

/**
 * The element of the page that has an ID.
 *
 * @param {string} id
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element;
}

/**
 * Changes a text only if it is different: a selection in it stays, and nothing is laid out again.
 *
 * @param {Node} node
 * @param {string} text
 */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * @param {Element} element
 * @param {string} name
 * @param {string} value
 */
export function setAttribute(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/**
 * @template T
 * @typedef {{ root: HTMLElement, update: (item: T) => void }} View
 */

/**
 * The children of an element, one per item: a view lives as long as the item with its key, so that
 * focus, scroll and selection stay.
 *
 * @template T
 * @template {View<T>} [V=View<T>]
 */
export class KeyedList {
  /** @type {Map<string | number, V>} */
  #views = new Map();
  #parent;
  #options;

  /**
   * @param {HTMLElement} parent
   * @param {{ key: (item: T) => string | number, create: (item: T) => V, onFocusLost?: () => void }} options
   */
  constructor(parent, options) {
    this.#parent = parent;
    this.#options = options;
  }

  /**
   * The view of an item, if it is there.
   *
   * @param {string | number} key
   */
  view(key) {
    return this.#views.get(key);
  }

  /** @param {readonly T[]} items In their order. */
  render(items) {
    const keys = new Set(items.map(this.#options.key));
    for (const [key, { root }] of this.#views) {
      if (keys.has(key)) continue;
      const focused = root.contains(document.activeElement);
      root.remove();
      this.#views.delete(key);
      if (focused) this.#options.onFocusLost?.();
    }
    let next = this.#parent.firstElementChild;
    for (const item of items) {
      const key = this.#options.key(item);
      let view = this.#views.get(key);
      if (!view) this.#views.set(key, view = this.#options.create(item));
      if (view.root === next) next = next.nextElementSibling;
      else this.#parent.insertBefore(view.root, next);
      view.update(item);
    }
  }
}
