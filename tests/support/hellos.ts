import { bytes, joined } from "./proxy_headers.ts";
import type { Random } from "./random.ts";

/** What a ClientHello is made of; each part may be something that no client would send. */
export interface HelloParts {
  /** Names of hosts, of which most clients send one; no such extension unless given. */
  names?: readonly (string | { type: number; name: string })[];
  alpn?: readonly string[];
  versions?: readonly number[];
  /** The version in the old place. */
  legacy?: number;
  session?: string;
  ciphers?: string;
  compressions?: string;
  /** Further extensions, before the others. */
  extensions?: readonly (readonly [type: number, data: string | Uint8Array])[];
  /** Nothing behind the compressions, as clients of SSL 3 have it. */
  bare?: boolean;
  /** Something behind the extensions. */
  behind?: string;
}

/** A GREASE number of RFC 8701. */
export const GREASE = "\x5a\x5a";

/** A number in so many bytes. */
export function number(value: number, size: number): string {
  let text = "";
  for (; size > 0; size--, value = Math.floor(value / 256)) {
    text = String.fromCharCode(value % 256) + text;
  }
  return text;
}

/** A piece with its length before it. */
export function piece(data: string | Uint8Array, size: number): Uint8Array<ArrayBuffer> {
  return joined(number(data.length, size), data);
}

/** The message, without records around it. */
export function helloMessage(parts: HelloParts = {}): Uint8Array<ArrayBuffer> {
  const { names, alpn, versions, extensions = [] } = parts;
  const list: (readonly [number, string | Uint8Array])[] = [...extensions];
  if (names) {
    const entries = names.map((one) => typeof one === "string" ? { type: 0, name: one } : one);
    const all = entries.map(({ type, name }) => joined(number(type, 1), piece(name, 2)));
    list.push([0, piece(joined(...all), 2)]);
  }
  if (versions) list.push([43, piece(versions.map((one) => number(one, 2)).join(""), 1)]);
  if (alpn) list.push([16, piece(joined(...alpn.map((one) => piece(one, 1))), 2)]);
  const body = joined(
    number(parts.legacy ?? 0x0303, 2),
    "r".repeat(32),
    piece(parts.session ?? "s".repeat(32), 1),
    piece(parts.ciphers ?? "\x13\x01\xc0\x2f", 2),
    piece(parts.compressions ?? "\0", 1),
    parts.bare
      ? ""
      : piece(joined(...list.map(([type, data]) => joined(number(type, 2), piece(data, 2)))), 2),
    parts.behind ?? "",
  );
  return joined("\x01", piece(body, 3));
}

/** A message in records, of so many bytes each; one record unless given. */
export function inRecords(
  message: Uint8Array,
  size: (left: number) => number = (left) => Math.min(left, 2 ** 14),
): Uint8Array<ArrayBuffer> {
  const records: Uint8Array[] = [];
  for (let at = 0; at < message.length;) {
    const length = size(message.length - at);
    records.push(bytes("\x16\x03\x01"), piece(message.subarray(at, at + length), 2));
    at += length;
  }
  return joined(...records);
}

/** A ClientHello as clients send it, in one record. */
export function hello(parts: HelloParts = {}): Uint8Array<ArrayBuffer> {
  return inRecords(helloMessage(parts));
}

/** The hello of a client that speaks SSL 2, as OpenSSL 0.9 sent it. */
export const SSL2_HELLO = joined("\x80\x2e\x01\x03\x01\0\x15\0\0\0\x10", "c".repeat(21 + 16));

/** A hello at random that is right, in records at random, with what it says. */
export function randomHello(random: Random): {
  bytes: Uint8Array<ArrayBuffer>;
  name: string | undefined;
  alpn: string[];
} {
  const name = random.chance(0.8) ? randomName(random) : undefined;
  const alpn = random.chance(0.5) ? [] : ["h2", "http/1.1", "acme-tls/1"].slice(random.below(3));
  const message = helloMessage({
    ...name !== undefined && { names: [name.toUpperCase()] },
    ...alpn.length > 0 && { alpn: [GREASE, ...alpn] },
    ...random.chance(0.8) && { versions: [0x6a6a, 0x0304, 0x0303] },
    session: "s".repeat(random.below(33)),
    extensions: [[0x0a0a, ""], [51, "k".repeat(random.below(random.chance(0.1) ? 20_000 : 1500))]],
  });
  const most = random.pick([5, 100, 4000, 2 ** 14]);
  const small = message.length > 2000 ? Math.max(most, 100) : most;
  const size = (left: number) => Math.min(left, 1 + random.below(small));
  return { bytes: inRecords(message, size), name, alpn };
}

function randomName(random: Random): string {
  const labels = Array.from({ length: 1 + random.below(4) }, () => {
    const length = 1 + random.below(20);
    return Array.from({ length }, () => random.pick([..."abcxyz019-_"])).join("");
  });
  return labels.join(".");
}
