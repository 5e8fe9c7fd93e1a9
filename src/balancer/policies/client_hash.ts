import { murmur3 } from "../../base/murmur.ts";
import type { SocketAddress } from "../../net/address.ts";
import { type AddressMask, MaskedAddress } from "../../net/masked_address.ts";

/**
 * A number of 32 bits for each network of clients: MurmurHash3 of the bytes of the address, 4 or 16 of
 * them, of which those beyond the mask are 0. A mapped IPv4 address is an IPv4 address.
 */
export class ClientHash {
  readonly #masked: MaskedAddress;

  constructor(mask: AddressMask) {
    this.#masked = new MaskedAddress(mask);
  }

  /** The number of a client's address; `undefined` if it has none, as clients of UNIX sockets. */
  of(address: SocketAddress): number | undefined {
    if (address.transport === "unix") return undefined;
    const bytes = this.#masked.bytesOf(address.hostname);
    return bytes && murmur3(bytes);
  }
}
