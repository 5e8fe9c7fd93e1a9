import { UsageError } from "../base/errors.ts";
import { AdminClient } from "./admin_client.ts";
import { quote, wrap } from "../base/text.ts";
import {
  DESTINATION_OPTION_FORMS,
  destinationOptionNames,
  isMark,
} from "../config/options/destination.ts";
import { readAdminAddress, readArguments, readTokenFile, unknown } from "./arguments.ts";
import { COMMANDS, type Context } from "./commands.ts";
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
  const { operands: [addressText, name, ...operands], switches, values } = readArguments(args, {
    switches: [...new Set(all.flatMap((command) => command.switches))],
    values: [...new Set(["token-file", ...all.flatMap((command) => command.values)])],
  });
  if (switches.has("help")) return print(ctlHelp());
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
  const { operands: wanted, many = false } = command;
  if (operands.length < wanted.length) {
    throw new UsageError(`${name} needs ${wanted[operands.length]}: ${usageOf(name)}`);
  }
  if (operands.length > wanted.length && !many) {
    throw new UsageError(`${quote(operands[wanted.length]!)}: one too many: ${usageOf(name)}`);
  }
  command.check?.(operands, values);
  const token = readTokenFile(values.get("token-file"));
  using client = new AdminClient(address, { ...options, token });
  const json = switches.has("json");
  const show: Context["show"] = (lines, raw) => {
    if (!json) { for (const line of lines) print(printable(line)); }
    else if (raw !== undefined) print(jsonLine(raw));
  };
  await command.run({ client, operands, switches, values, show });
}

function usageOf(name: string): string {
  return `iawlb ctl ADDR ${name} ${COMMANDS[name]!.form}`.trimEnd();
}

function ctlHelp(): string {
  const commands = Object.entries(COMMANDS).map(([name, { form, help }]) => {
    return `  ${`${name} ${form}`.trimEnd()}\n      ${help}`;
  });
  return `iawlb ctl: asks a running iawlb, or tells it what to do

Usage: iawlb ctl ADDR COMMAND [--json] [--token-file FILE]

ADDR is what --admin says: PORT (of 127.0.0.1), HOST:PORT, [IPV6]:PORT or
unix:/path. DEST is the ID of a destination, its name, or LISTENER/NAME if
several listeners have it; a name of dns: or srv: is all its records.
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
  --json              prints the answer of the admin API as it is
  --token-file FILE   the file with the token, if one is wanted
  --wait              waits until the sessions are finished

Exit status: 0 done; 1 failed; 2 bad usage.`;
}
