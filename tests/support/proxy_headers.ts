import { crc32c } from "../../src/net/proxy_protocol/crc32c.ts";

/** The twelve bytes that begin a header of version 2, as the specification gives them. */
export const SIGNATURE_V2 = "\r\n\r\n\0\r\nQUIT\n";

/** A header of version 1 of IPv4, and whose it says the connection is. */
export const V1 = {
  header: bytes("PROXY TCP4 203.0.113.7 198.51.100.1 56324 443\r\n"),
  client: "203.0.113.7:56324",
  listener: "198.51.100.1:443",
};

/** A header of version 2 of IPv6 with some values behind the addresses. */
export const V2 = {
  header: v2({ kind: 0x21, block: ipv6Block(), values: [[0x05, "an id"], [0x04, "\0\0\0"]] }),
  client: "[2001:db8::7]:56324",
  listener: "[2001:db8::1]:443",
};

/** Text as bytes, one for each character. */
export function bytes(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

/** Several texts or bytes as one. */
export function joined(...parts: (string | Uint8Array)[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(parts.flatMap((part) => [
    ...typeof part === "string" ? bytes(part) : part,
  ]));
}

/** The addresses and ports of {@linkcode V2}. */
export function ipv6Block(): Uint8Array {
  const network = "\x20\x01\x0d\xb8" + "\0".repeat(11);
  return bytes(network + "\x07" + network + "\x01" + "\xdc\x04" + "\x01\xbb");
}

/** A header of version 2, made by hand. */
export function v2(parts: {
  /** Version and command; PROXY unless given. */
  command?: number;
  /** Family and transport. */
  kind: number;
  block: Uint8Array;
  values?: readonly (readonly [type: number, value: string])[];
  /** Whether a checksum is the last of the values. */
  checksum?: boolean;
}): Uint8Array<ArrayBuffer> {
  const { command = 0x21, kind, block, values = [], checksum = false } = parts;
  const all = checksum ? [...values, [0x03, "\0\0\0\0"] as const] : values;
  const behind = joined(
    block,
    ...all.flatMap(([type, value]) => [
      String.fromCharCode(type, value.length >> 8, value.length & 0xff),
      value,
    ]),
  );
  const begin = String.fromCharCode(command, kind, behind.length >> 8, behind.length & 0xff);
  const header = joined(SIGNATURE_V2, begin, behind);
  if (checksum) new DataView(header.buffer).setUint32(header.length - 4, crc32c(header));
  return header;
}
