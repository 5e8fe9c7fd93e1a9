/**
 * Tells of several things together, once what is under way is done: where telling at once would come
 * back to where it began.
 */
export class ToldLater<T> {
  readonly #tell: (items: readonly T[]) => void;
  #items: T[] = [];

  constructor(tell: (items: readonly T[]) => void) {
    this.#tell = tell;
  }

  /** Tells of it before anything else happens. */
  add(item: T): void {
    if (this.#items.push(item) > 1) return;
    queueMicrotask(() => {
      const items = this.#items;
      this.#items = [];
      this.#tell(items);
    });
  }
}
