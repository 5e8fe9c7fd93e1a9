import { findGroup, findUser } from "../base/accounts.ts";
import { FileError } from "../base/bounded_file.ts";
import { joinWords, ShellWordsError, splitWords } from "../base/shell_words.ts";
import { MAY_NOT_RUN, mayRun } from "../base/permissions.ts";
import { cut, quote } from "../base/text.ts";
import { AddressError } from "../net/address.ts";
import type { Option } from "./option.ts";
import { EXEC_OPTIONS, type ExecOptionName, execOptionNames } from "./options/exec.ts";
import type { ExecSettings } from "./options/exec.ts";
import { problemWithPipes } from "./socket_programs.ts";

/** What an address begins with that is no server but a program. */
export const EXEC_PREFIX = "exec:";

/** The grammar in words, for messages and the help text. */
export const EXEC_FORMS = "exec:PROGRAM ARGUMENTS";

/** Most words of a program, and most characters of them together; the kernel may allow fewer. */
const MAX_WORDS = 1000;
const MAX_TEXT = 64 * 1024;

/** A program that is started for each session, as a destination. */
export interface ExecAddress {
  readonly transport: "exec";
  /** Its path or, without a slash, its name, which is looked for in `PATH`; then its arguments. */
  readonly command: readonly [program: string, ...args: string[]];
  readonly settings: ExecSettings;
  /** Whom it runs as; absent for whom this program runs as. */
  readonly account?: { readonly uid: number; readonly gid: number };
}

/** The options of programs as texts; those that are not given are absent. */
export type ExecTexts = Readonly<Partial<Record<ExecOptionName, string>>>;

/** The words of a program with its arguments. */
export type ExecCommand = ExecAddress["command"];

/** Whether an address is a program; all behind the prefix belongs to it. */
export function isExecText(text: string): boolean {
  return text.slice(0, EXEC_PREFIX.length).toLowerCase() === EXEC_PREFIX;
}

/**
 * The program that an address is; `undefined` if it is another kind of address.
 *
 * @throws {AddressError} If it is none that can be started.
 */
export function parseExec(text: string): ExecCommand | undefined {
  if (!isExecText(text)) return undefined;
  const rest = text.slice(EXEC_PREFIX.length);
  if (rest.length > MAX_TEXT) {
    throw new AddressError(`has ${rest.length} characters; must be at most ${MAX_TEXT}`);
  }
  try {
    return checkCommand(splitWords(rest));
  } catch (error) {
    if (error instanceof ShellWordsError) throw new AddressError(error.message);
    throw error;
  }
}

/**
 * The words of a program that are given one by one.
 *
 * @throws {AddressError} If it is none that can be started.
 */
export function checkCommand(words: readonly string[]): ExecCommand {
  const [program, ...args] = words;
  if (program === undefined || program === "") {
    throw new AddressError(
      "must name a program, such as exec:/usr/bin/cat or exec:'/usr/bin/x' \"an argument\"",
    );
  }
  if (words.length > MAX_WORDS) {
    throw new AddressError(`has ${words.length} words; must be at most ${MAX_WORDS}`);
  }
  if (words.some((word) => word.includes("\0"))) {
    throw new AddressError("has a character 0, which no argument can have; must be without");
  }
  if (/^\d+$/.test(program)) {
    throw new AddressError(
      `must name a program, not the number ${
        cut(program)
      }; a host of that name ends in a dot, as ` +
        "in exec.:53",
    );
  }
  return [program, ...args];
}

/** The text of a program's words, which is read as them again. */
export function formatCommand(command: readonly string[]): string {
  return EXEC_PREFIX + joinWords(command);
}

/**
 * A program with its options.
 *
 * @param texts Each of them allowed by itself.
 * @param report Takes each problem: what is wrong and what is allowed.
 */
export function readExec(
  command: ExecCommand,
  texts: ExecTexts,
  report: (problem: string) => void,
): ExecAddress {
  const values = execOptionNames().map((name) => {
    const option: Option<unknown> = EXEC_OPTIONS[name];
    const text = texts[name];
    return [name, text === undefined ? option.default : option.parse(text)];
  });
  const settings: ExecSettings = Object.fromEntries(values);
  if (!mayRun()) report(`is a program, but ${MAY_NOT_RUN}; must be another destination`);
  const problem = problemWithPipes(command);
  if (problem !== undefined) report(problem);
  const account = accountOf(settings, report);
  return { transport: "exec", command, settings, ...(account && { account }) };
}

/** Whom a program is to run as; `undefined` for whom this program runs as. */
function accountOf(
  { user, group }: ExecSettings,
  report: (problem: string) => void,
): ExecAddress["account"] | undefined {
  if (user === "" && group === "") return undefined;
  const own = Deno.uid() ?? -1;
  if (own !== 0) {
    const name = user === "" ? "group" : "user";
    report(`has ${name}, which only root can set; must be without, since iawlb runs as ${own}`);
    return undefined;
  }
  try {
    const found = user === "" ? { uid: own, gid: undefined } : findUser(user);
    if (!found) {
      report(`user ${quote(user)} is not in /etc/passwd; must be one, or a number`);
      return undefined;
    }
    const gid = group === "" ? found.gid : findGroup(group);
    if (gid !== undefined) return { uid: found.uid, gid };
    report(
      group === ""
        ? `has user ${user}, of which /etc/passwd does not tell the group; must have group, too`
        : `group ${quote(group)} is not in /etc/group; must be one, or a number`,
    );
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    report(`has a user or group that cannot be looked up: ${error.message}; must be numbers`);
  }
}

/** What is wrong with an option of a program that a destination has that is none. */
export function foreignExecOption(name: ExecOptionName): string {
  return `has ${name}, which is for ${EXEC_PREFIX} only`;
}

/** What a program is called that has no name: its text, on one line and not too long. */
export function programName(text: string): string {
  return cut(text.replace(/\p{Cc}+/gu, " "));
}

/** The same text for the same program with the same options, which stand before it. */
export function formatExec({ command, settings }: ExecAddress): string {
  const options = execOptionNames().flatMap((name) => {
    const text = EXEC_OPTIONS[name].format(settings[name]);
    const usual = EXEC_OPTIONS[name].format(EXEC_OPTIONS[name].default);
    return text === usual ? [] : [`${name}=${text.replace(/[\\,]/g, "\\$&")}`];
  });
  return [...options, formatCommand(command)].join(",");
}
