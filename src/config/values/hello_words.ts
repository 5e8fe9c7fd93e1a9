import type { Option } from "../option.ts";

/** Stands for no words at all. */
const NONE = "none";

/** A name of a host, one with `*` for its first label, or `*` alone. */
const PATTERN = /^(?:\*|(?=.{1,255}$)(?:\*\.)?[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*)$/;

/** A name of a protocol as IANA registers them: nothing that would have to be escaped. */
const PROTOCOL = /^[!-+\-.-\[\]-{}~]{1,255}$/;

/** Names of servers that clients ask for, in small letters; none unless given. */
export function serverNames(spec: { help: string }): Option<readonly string[]> {
  return words({
    ...spec,
    form: "NAME[|…]",
    allowed: "names such as www.example.com, *.example.com for any one label before it, or * for " +
      "all others, separated by |; those of other scripts in their form xn--",
    read(word) {
      const name = word.toLowerCase().replace(/(?<=[^.])\.$/, "");
      return PATTERN.test(name) ? name : undefined;
    },
  });
}

/** Protocols that clients offer in their hello; none unless given. */
export function offeredProtocols(spec: { help: string }): Option<readonly string[]> {
  return words({
    ...spec,
    form: "PROTOCOL[|…]",
    allowed: "names of protocols such as h2 or http/1.1, separated by |",
    read: (word) => PROTOCOL.test(word) ? word : undefined,
  });
}

function words(
  { form, help, allowed, read }: {
    form: string;
    help: string;
    allowed: string;
    /** A word as it counts, or `undefined` if it is not allowed. */
    read(word: string): string | undefined;
  },
): Option<readonly string[]> {
  return {
    form,
    default: [],
    help,
    allowed: `${allowed}, or ${NONE}`,
    parse(text) {
      if (text === NONE) return [];
      const all = text.split("|").map((word) => read(word.trim()));
      return all.includes(undefined) ? undefined : [...new Set(all as string[])];
    },
    format: (value) => value.join("|") || NONE,
    notation: { pattern: ".", list: true, separator: "|" },
  };
}
