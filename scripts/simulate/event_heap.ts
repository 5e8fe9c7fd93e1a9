/**
 * What happens when, the earliest first; what is added first comes first of what is at one time.
 *
 * What is compared stands in arrays of numbers: simulations add and take millions.
 */
export class EventHeap<T> {
  readonly #times: number[] = [];
  readonly #orders: number[] = [];
  readonly #values: T[] = [];
  #added = 0;

  add(at: number, value: T): void {
    const [times, orders, values] = [this.#times, this.#orders, this.#values];
    const order = this.#added++;
    let i = times.length;
    times.push(at);
    orders.push(order);
    values.push(value);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      // Of those at the same time it is the latest.
      if (times[parent]! <= at) break;
      this.#move(parent, i);
      i = parent;
    }
    times[i] = at;
    orders[i] = order;
    values[i] = value;
  }

  take(): { readonly at: number; readonly value: T } | undefined {
    const [times, orders, values] = [this.#times, this.#orders, this.#values];
    if (times.length === 0) return undefined;
    const first = { at: times[0]!, value: values[0]! };
    const [at, order, value] = [times.pop()!, orders.pop()!, values.pop()!];
    const { length } = times;
    if (length === 0) return first;
    let i = 0;
    for (let child = 1; child < length; child = 2 * i + 1) {
      if (child + 1 < length && this.#isBefore(child + 1, times[child]!, orders[child]!)) child++;
      if (!this.#isBefore(child, at, order)) break;
      this.#move(child, i);
      i = child;
    }
    times[i] = at;
    orders[i] = order;
    values[i] = value;
    return first;
  }

  #isBefore(one: number, at: number, order: number): boolean {
    const time = this.#times[one]!;
    return time < at || (time === at && this.#orders[one]! < order);
  }

  #move(from: number, to: number): void {
    this.#times[to] = this.#times[from]!;
    this.#orders[to] = this.#orders[from]!;
    this.#values[to] = this.#values[from]!;
  }
}
