import { UsageError } from "../base/errors.ts";
import { AdminClient } from "./admin_client.ts";
import { nearest, quote, wrap } from "../base/text.ts";
import {
  DESTINATION_OPTION_FORMS,
  destinationOptionNames,
  isMark,
} from "../config/options/destination.ts";
import { ADDRESS_HELP, isAddress, readAdminAddress } from "./default_address.ts";
import { readArguments, readTokenFile, unknown } from "./arguments.ts";
import type { Context } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { jsonLine, printable } from "./format.ts";
import type { ClientLimits } from "./limits.ts";

/**
 * `iawlb ctl`: one request to a running iawlb.
 *
 * @param print Gets the lines for standard output.
 * @param options.limits For tests.
 * @throws {UsageError} If the arguments are not allowed.
 * @throws {FatalError} If it fails.
 */
export async function ctl(
  args: readonly string[],
  print: (line: string) => void,
  options: { limits?: Partial<ClientLimits> } = {},
): Promise<void> {
  const all = Object.values(COMMANDS);
  const { operands: given, switches, values } = readArguments(args, {
    switches: [...new Set(all.flatMap((command) => command.switches))],
    values: [...new Set(["token-file", ...all.flatMap((command) => command.values)])],
    short: { f: "follow" },
  });
  if (switches.has("help") || given[0] === "help") return print(ctlHelp());
  const { addressText, name, operands } = apart(given);
  if (name === "help") return print(ctlHelp());
  const address = readAdminAddress(addressText, "iawlb ctl 9090 status");
  if (name === undefined) {
    throw new UsageError(`the command is missing: give one of ${Object.keys(COMMANDS).join(", ")}`);
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name]! : undefined;
  if (command === undefined) throw unknown("command", name, Object.keys(COMMANDS));
  for (const flag of [...switches, ...values.keys()]) {
    if (flag !== "token-file" && ![...command.switches, ...command.values].includes(flag)) {
      throw new UsageError(`--${flag}: not an option of ${name}`);
    }
  }
  const { operands: wanted, many = false, optional = 0 } = command;
  if (operands.length < wanted.length) {
    throw new UsageError(`${name} needs ${wanted[operands.length]}: ${usageOf(name)}`);
  }
  const most = wanted.length + optional;
  if (operands.length > most && !many) {
    throw new UsageError(`${quote(operands[most]!)}: one too many: ${usageOf(name)}`);
  }
  command.check?.(operands, values);
  const token = readTokenFile(values.get("token-file"));
  const { patience } = command;
  const limits = { ...patience !== undefined && { patience }, ...options.limits };
  using client = new AdminClient(address, { limits, token });
  const json = switches.has("json");
  const show: Context["show"] = (lines, raw) => {
    if (!json) { for (const line of lines) print(printable(line)); }
    else if (raw !== undefined) print(jsonLine(raw));
  };
  await command.run({ client, operands, switches, values, show });
}

/**
 * The operands in their parts. No command is an address, so that the address can be left out.
 *
 * @throws {UsageError} If the first one is neither.
 */
function apart(
  [first, ...rest]: readonly string[],
): { addressText?: string | undefined; name?: string | undefined; operands: readonly string[] } {
  if (first === undefined) return { operands: [] };
  if (Object.hasOwn(COMMANDS, first)) return { name: first, operands: rest };
  const [name, ...operands] = rest;
  const isCommand = name !== undefined && Object.hasOwn(COMMANDS, name);
  if (!isCommand && /^[a-z-]+$/i.test(first) && !isAddress(first)) {
    const known = nearest(first, Object.keys(COMMANDS));
    throw new UsageError(
      `${quote(first)}: neither a command nor an ADDR; the nearest command is ${known}`,
    );
  }
  return { addressText: first, name, operands };
}

function usageOf(name: string): string {
  return `iawlb ctl [ADDR] ${name} ${COMMANDS[name]!.form}`.trimEnd();
}

function ctlHelp(): string {
  const commands = Object.entries(COMMANDS).map(([name, { form, help }]) => {
    return `  ${`${name} ${form}`.trimEnd()}\n${wrap(help, 6)}`;
  });
  return `iawlb ctl: asks a running iawlb, or tells it what to do

Usage: iawlb ctl [ADDR] COMMAND [--json] [--token-file FILE]

${ADDRESS_HELP}

${
    wrap(
      "DEST is the ID of a destination, its name, or LISTENER/NAME if several listeners have it; " +
        "a name of dns: or srv: is all its records. It may be a pattern, in which * is anything " +
        "and ? any character, such as 'web-*', and all is every destination. Of several each is " +
        "done, and what has failed is said in the end.",
      0,
    )
  }
${
    wrap(
      `OPTION is ${DESTINATION_OPTION_FORMS}, as on the command line; after set also ${
        destinationOptionNames().filter(isMark).map((name) => `${name}=false`).join(", ")
      }, which takes it away.`,
      0,
    )
  }

Commands:
${commands.join("\n")}

Options:
  --json              prints the answers of the admin API as they are
  --token-file FILE   the file with the token, if one is wanted
  -f, --follow        goes on with what comes
  --given             leaves out what was not given
  --listener NAME, --destination DEST, --client NET
                      of watch and capture: the sessions, also those that come,
                      for which all that are given hold
  --wait              waits until the sessions are finished

Exit status: 0 done; 1 failed; 2 bad usage.`;
}
