import { lookup } from "node:dns/promises";
import { Turns } from "../async/turns.ts";

/** How many names are looked up at a time: each look-up has a thread of the runtime until it ends. */
const LOOKUPS_AT_A_TIME = 8;

/** Shortest time between two lines in the log about one name, in milliseconds. */
const TELL_AGAIN_MS = 60_000;

/** How long addresses are used of which nobody said how long they hold, in milliseconds. */
const LIFETIME_MS = 1000;

/** Addresses of a name, and how long they are used before it is looked up again, in milliseconds. */
export interface Located {
  readonly addresses: readonly string[];
  readonly lifetime: number;
}

/** Asks for the addresses of a name; without a time they are used for a second. */
export type Ask = (name: string) => Promise<readonly string[] | Located>;

/** Looks host names up. */
export interface NameLookups {
  /**
   * The addresses of a name, at least one.
   *
   * @throws An error that says why there is none.
   */
  lookUp(name: string): Promise<Located>;
  /** Whether it is time to tell the log about a failure; takes it as told. */
  tells(name: string): boolean;
  /** When others than before began to be asked, on the clock of `performance.now()`. */
  readonly changedAt: number;
}

/**
 * Looks host names up, one look-up at a time per name, whoever asks, and only a few at a time
 * altogether: where the name server never answers, nothing piles up.
 */
export class Names implements NameLookups {
  readonly changedAt = -Infinity;
  readonly #ask: Ask;
  /** Look-ups that are under way or wait for one to end. */
  readonly #pending = new Map<string, Promise<Located>>();
  readonly #turns = new Turns(LOOKUPS_AT_A_TIME);
  /** When the log was told last about a name, for those of the last minute. */
  readonly #told = new Map<string, number>();

  constructor(ask: Ask = askSystem) {
    this.#ask = ask;
  }

  lookUp(name: string): Promise<Located> {
    const pending = this.#pending.get(name);
    if (pending) return pending;
    const begun = this.#lookUp(name).finally(() => this.#pending.delete(name));
    this.#pending.set(name, begun);
    return begun;
  }

  tells(name: string): boolean {
    const now = performance.now();
    for (const [other, at] of this.#told) {
      if (now - at >= TELL_AGAIN_MS) this.#told.delete(other);
    }
    if (this.#told.has(name)) return false;
    this.#told.set(name, now);
    return true;
  }

  async #lookUp(name: string): Promise<Located> {
    const found = await this.#turns.take(() => this.#ask(name));
    const located = "addresses" in found ? found : { addresses: found, lifetime: LIFETIME_MS };
    if (located.addresses.length === 0) throw new Error("the name has no address");
    return located;
  }
}

/** Those of all listeners of this thread. */
export const systemNames = new Names();

async function askSystem(name: string): Promise<readonly string[]> {
  return (await lookup(name, { all: true })).map(({ address }) => address);
}
