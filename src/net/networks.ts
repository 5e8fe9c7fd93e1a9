import ipaddr from "ipaddr.js";
import type { SocketAddress } from "./address.ts";

/** Whether clients of an address range are admitted. */
export type Verdict = "allow" | "deny";

/** A range of addresses: data that can be sent to another thread. */
export interface Network {
  /** The address of the network: 4 bytes of IPv4, or 16 of IPv6. */
  readonly network: readonly number[];
  /** How many leading bits of the network count. */
  readonly bits: number;
}

/** One entry of `--allow` or `--deny`. */
export interface AccessRule extends Network {
  readonly verdict: Verdict;
}

/** One entry of a list of peers: a range of addresses, or whoever is on a UNIX socket. */
export type Peers = Network | "unix";

/** What {@linkcode parseNetworks} takes, in words for a message. */
export const NETWORK_FORMS =
  'addresses or CIDR ranges separated by commas, such as "10.0.0.0/8,2001:db8::/32,192.0.2.1"';

/**
 * Reads a comma-separated list of addresses and CIDR ranges; `undefined` if it is not one.
 *
 * An IPv4 range mapped into IPv6 is an IPv4 range, so that it is the same however a socket reports
 * its peers.
 */
export function parseNetworks(text: string, verdict: Verdict): AccessRule[] | undefined {
  const networks = text.split(",").map((part) => parseNetwork(part.trim()));
  if (!networks.every((network) => network !== undefined)) return undefined;
  return networks.map((network) => ({ verdict, ...network }));
}

/** Reads a list of peers: the same with the word `unix`; `none` is an empty one. */
export function parsePeers(text: string): Peers[] | undefined {
  if (text === "none") return [];
  const peers = text.split(",").map((part) => {
    return part.trim() === "unix" ? "unix" : parseNetwork(part.trim());
  });
  return peers.every((one) => one !== undefined) ? peers : undefined;
}

function parseNetwork(text: string): Network | undefined {
  const [, address, prefix] = /^([^/]+?)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  if (address === undefined || !isAddress(address)) return undefined;
  const ip = ipaddr.parse(address);
  const size = ip.kind() === "ipv4" ? 32 : 128;
  const bits = prefix === undefined ? size : Number(prefix);
  if (bits > size) return undefined;
  if (ip instanceof ipaddr.IPv6 && ip.isIPv4MappedAddress() && bits >= 96) {
    return { network: ip.toIPv4Address().toByteArray(), bits: bits - 96 };
  }
  return { network: ip.toByteArray(), bits };
}

function isAddress(text: string): boolean {
  // Longer than any; the library takes its time with what is very long.
  if (text.length > 64) return false;
  // The runtime tells no zone of a peer: one in a list would mean every zone.
  if (text.includes("%")) return false;
  return ipaddr.IPv6.isValid(text) || ipaddr.IPv4.isValidFourPartDecimal(text);
}

/** The text of a network; of a rule without its verdict. */
export function formatNetwork({ network, bits }: Network): string {
  return `${ipaddr.fromByteArray([...network])}/${bits}`;
}

/** The text of a list of peers. */
export function formatPeers(peers: readonly Peers[]): string {
  return peers.map((one) => one === "unix" ? one : formatNetwork(one)).join(",") || "none";
}

/** Whether the first rule that matches a client's address, if any does, admits it. */
export function isAllowed(rules: readonly AccessRule[], address: string): boolean {
  if (rules.length === 0) return true;
  const bytes = ipaddr.process(address).toByteArray();
  return rules.find((rule) => isWithin(bytes, rule))?.verdict !== "deny";
}

/** Whether an end of a connection is in a list of peers. */
export function isPeerOf(peers: readonly Peers[], address: SocketAddress): boolean {
  if (address.transport === "unix") return peers.includes("unix");
  const bytes = ipaddr.process(address.hostname).toByteArray();
  return peers.some((one) => one !== "unix" && isWithin(bytes, one));
}

/** Whether an address, 4 or 16 bytes, is in a network. */
export function isWithin(address: ArrayLike<number>, { network, bits }: Network): boolean {
  if (address.length !== network.length) return false;
  const whole = bits >> 3;
  for (let i = 0; i < whole; i++) if (address[i] !== network[i]) return false;
  const rest = bits & 7;
  return rest === 0 || (address[whole]! ^ network[whole]!) >> (8 - rest) === 0;
}
