/** Something that is for some names. */
export interface Named {
  /** In small letters; `*.parent` is any name of one more label. */
  readonly names: readonly string[];
}

/**
 * What is for a name among several: the exact name before a wildcard, of equals the first, and the
 * first of all if none is, or if there is no name.
 */
export class ByName<T extends Named> {
  readonly #first: T;
  readonly #all = new Map<string, T>();

  /** @param all At least one. */
  constructor(all: readonly T[]) {
    this.#first = all[0]!;
    for (const one of all) {
      for (const name of one.names) if (!this.#all.has(name)) this.#all.set(name, one);
    }
  }

  find(name: string | undefined): T {
    if (name === undefined) return this.#first;
    const parent = name.indexOf(".");
    return this.#all.get(name) ??
      (parent > 0 ? this.#all.get(`*${name.slice(parent)}`) : undefined) ?? this.#first;
  }
}
