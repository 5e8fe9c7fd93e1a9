import type { SocketAddress } from "../address.ts";

/**
 * The PROXY protocol: who a connection is really from, written before everything else on it.
 *
 * @see https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt
 */
export interface ProxyHeader {
  readonly version: 1 | 2;
  /** `local`: whoever sends it speaks for itself, such as to see whether anybody listens. */
  readonly command: "local" | "proxy";
  /** The ends of the client's connection; absent if the header does not tell them. */
  readonly ends: ProxiedEnds | undefined;
  /** How many bytes it is long: what follows is payload. */
  readonly length: number;
}

/** The two ends of a connection that is forwarded. */
export interface ProxiedEnds {
  readonly source: SocketAddress;
  readonly destination: SocketAddress;
}

/** What the bytes that have come so far are: a header, its beginning, or neither, and why not. */
export type Reading =
  | { readonly kind: "header"; readonly header: ProxyHeader }
  | { readonly kind: "more" }
  | { readonly kind: "bad"; readonly problem: string };

/** How a header of version 2 begins. */
export const SIGNATURE: readonly number[] = [
  ...[0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a],
];

/** The bytes of version 2 before the addresses: signature, command, family, length. */
export const FIXED_LENGTH = 16;

/** Most bytes of a header, whatever it has beside the addresses. */
export const MAX_HEADER = 4096;

/** The type of the value that holds a checksum of the whole header, CRC32C. */
export const TYPE_CRC32C = 0x03;

/** So far it is the beginning of one. */
export const MORE: Reading = { kind: "more" };

/** It is no header. */
export function bad(problem: string): Reading {
  return { kind: "bad", problem };
}
