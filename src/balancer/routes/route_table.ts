import type { HelloTerms } from "../../config/hello_terms.ts";
import type { Wish } from "../../session/route.ts";
import { ANY_PROTOCOL, keyOf, keysOf, OTHERS, partsOf } from "./keys.ts";

/** Which key a session has, or what nobody has of what it asks for. */
export type Match = { readonly key: string } | { readonly missing: "name" | "protocol" };

/**
 * What clients can ask for: counts which patterns and protocols are configured, so that one that
 * comes or goes costs no look at the others.
 */
export class RouteTable {
  /** How many have each protocol, by pattern. */
  readonly #patterns = new Map<string, Map<string, number>>();
  /** How many keys there are. */
  #size = 0;
  /** Whether keys have come or gone since that was last asked. */
  #changed = false;

  /** How many keys there are. */
  get size(): number {
    return this.#size;
  }

  /** Whether keys have come or gone since the latest call. */
  takeChange(): boolean {
    const changed = this.#changed;
    this.#changed = false;
    return changed;
  }

  /** One more has these terms. */
  add(terms: HelloTerms): void {
    for (const key of keysOf(terms)) this.#count(key, 1);
  }

  /** One has them no more. */
  remove(terms: HelloTerms): void {
    for (const key of keysOf(terms)) this.#count(key, -1);
  }

  /** Whether somebody has this key. */
  has(key: string): boolean {
    const [pattern, protocol] = partsOf(key);
    return this.#patterns.get(pattern)?.has(protocol) ?? false;
  }

  /** All keys, in the order in which they have come. */
  *keys(): Iterable<string> {
    for (const [pattern, protocols] of this.#patterns) {
      for (const protocol of protocols.keys()) yield keyOf(pattern, protocol);
    }
  }

  /**
   * Where a session goes: to who has its exact name, otherwise to who has any label in the place of
   * its first one, otherwise to who has all others. There the first of its protocols counts that
   * somebody lists, and without one whoever lists none.
   */
  find({ name, alpn }: Wish): Match {
    const [pattern, protocols] = this.#level(name);
    if (!protocols) return { missing: "name" };
    const protocol = alpn.find((one) => one !== ANY_PROTOCOL && protocols.has(one)) ?? ANY_PROTOCOL;
    return protocols.has(protocol) ? { key: keyOf(pattern, protocol) } : { missing: "protocol" };
  }

  #level(name: string | undefined): [pattern: string, protocols?: ReadonlyMap<string, number>] {
    if (name !== undefined) {
      const dot = name.indexOf(".");
      const patterns = dot === -1 ? [name] : [name, `*${name.slice(dot)}`];
      for (const pattern of patterns) {
        const protocols = this.#patterns.get(pattern);
        if (protocols) return [pattern, protocols];
      }
    }
    return [OTHERS, this.#patterns.get(OTHERS)];
  }

  #count(key: string, more: 1 | -1): void {
    const [pattern, protocol] = partsOf(key);
    let protocols = this.#patterns.get(pattern);
    if (!protocols) this.#patterns.set(pattern, protocols = new Map());
    const number = (protocols.get(protocol) ?? 0) + more;
    if (number > 0) {
      if (number === 1 && more === 1) {
        this.#size++;
        this.#changed = true;
      }
      protocols.set(protocol, number);
      return;
    }
    this.#size--;
    this.#changed = true;
    protocols.delete(protocol);
    if (protocols.size === 0) this.#patterns.delete(pattern);
  }
}
