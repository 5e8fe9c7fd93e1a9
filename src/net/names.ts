import { lookup } from "node:dns/promises";

/** How many names are looked up at a time: each look-up has a thread of the runtime until it ends. */
const LOOKUPS_AT_A_TIME = 8;

/** Shortest time between two lines in the log about one name, in milliseconds. */
const TELL_AGAIN_MS = 60_000;

/** Asks the system for the addresses of a name. */
export type Ask = (name: string) => Promise<readonly string[]>;

/**
 * Looks host names up, one look-up at a time per name, whoever asks, and only a few at a time
 * altogether: where the name server never answers, nothing piles up.
 */
export class Names {
  readonly #ask: Ask;
  /** Look-ups that are under way or wait for one to end. */
  readonly #pending = new Map<string, Promise<readonly string[]>>();
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  /** When the log was told last about a name, for those of the last minute. */
  readonly #told = new Map<string, number>();

  constructor(ask: Ask = askSystem) {
    this.#ask = ask;
  }

  /**
   * The addresses of a name, at least one.
   *
   * @throws The system's error, or one that says that there is none.
   */
  lookUp(name: string): Promise<readonly string[]> {
    const pending = this.#pending.get(name);
    if (pending) return pending;
    const begun = this.#lookUp(name).finally(() => this.#pending.delete(name));
    this.#pending.set(name, begun);
    return begun;
  }

  /** Whether it is time to tell the log about a failure; takes it as told. */
  tells(name: string): boolean {
    const now = performance.now();
    for (const [other, at] of this.#told) {
      if (now - at >= TELL_AGAIN_MS) this.#told.delete(other);
    }
    if (this.#told.has(name)) return false;
    this.#told.set(name, now);
    return true;
  }

  async #lookUp(name: string): Promise<readonly string[]> {
    if (this.#running >= LOOKUPS_AT_A_TIME) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#running++;
    try {
      const found = await this.#ask(name);
      if (found.length === 0) throw new Error("the name has no address");
      return found;
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running--;
    }
  }
}

/** Those of all listeners of this thread. */
export const systemNames = new Names();

async function askSystem(name: string): Promise<readonly string[]> {
  return (await lookup(name, { all: true })).map(({ address }) => address);
}
