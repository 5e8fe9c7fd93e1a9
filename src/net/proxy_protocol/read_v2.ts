import type { SocketAddress } from "../address.ts";
import { crc32c } from "./crc32c.ts";
import {
  bad,
  FIXED_LENGTH,
  MAX_HEADER,
  MORE,
  type ProxiedEnds,
  type Reading,
  SIGNATURE,
  TYPE_CRC32C,
} from "./header.ts";
import { ipv6Text } from "./ip_text.ts";

/** Bytes of one path of a UNIX socket. */
const PATH_LENGTH = 108;

/** The addresses of a family: how many bytes, and what they say. */
interface Family {
  readonly length: number;
  read(block: Uint8Array): ProxiedEnds;
}

/** By the four bits that name them; the others leave the addresses unsaid. */
const FAMILIES: readonly (Family | undefined)[] = [
  undefined,
  { length: 12, read: (block) => ipEnds(block, { size: 4, textOf: ipv4At }) },
  { length: 36, read: (block) => ipEnds(block, { size: 16, textOf: ipv6At }) },
  {
    length: 2 * PATH_LENGTH,
    read: (block) => ({
      source: unixAddress(block.subarray(0, PATH_LENGTH)),
      destination: unixAddress(block.subarray(PATH_LENGTH)),
    }),
  },
];

/** The four bits of connections and of datagrams; others leave the addresses unsaid. */
const TRANSPORTS: readonly number[] = [1, 2];

/** Reads a header of version 2, which is binary. The bytes begin with {@linkcode SIGNATURE}. */
export function readV2(bytes: Uint8Array): Reading {
  const at = SIGNATURE.length;
  if (bytes.length === at) return MORE;
  const [version, command] = [bytes[at]! >> 4, bytes[at]! & 0xf];
  if (version !== 2) return bad(`version ${version} in the signature of version 2`);
  if (command > 1) return bad(`version 2 with the unknown command ${command}`);
  if (bytes.length < FIXED_LENGTH) return MORE;
  const length = FIXED_LENGTH + uint16(bytes, at + 2);
  if (length > MAX_HEADER) {
    return bad(`version 2 with ${length} bytes, more than ${MAX_HEADER}`);
  }
  const kind = bytes[at + 1]!;
  const named = command === 1 && TRANSPORTS.includes(kind & 0xf) ? FAMILIES[kind >> 4] : undefined;
  const begin = FIXED_LENGTH + (named?.length ?? 0);
  if (length < begin) return bad(`version 2 with ${length} bytes, too few for its addresses`);
  if (bytes.length < length) return MORE;
  const problem = named && problemOf(bytes.subarray(0, length), begin);
  if (problem !== undefined) return bad(`version 2 ${problem}`);
  return {
    kind: "header",
    header: {
      version: 2,
      command: command === 0 ? "local" : "proxy",
      ends: named?.read(bytes.subarray(FIXED_LENGTH, begin)),
      length,
    },
  };
}

/** What is wrong with the values behind the addresses: type, length, as many bytes. */
function problemOf(header: Uint8Array, begin: number): string | undefined {
  let checked = false;
  for (let at = begin; at < header.length;) {
    const value = at + 3;
    const length = value <= header.length ? uint16(header, at + 1) : 0;
    if (value + length > header.length) return "with a value that is longer than the header";
    if (header[at] === TYPE_CRC32C) {
      if (length !== 4) return `with a checksum of ${length} bytes instead of 4`;
      // Each takes its time, and there is room for hundreds.
      if (checked) return "with more than one checksum";
      checked = true;
      const told = uint16(header, value) * 0x10000 + uint16(header, value + 2);
      if (crc32c(header, { zeroAt: value }) !== told) return "with a wrong checksum";
    }
    at = value + length;
  }
  return undefined;
}

function ipEnds(
  block: Uint8Array,
  { size, textOf }: { size: number; textOf: (block: Uint8Array, at: number) => string },
): ProxiedEnds {
  return {
    source: { transport: "tcp", hostname: textOf(block, 0), port: uint16(block, 2 * size) },
    destination: {
      transport: "tcp",
      hostname: textOf(block, size),
      port: uint16(block, 2 * size + 2),
    },
  };
}

function ipv4At(block: Uint8Array, at: number): string {
  return block.subarray(at, at + 4).join(".");
}

function ipv6At(block: Uint8Array, at: number): string {
  return ipv6Text(Array.from({ length: 8 }, (_, i) => uint16(block, at + 2 * i)));
}

/**
 * The path ends at the first NUL, but for one that the name of an abstract socket begins with. One
 * that would break a line of a log, as none of this machine's would, is left unsaid.
 */
function unixAddress(bytes: Uint8Array): SocketAddress {
  const end = bytes.indexOf(0, 1);
  const path = new TextDecoder().decode(end === -1 ? bytes : bytes.subarray(0, end));
  // deno-lint-ignore no-control-regex -- exactly these
  const shown = path !== "\0" && !/[\x01-\x1f\x7f-\x9f\u2028\u2029]/.test(path);
  return { transport: "unix", path: shown ? path : null };
}

function uint16(bytes: Uint8Array, at: number): number {
  return bytes[at]! << 8 | bytes[at + 1]!;
}
