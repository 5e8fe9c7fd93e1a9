import { type Address, AddressError, formatAddress, parseAddress } from "../net/address.ts";

/** The text that stands for no address. */
const OFF = "off";

/**
 * Reads the option `admin`: `null` for `off`, otherwise an address whose host is 127.0.0.1 unless
 * one is given, so that a bare port is never open to other machines; `undefined` if it is neither.
 */
export function parseAdmin(text: string): Address | null | undefined {
  if (text === OFF) return null;
  try {
    const address = parseAddress(text, { minPort: 0 });
    if (address.transport === "unix") return address;
    return { ...address, hostname: address.hostname ?? "127.0.0.1" };
  } catch (error) {
    if (error instanceof AddressError) return undefined;
    throw error;
  }
}

/** The text that {@linkcode parseAdmin} reads back as the same address. */
export function formatAdmin(address: Address | null): string {
  return address === null ? OFF : formatAddress(address);
}
