// @ts-check
/// <reference lib="dom" />

/** Who wants to know of an element whether it is in view. @type {WeakMap<Element, (seen: boolean) => void>} */
const viewers = new WeakMap();

/** What is about to come into view counts as if it were there already. */
const inView = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) viewers.get(target)?.(isIntersecting);
}, { rootMargin: "400px" });

/** Of what nobody sees, one look in so many is shown: it is never older than that many seconds. */
const LOOKS = 20;

/** Where the next one is in its turn: not all of them at once. */
let nextTurn = 0;

/**
 * Shows something only as often as somebody can see it: what is in view at once, the rest in turn.
 * The browser can lay out a thousand rows, but not each second.
 *
 * @template T
 */
export class InView {
  #seen = false;
  #show;
  #turn = nextTurn++ % LOOKS;
  /** What was not shown yet. @type {{ item: T } | undefined} */
  #kept;

  /**
   * @param {Element} element
   * @param {(item: T) => void} show
   */
  constructor(element, show) {
    this.#show = show;
    viewers.set(element, (seen) => {
      this.#seen = seen;
      const kept = this.#kept;
      this.#kept = undefined;
      if (seen && kept) show(kept.item);
    });
    inView.observe(element);
  }

  /**
   * @param {T} item
   * @param {boolean} matters Whether it is shown at once, wherever it is.
   */
  update(item, matters) {
    this.#turn = (this.#turn + 1) % LOOKS;
    const now = this.#seen || matters || this.#turn === 0;
    this.#kept = now ? undefined : { item };
    if (now) this.#show(item);
  }
}
