import { isAccountName } from "../../base/accounts.ts";
import { type Option, table } from "../option.ts";

/** Longest name that a program is told. */
const MAX_NAME = 4096;

/**
 * Every option of a program behind the queue, `exec:`. No option of a service or of another
 * destination is called the same.
 */
export const EXEC_OPTIONS = table({ scope: "destination", group: "Programs" }, {
  user: account({
    form: "USER",
    help: "the user that the program runs as, by name or number; iawlb must run as root; none = " +
      "the one that iawlb runs as",
  }),
  group: account({
    form: "GROUP",
    help: "the group that it runs as, by name or number; iawlb must run as root; none = the main " +
      "group of its user; with either of both it has no supplementary groups",
  }),
  argv0: {
    form: "NAME",
    default: "",
    help: "what the program is told it is called, argv[0]; none = its path",
    allowed: `a text of 1 to ${MAX_NAME} characters, or none`,
    parse(text) {
      if (text === "none") return "";
      return text === "" || text.length > MAX_NAME || text.includes("\0") ? undefined : text;
    },
    format: (value) => value || "none",
    notation: { pattern: "." },
  } satisfies Option<string>,
});

/** The name of an option of a program, which is the same wherever it is written. */
export type ExecOptionName = keyof typeof EXEC_OPTIONS;

/** The value of every option of a program. */
export type ExecSettings = {
  readonly [N in ExecOptionName]: (typeof EXEC_OPTIONS)[N] extends Option<infer T> ? T : never;
};

/** All names, in the order in which they are written. */
export function execOptionNames(): ExecOptionName[] {
  return Object.keys(EXEC_OPTIONS) as ExecOptionName[];
}

/** Whether there is an option of a program of this name. */
export function isExecOption(name: string): name is ExecOptionName {
  return Object.hasOwn(EXEC_OPTIONS, name);
}

/** The name or number of a user or a group; empty for none. */
function account({ form, help }: { form: string; help: string }): Option<string> {
  return {
    form,
    default: "",
    help,
    allowed: "a name or a number, or none",
    parse(text) {
      if (text === "none") return "";
      return isAccountName(text) ? text : undefined;
    },
    format: (value) => value || "none",
    notation: { pattern: "^[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,63}\\$?$" },
  };
}
