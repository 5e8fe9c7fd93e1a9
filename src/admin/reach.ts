import ipaddr from "ipaddr.js";
import { type Address, formatAddress, isLocalhost } from "../address.ts";
import { UsageError } from "../errors.ts";

/** Whether only this machine can reach an address: a Unix-domain socket, or loopback. */
export function isLocal(address: Address): boolean {
  if (address.transport === "unix") return true;
  return address.hostname !== undefined &&
    (isLocalhost(address.hostname) || isLoopbackIp(address.hostname));
}

/** Whether a text is an IP address of the loopback interface; no names, no short forms. */
export function isLoopbackIp(text: string): boolean {
  if (!ipaddr.IPv4.isValidFourPartDecimal(text) && !ipaddr.IPv6.isValid(text)) return false;
  return ipaddr.process(text).range() === "loopback";
}

/**
 * Sees to it that nobody on another machine can change anything without a token.
 *
 * @throws {UsageError} If the address can be reached from other machines and there is no token.
 */
export function requireToken(address: Address, options: { token: boolean }): void {
  if (options.token || isLocal(address)) return;
  throw new UsageError(
    `--admin ${JSON.stringify(formatAddress(address))}: can be reached from other machines; must ` +
      "be an address of loopback such as 127.0.0.1:9090, or unix:/path, unless " +
      "--admin-token-file is given",
  );
}
