import { murmur3 } from "../../base/murmur.ts";
import type { HashMask } from "../../config/values/hash_mask.ts";
import type { SocketAddress } from "../../net/address.ts";
import { maskOf, writeIp } from "../../net/ip_bytes.ts";

/**
 * A number of 32 bits for each network of clients: MurmurHash3 of the bytes of the address, 4 or 16 of
 * them, of which those beyond the mask are 0. A mapped IPv4 address is an IPv4 address.
 */
export class ClientHash {
  /** The bytes of the address at hand. */
  readonly #bytes = new Uint8Array(16);
  readonly #masks: { readonly v4: Uint8Array; readonly v6: Uint8Array };

  constructor({ v4, v6 }: HashMask) {
    this.#masks = { v4: maskOf(v4, 4), v6: maskOf(v6, 16) };
  }

  /** The number of a client's address; `undefined` if it has none, as clients of UNIX sockets. */
  of(address: SocketAddress): number | undefined {
    if (address.transport === "unix") return undefined;
    const bytes = this.#bytes;
    const length = writeIp(address.hostname, bytes);
    if (length === 0) return undefined;
    const mask = length === 4 ? this.#masks.v4 : this.#masks.v6;
    for (let i = 0; i < length; i++) bytes[i]! &= mask[i]!;
    return murmur3(bytes, { length });
  }
}
