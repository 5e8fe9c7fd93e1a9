import type { HelloTerms } from "../../config/hello_terms.ts";

/** Stands for all names that nobody has, and for clients that say none. */
export const OTHERS = "*";

/** Stands for all protocols that nobody lists. */
export const ANY_PROTOCOL = "";

/** What clients ask for: one of the configured patterns, and one of the protocols or any. */
export function keyOf(pattern: string, protocol: string): string {
  return `${pattern}\0${protocol}`;
}

/** The pattern and the protocol of such a key. */
export function partsOf(key: string): [pattern: string, protocol: string] {
  return key.split("\0") as [string, string];
}

const PATTERNS = [OTHERS];
const PROTOCOLS = [ANY_PROTOCOL];
const EVERYTHING: ReadonlySet<string> = new Set([keyOf(OTHERS, ANY_PROTOCOL)]);

/** Those of each configuration that was asked for. */
const KNOWN = new WeakMap<HelloTerms, ReadonlySet<string>>();

/** What a destination serves: a key for each of its patterns with each of its protocols. */
export function keysOf(terms: HelloTerms): ReadonlySet<string> {
  const { sni, alpn } = terms;
  if (sni.length === 0 && alpn.length === 0) return EVERYTHING;
  let keys = KNOWN.get(terms);
  if (!keys) {
    const patterns = sni.length > 0 ? sni : PATTERNS;
    const protocols = alpn.length > 0 ? alpn : PROTOCOLS;
    const all = patterns.flatMap((pattern) => protocols.map((one) => keyOf(pattern, one)));
    KNOWN.set(terms, keys = new Set(all));
  }
  return keys;
}
