import type { Option } from "../option.ts";

/** What stands for no name, and for all there are: nothing is called so. */
const NONE = "none";
const ALL = "all";

/** A name that operators give, empty if they give none. */
export function name(spec: { form: string; help: string }): Option<string> {
  return {
    ...spec,
    default: "",
    allowed: `a letter and at most 63 letters, digits, dots, dashes and underscores, but not ` +
      `${ALL}; ${NONE} = none`,
    parse(text) {
      if (text === NONE) return "";
      return /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/.test(text) && text !== ALL ? text : undefined;
    },
    format: (value) => value || NONE,
    notation: { pattern: `^(?!${ALL}$)[A-Za-z][A-Za-z0-9_.-]{0,63}$` },
  };
}
