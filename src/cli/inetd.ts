import { UsageError } from "../base/errors.ts";
import { quote, wrap } from "../base/text.ts";
import { INETD_CONF } from "../config/inetd/file.ts";
import { type OptionName, optionNames, rowOf } from "../config/options.ts";
import { type Arguments, readArguments, type Reading } from "./arguments.ts";
import { COMMAND_LINE_FLAGS, type Switch } from "./command_line_flags.ts";
import { flagHelp, optionGroups } from "./option_help.ts";

const SWITCHES: readonly Switch[] = ["check-config", "print-config", "help"];

/** What `iawlb inetd` was told. */
export interface InetdArguments extends Arguments {
  /** The path of the inetd.conf. */
  readonly file: string;
}

/**
 * Sorts the arguments of `iawlb inetd`, without the name of the command.
 *
 * @throws {UsageError} For the first that is not allowed by itself.
 */
export function readInetdArguments(
  args: readonly string[],
  reading: Reading = {},
): InetdArguments {
  const flags = { options: inetdOptions(), own: [], switches: SWITCHES };
  const given = readArguments(args, { ...flags, ...reading });
  const [file = INETD_CONF, ...more] = given.addresses;
  if (file === "" || file === "-") {
    throw new UsageError(`FILE ${quote(file)}: must be the path of a file, such as ${INETD_CONF}`);
  }
  if (more.length > 0) {
    throw new UsageError(`${quote(more[0]!)}: one too many; iawlb inetd has one FILE`);
  }
  return { ...given, file };
}

/** All but those that each listener has for itself. */
export function inetdOptions(): OptionName[] {
  return optionNames().filter((name) => !rowOf(name).single);
}

/** The text of `iawlb inetd --help`. */
export function inetdHelp(): string {
  return `iawlb inetd: what an inetd.conf says, behind queues and limits

Usage: iawlb inetd [FILE] [OPTIONS]

${
    wrap(
      `Reads FILE, ${INETD_CONF} unless given, in the format of inetd: each line is a listener, ` +
        "whose destination is a program that is started for each connection (exec:), or a service of " +
        "iawlb itself (internal). Everything that is true of listeners is true of these, --admin and " +
        "the signals included: SIGHUP reads FILE again and applies what is different.",
      0,
    )
  }

${
    wrap(
      "A program is started at most 256 times in a minute, and then for ten minutes not at all; " +
        "nowait.N in its line is another number, --rate-guard is for all lines. Programs that wait " +
        "for connections or datagrams themselves (wait, dgram) are refused with the line.",
      0,
    )
  }

Options, which count for all lines, with their defaults; TIME is 250ms, 5s, 10m,
1h or 0.

${optionGroups(inetdOptions())}

Of the command line alone:
${SWITCHES.map((name) => flagHelp(`--${name}`, switchHelp(name))).join("\n")}

Exit status: 0 finished, nothing was cut; 1 cannot listen, or sessions were cut;
2 bad usage, or a line that is not allowed.`;
}

function switchHelp(name: Switch): string {
  switch (name) {
    case "help":
      return "shows this";
    case "check-config":
      return "says whether FILE is fine, with every problem and its line, and exits";
    case "print-config":
      return "prints what FILE comes to as a configuration file of iawlb, to move over, and exits";
    default:
      return COMMAND_LINE_FLAGS[name].help;
  }
}
