/** Most bytes of a name, with the length of each label (RFC 1035, 2.3.4). */
const MAX_NAME = 255;

/** Most pointers in a name: more than any server needs, few enough to follow for every record. */
const MAX_POINTERS = 32;

/** A message is not what it should be. */
export class MalformedError extends Error {
  override readonly name = "MalformedError";
}

/** Reads a DNS message from its beginning; whatever is not there or not allowed throws. */
export class Reader {
  /** Where the next thing is. */
  at = 0;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  uint8(): number {
    const byte = this.#bytes[this.at];
    if (byte === undefined) throw new MalformedError("it ends too early");
    this.at++;
    return byte;
  }

  uint16(): number {
    return this.uint8() << 8 | this.uint8();
  }

  uint32(): number {
    return this.uint16() * 65536 + this.uint16();
  }

  bytes(length: number): Uint8Array {
    if (this.at + length > this.#bytes.length) throw new MalformedError("it ends too early");
    return this.#bytes.subarray(this.at, this.at += length);
  }

  /**
   * A name in lower case without a dot at its end, the root as an empty text. Bytes that host names
   * do not have are written as `\DDD`, so that no two names become the same.
   *
   * Pointers lead backwards only, and there are few: no message holds the reader up.
   */
  name(): string {
    const labels: string[] = [];
    let behind: number | undefined;
    let start = this.at;
    let length = 1;
    for (let pointers = 0;;) {
      const size = this.uint8();
      if (size === 0) break;
      if (size >= 0xc0) {
        const to = (size & 0x3f) << 8 | this.uint8();
        behind ??= this.at;
        if (to >= start || ++pointers > MAX_POINTERS) {
          throw new MalformedError("a name leads around");
        }
        start = this.at = to;
        continue;
      }
      length += size + 1;
      if (size > 63 || length > MAX_NAME) throw new MalformedError("a name is too long");
      labels.push(labelOf(this.bytes(size)));
    }
    if (behind !== undefined) this.at = behind;
    return labels.join(".");
  }
}

function labelOf(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) {
    const lower = byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
    const plain = lower === 0x2d || lower === 0x5f || lower >= 0x30 && lower <= 0x39 ||
      lower >= 0x61 && lower <= 0x7a;
    text += plain ? String.fromCharCode(lower) : `\\${String(lower).padStart(3, "0")}`;
  }
  return text;
}
