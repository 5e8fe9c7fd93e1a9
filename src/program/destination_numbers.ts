import type { Config } from "../config/config.ts";
import type { ConfiguredDestination } from "../config/destination_text.ts";

/** Of how many destinations that are gone the numbers are kept: the latest ones. */
const DEPARTED_LIMIT = 4096;

/**
 * The numbers of a listener's destinations and names, from 1 on. None is used again, so that an id
 * always means the same; one that comes back has the number that it had, unless thousands of others
 * have gone since.
 */
export class Numbers {
  /** By the keys, also of those that are gone. */
  readonly byKey: Record<string, number> = {};
  /** Those of the configuration, with the records of names. */
  readonly #present = new Map<number, ConfiguredDestination>();
  /** The keys of those that are gone, the latest last. */
  readonly #departed = new Set<string>();
  #last = 0;

  constructor(config: Pick<Config, "configured" | "destinations">) {
    this.apply(config);
  }

  /** Takes over another configuration. */
  apply({ configured, destinations }: Pick<Config, "configured" | "destinations">): void {
    const before = [...this.#present.values()];
    this.#present.clear();
    for (const one of [...configured, ...destinations]) this.#present.set(this.of(one), one);
    for (const { key } of before) if (!this.withKey(key)) this.#depart(key);
  }

  /** Takes over that one is new, different or gone. */
  replace(
    before: ConfiguredDestination | undefined,
    after: ConfiguredDestination | undefined,
  ): void {
    if (before) {
      this.#present.delete(this.of(before));
      this.#depart(before.key);
    }
    if (after) this.#present.set(this.of(after), after);
  }

  /** The number of one, which gets one if it has none. */
  of({ key }: Pick<ConfiguredDestination, "key">): number {
    this.#departed.delete(key);
    return this.byKey[key] ??= ++this.#last;
  }

  /** The one of the configuration, or the record, that has a number. */
  find(number: number): ConfiguredDestination | undefined {
    return this.#present.get(number);
  }

  /** The one of the configuration, or the record, that has a `key`. */
  withKey(key: string): ConfiguredDestination | undefined {
    const number = this.byKey[key];
    return number === undefined ? undefined : this.#present.get(number);
  }

  #depart(key: string): void {
    this.#departed.add(key);
    for (const oldest of this.#departed) {
      if (this.#departed.size <= DEPARTED_LIMIT) break;
      this.#departed.delete(oldest);
      delete this.byKey[oldest];
    }
  }
}
