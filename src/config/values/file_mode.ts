import type { Option } from "../option.ts";

/** Permission bits as chmod(1) takes them in digits, or one word for leaving them to somebody else. */
export function fileMode(
  spec: { word: string; example: string; help: string },
): Option<number | null> {
  const { word, example, help } = spec;
  return {
    form: `${word}|MODE`,
    default: null,
    help,
    allowed: `${word}, or three octal digits such as ${example}`,
    parse(text) {
      if (text === word) return null;
      return /^0?[0-7]{3}$/.test(text) ? parseInt(text, 8) : undefined;
    },
    format: (value) => value === null ? word : value.toString(8).padStart(4, "0"),
    notation: { words: [word], pattern: "^0?[0-7]{3}$" },
  };
}
