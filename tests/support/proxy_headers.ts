import { crc32c } from "../../src/net/proxy_protocol/crc32c.ts";
import type { Random } from "./random.ts";

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
  const all = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) all[i] = text.charCodeAt(i);
  return all;
}

/** Several texts or bytes as one. */
export function joined(...parts: (string | Uint8Array)[]): Uint8Array<ArrayBuffer> {
  const arrays = parts.map((part) => typeof part === "string" ? bytes(part) : part);
  const all = new Uint8Array(arrays.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const array of arrays) {
    all.set(array, at);
    at += array.length;
  }
  return all;
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

/** A header and whom it names; `peer` if it names nobody. */
export interface Sample {
  readonly header: Uint8Array<ArrayBuffer>;
  readonly client: string;
}

/** So many headers of every kind. */
export function samples(random: Random, number: number): Sample[] {
  return Array.from(
    { length: number },
    () => random.chance(0.5) ? sampleV1(random) : sampleV2(random),
  );
}

function sampleV1(random: Random): Sample {
  const port = random.below(65536);
  switch (random.below(4)) {
    case 0: {
      const rest = random.chance(0.5) ? "" : " " + "\xff".repeat(random.below(90));
      return { header: bytes(`PROXY UNKNOWN${rest}\r\n`), client: "peer" };
    }
    case 1: {
      const host = `2001:db8::${(1 + random.below(0xffff)).toString(16)}`;
      const header = bytes(`PROXY TCP6 ${host.toUpperCase()} ::1 ${port} 1\r\n`);
      return { header, client: `[${host}]:${port}` };
    }
    default: {
      const host = Array.from({ length: 4 }, () => random.below(256)).join(".");
      return {
        header: bytes(`PROXY TCP4 ${host} 192.0.2.1 ${port} 65535\r\n`),
        client: `${host}:${port}`,
      };
    }
  }
}

function sampleV2(random: Random): Sample {
  const values = Array.from({ length: random.below(4) }, () => {
    return [0xe0 + random.below(16), "v".repeat(random.below(300))] as const;
  });
  const rest = { values, checksum: random.chance(0.3) };
  const port = random.below(65536);
  const ports = String.fromCharCode(port >> 8, port & 0xff, 0, 1);
  const ip = Array.from({ length: 4 }, () => random.below(256));
  switch (random.below(5)) {
    case 0:
      return {
        header: v2({ ...rest, command: 0x20, kind: 0x11, block: bytes("") }),
        client: "peer",
      };
    case 1: {
      const paths = ["/run/client", "/run/server"].map((path) => path.padEnd(108, "\0"));
      return {
        header: v2({ ...rest, kind: 0x31, block: bytes(paths.join("")) }),
        client: "unix:/run/client",
      };
    }
    case 2: {
      const mapped = "\0".repeat(10) + "\xff\xff" + String.fromCharCode(...ip);
      const block = bytes(mapped + "\0".repeat(16) + ports);
      return { header: v2({ ...rest, kind: 0x21, block }), client: `${ip.join(".")}:${port}` };
    }
    default: {
      const block = bytes(String.fromCharCode(...ip, 192, 0, 2, 1) + ports);
      return { header: v2({ ...rest, kind: 0x11, block }), client: `${ip.join(".")}:${port}` };
    }
  }
}
