import type { Option } from "./option.ts";
import type { Written } from "./source.ts";
import { quote } from "../base/text.ts";
import type { TomlEntry, TomlValue } from "./toml.ts";

/** A string or an integer as a flag would have it. */
export function scalar(value: TomlValue): Written | undefined {
  if (value.kind !== "string" && value.kind !== "integer") return undefined;
  return { text: value.text, line: value.line };
}

/** A list of strings is the same as one string with commas, or what else; an empty one is `none`. */
export function listed(
  value: TomlValue,
  { notation: { separator = "," } = {} }: Pick<Option<unknown>, "notation">,
): Written | undefined {
  if (value.kind !== "list") return scalar(value);
  if (!value.items.every(({ kind }) => kind === "string")) return undefined;
  const texts = value.items.map((item) => scalar(item)!.text);
  return { text: texts.join(separator) || "none", line: value.line };
}

/** A value for a message. */
export function shown(value: TomlValue): string {
  if (value.kind === "string") return quote(value.text);
  return value.kind === "integer" && value.text.length <= 60 ? value.text : value.snippet;
}

/** What a value is, in words for a message. */
export function typeOf(value: TomlValue): string {
  switch (value.kind) {
    case "other":
      return value.type;
    case "boolean":
      return "a boolean";
    case "integer":
      return "an integer";
    case "string":
    case "list":
    case "table":
      return `a ${value.kind}`;
  }
}

/** Keys in one line, as TOML would have them; which element of a list it is does not matter. */
export function keyText(path: TomlEntry["path"]): string {
  const keys = path.filter((key) => typeof key === "string");
  return keys.map((key) => /^[\w-]+$/.test(key) ? key : JSON.stringify(key)).join(".");
}
