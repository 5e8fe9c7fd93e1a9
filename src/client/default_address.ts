import { type Address, AddressError, parseAddress } from "../net/address.ts";
import { UsageError } from "../base/errors.ts";
import { quote } from "../base/text.ts";

/** The variable of the environment that stands for ADDR where none is given. */
export const ADMIN_VARIABLE = "IAWLB_ADMIN";

/** The socket of the packaged service, which counts where that is not set either. */
export const PACKAGED_SOCKET = "/run/iawlb/admin.sock";

/** What `--help` of `top` and `ctl` says of it. */
export const ADDRESS_HELP = `ADDR is what --admin says: PORT (of 127.0.0.1), HOST:PORT, [IPV6]:PORT
or unix:/path. Without it, it is what ${ADMIN_VARIABLE} in the environment says, or
else the socket of the packaged service, unix:${PACKAGED_SOCKET}.`;

/**
 * The address of the admin API.
 *
 * @param text As it was given; without it the usual one counts.
 * @param example What to type, for the message.
 * @throws {UsageError} If it is malformed, or neither given nor known.
 */
export function readAdminAddress(text: string | undefined, example: string): Address {
  if (text !== undefined) return parse(text, "ADDR");
  const variable = Deno.env.get(ADMIN_VARIABLE);
  if (variable) return parse(variable, ADMIN_VARIABLE);
  if (isThere(PACKAGED_SOCKET)) return { transport: "unix", path: PACKAGED_SOCKET };
  throw new UsageError(
    `ADDR is missing: give the --admin address of the running iawlb, such as: ${example}; ` +
      `${ADMIN_VARIABLE} is not set, and there is no ${PACKAGED_SOCKET}`,
  );
}

/** Whether a word can be an address at all: no command is one. */
export function isAddress(text: string): boolean {
  try {
    parseAddress(text, { minPort: 1 });
    return true;
  } catch {
    return false;
  }
}

function parse(text: string, what: string): Address {
  try {
    return parseAddress(text, { minPort: 1 });
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
    throw new UsageError(`${what} ${quote(text)}: ${error.message}`);
  }
}

function isThere(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    // What cannot be looked at may be there: connecting tells.
    return !(error instanceof Deno.errors.NotFound);
  }
}
