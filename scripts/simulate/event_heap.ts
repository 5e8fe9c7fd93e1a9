/** What happens when, the earliest first; what is added first comes first of what is at one time. */
export class EventHeap<T> {
  readonly #events: { readonly at: number; readonly order: number; readonly value: T }[] = [];
  #added = 0;

  add(at: number, value: T): void {
    const events = this.#events;
    let i = events.push({ at, order: this.#added++, value }) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!this.#isBefore(i, parent)) return;
      this.#swap(i, parent);
      i = parent;
    }
  }

  take(): { readonly at: number; readonly value: T } | undefined {
    const events = this.#events;
    if (events.length === 0) return undefined;
    this.#swap(0, events.length - 1);
    const first = events.pop()!;
    for (let i = 0;;) {
      let least = i;
      for (const child of [2 * i + 1, 2 * i + 2]) {
        if (child < events.length && this.#isBefore(child, least)) least = child;
      }
      if (least === i) return first;
      this.#swap(i, least);
      i = least;
    }
  }

  #isBefore(one: number, other: number): boolean {
    const [a, b] = [this.#events[one]!, this.#events[other]!];
    return a.at < b.at || (a.at === b.at && a.order < b.order);
  }

  #swap(one: number, other: number): void {
    const events = this.#events;
    [events[one], events[other]] = [events[other]!, events[one]!];
  }
}
