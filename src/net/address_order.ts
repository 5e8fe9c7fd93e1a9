import ipaddr from "ipaddr.js";

/** A text by which IP addresses are in order: IPv4 first, then by their bytes. */
export function orderOf(address: string): string {
  const bytes = ipaddr.parse(address).toByteArray();
  const digits = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${bytes.length === 4 ? 4 : 6}${digits}`;
}
