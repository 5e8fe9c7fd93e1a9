import type { Option } from "../option.ts";

/** Names of protocols over TLS, the preferred one first. */
export function protocols(spec: { help: string }): Option<readonly string[]> {
  return {
    form: "NAME[,NAME]",
    default: [],
    help: spec.help,
    allowed: "none, or at most 16 different names of protocols separated by commas, each of at " +
      "most 255 printable characters, such as h2,http/1.1",
    parse(text) {
      if (text === "none") return [];
      const names = text.split(",").map((name) => name.trim());
      const good = names.length <= 16 && new Set(names).size === names.length &&
        names.every((name) => /^[\x21-\x7e]{1,255}$/.test(name));
      return good ? names : undefined;
    },
    format: (names) => names.join(",") || "none",
    notation: {
      words: ["none"],
      pattern: "^[\\x21-\\x2b\\x2d-\\x7e]+( *, *[\\x21-\\x2b\\x2d-\\x7e]+)*$",
      list: true,
    },
  };
}
