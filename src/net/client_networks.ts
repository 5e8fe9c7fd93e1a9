import type { SocketAddress } from "./address.ts";
import { type AddressMask, maskOf, writeIp } from "./ip_bytes.ts";

/**
 * Which network a client is in, where clients are told apart by the leading bits of their addresses:
 * one who has a network of IPv6 has as many addresses as it likes.
 */
export class ClientNetworks {
  readonly #mask: AddressMask;
  readonly #masks: { readonly v4: Uint8Array; readonly v6: Uint8Array };
  /** The bytes of the address at hand. */
  readonly #bytes = new Uint8Array(16);

  constructor(mask: AddressMask) {
    this.#mask = mask;
    this.#masks = { v4: maskOf(mask.v4, 4), v6: maskOf(mask.v6, 16) };
  }

  /**
   * What stands for the network of an address, a short text that is nobody else's; `undefined` if it
   * has none, as clients of UNIX sockets. A mapped IPv4 address is an IPv4 address.
   */
  of(address: SocketAddress): string | undefined {
    if (address.transport === "unix") return undefined;
    const { hostname } = address;
    if (this.#mask.v4 === 32 && !hostname.includes(":")) return hostname;
    const bytes = this.#bytes;
    const length = writeIp(hostname, bytes);
    if (length === 0) return hostname;
    if (length === 4 && this.#mask.v4 === 32) {
      return `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}`;
    }
    const mask = length === 4 ? this.#masks.v4 : this.#masks.v6;
    let text = "";
    for (let i = 0; i < length; i++) text += String.fromCharCode(bytes[i]! & mask[i]!);
    return text;
  }
}
