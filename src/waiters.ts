import { LinkedList } from "./linked_list.ts";

interface Waiter<T> {
  resolve(value: T): void;
  reject(reason: unknown): void;
}

/** Callers that wait for a value, served first come first served; each may give up. */
export class Waiters<T> {
  readonly #list = new LinkedList<Waiter<T>>();

  /** How many are waiting. */
  get size(): number {
    return this.#list.size;
  }

  /**
   * Waits for its turn.
   *
   * A value that was given stays given: an abort that comes later does not undo it.
   *
   * @throws The signal's reason, if it is aborted first.
   */
  wait(signal?: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      if (!signal) {
        this.#list.push({ resolve, reject });
        return;
      }
      signal.throwIfAborted();
      const onAbort = () => {
        this.#list.remove(node);
        reject(signal.reason);
      };
      const node = this.#list.push({
        resolve(value) {
          signal.removeEventListener("abort", onAbort);
          resolve(value);
        },
        reject(reason) {
          signal.removeEventListener("abort", onAbort);
          reject(reason);
        },
      });
      signal.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** Gives the first one its value. Returns whether anybody was waiting. */
  serve(value: T): boolean {
    const waiter = this.#list.shift();
    waiter?.resolve(value);
    return waiter !== undefined;
  }

  /** Sends everybody away. */
  dismiss(reason: () => unknown): void {
    for (let waiter = this.#list.shift(); waiter; waiter = this.#list.shift()) {
      waiter.reject(reason());
    }
  }
}
