import type { SocketAddress } from "./address.ts";
import { type AddressMask, MaskedAddress } from "./masked_address.ts";

/**
 * Which network a client is in, where clients are told apart by the leading bits of their addresses:
 * one who has a network of IPv6 has as many addresses as it likes.
 */
export class ClientNetworks {
  /** Whether all of an IPv4 address counts. */
  readonly #wholeV4: boolean;
  readonly #masked: MaskedAddress;

  constructor(mask: AddressMask) {
    this.#wholeV4 = mask.v4 === 32;
    this.#masked = new MaskedAddress(mask);
  }

  /**
   * What stands for the network of an address, a short text that is nobody else's; `undefined` if it
   * has none, as clients of UNIX sockets. A mapped IPv4 address is an IPv4 address.
   */
  of(address: SocketAddress): string | undefined {
    if (address.transport === "unix") return undefined;
    const { hostname } = address;
    if (this.#wholeV4 && !hostname.includes(":")) return hostname;
    const bytes = this.#masked.bytesOf(hostname);
    if (!bytes) return hostname;
    if (this.#wholeV4 && bytes.length === 4) {
      return `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}`;
    }
    let text = "";
    for (let i = 0; i < bytes.length; i++) text += String.fromCharCode(bytes[i]!);
    return text;
  }
}
