import { writeIp } from "./ip_bytes.ts";

/** How many leading bits of an IPv4 and of an IPv6 address count. */
export interface AddressMask {
  readonly v4: number;
  readonly v6: number;
}

/** Whether both are the same. */
export function isSameMask(one: AddressMask, other: AddressMask): boolean {
  return one.v4 === other.v4 && one.v6 === other.v6;
}

/** Reads IP addresses of which only the leading bits count, without making anything new. */
export class MaskedAddress {
  /** The bytes of the address at hand. */
  readonly #bytes = new Uint8Array(16);
  /** The same, of an IPv4 address. */
  readonly #v4 = this.#bytes.subarray(0, 4);
  readonly #masks: { readonly v4: Uint8Array; readonly v6: Uint8Array };

  constructor({ v4, v6 }: AddressMask) {
    this.#masks = { v4: maskOf(v4, 4), v6: maskOf(v6, 16) };
  }

  /**
   * The bytes of an address, 4 or 16 of them, those beyond the mask being 0; `undefined` if the text is
   * no IP address. A mapped IPv4 address is an IPv4 address. They are gone with the next call.
   */
  bytesOf(text: string): Uint8Array | undefined {
    const length = writeIp(text, this.#bytes);
    if (length === 0) return undefined;
    const bytes = length === 4 ? this.#v4 : this.#bytes;
    const mask = length === 4 ? this.#masks.v4 : this.#masks.v6;
    for (let i = 0; i < length; i++) bytes[i]! &= mask[i]!;
    return bytes;
  }
}

/** So many leading ones in so many bytes. */
function maskOf(bits: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => {
    const ones = Math.min(Math.max(bits - 8 * i, 0), 8);
    return 0xff << 8 - ones & 0xff;
  });
}
