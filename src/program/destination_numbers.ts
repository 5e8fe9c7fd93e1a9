import type { Config } from "../config/config.ts";
import type { DestinationConfig } from "../config/destination_text.ts";

/**
 * The numbers of a listener's destinations, from 1 on. None is used again, so that an id always means
 * the same; a destination that comes back has the one that it had.
 */
export class Numbers {
  /** By the destinations' keys, also of those that are gone. */
  readonly byKey: Record<string, number> = {};
  /** Those of the configuration. */
  readonly #present = new Map<number, DestinationConfig>();
  #last = 0;

  constructor(config: Config) {
    this.apply(config);
  }

  /** Takes over another configuration. */
  apply({ destinations }: Config): void {
    this.#present.clear();
    for (const one of destinations) this.#present.set(this.of(one), one);
  }

  /** Takes over that one destination is new, different or gone. */
  replace(before: DestinationConfig | undefined, after: DestinationConfig | undefined): void {
    if (before) this.#present.delete(this.of(before));
    if (after) this.#present.set(this.of(after), after);
  }

  /** The number of a destination, which gets one if it has none. */
  of({ key }: Pick<DestinationConfig, "key">): number {
    return this.byKey[key] ??= ++this.#last;
  }

  /** The destination of the configuration that has a number. */
  destination(number: number): DestinationConfig | undefined {
    return this.#present.get(number);
  }

  /** The destination of the configuration that has a `key`. */
  withKey(key: string): DestinationConfig | undefined {
    const number = this.byKey[key];
    return number === undefined ? undefined : this.#present.get(number);
  }
}
