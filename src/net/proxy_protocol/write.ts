import ipaddr from "ipaddr.js";
import { shortIp, type SocketAddress, type TcpEnd } from "../address.ts";
import { FIXED_LENGTH, type ProxiedEnds, SIGNATURE } from "./header.ts";

/** The versions of the PROXY protocol: 1 is a line of text, 2 is binary. */
export type ProxyVersion = "v1" | "v2";

const encoder = new TextEncoder();

/** The code of the first digit; that of a full stop is less. */
const ZERO = 48;

/** The 13th byte: version 2 with its command. */
const LOCAL = 0x20;
const PROXY = 0x21;

/** The 14th byte: the family of the addresses, and that the connection is a stream. */
const UNSPEC = 0x00;
const TCP4 = 0x11;
const TCP6 = 0x21;
const UNIX = 0x31;

/** Bytes of a port, and of a path. */
const PORT_LENGTH = 2;
const PATH_LENGTH = 108;

/**
 * The header that stands before the first byte of a connection.
 *
 * An IPv4 address together with an IPv6 one is written as that address mapped into IPv6. Paths of
 * UNIX sockets are there in version 2 only, and if the client has one, which few have: HAProxy and
 * nginx refuse them, though the specification has them ignored. Who cannot be told of is `UNKNOWN` in
 * version 1, and `LOCAL` in version 2, which every receiver must accept.
 *
 * @param ends Absent if the connection is for nobody: a check.
 * @see https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt
 */
export function proxyHeader(version: ProxyVersion, ends?: ProxiedEnds): Uint8Array<ArrayBuffer> {
  return version === "v1" ? textHeader(ends) : binaryHeader(ends);
}

function textHeader(ends: ProxiedEnds | undefined): Uint8Array<ArrayBuffer> {
  const { source, destination } = ends ?? {};
  if (source?.transport !== "tcp" || destination?.transport !== "tcp") {
    return encoder.encode("PROXY UNKNOWN\r\n");
  }
  const [from, to] = [ipOf(source), ipOf(destination)];
  const ports = `${source.port} ${destination.port}\r\n`;
  if (!isIpv6(from) && !isIpv6(to)) return encoder.encode(`PROXY TCP4 ${from} ${to} ${ports}`);
  return encoder.encode(`PROXY TCP6 ${hexadecimal(from)} ${hexadecimal(to)} ${ports}`);
}

function binaryHeader(ends: ProxiedEnds | undefined): Uint8Array<ArrayBuffer> {
  const { source, destination } = ends ?? {};
  if (source?.transport === "tcp" && destination?.transport === "tcp") {
    return binaryTcpHeader(source, destination);
  }
  if (source?.transport === "unix" && destination?.transport === "unix" && source.path) {
    const header = blank(PROXY, UNIX, 2 * PATH_LENGTH);
    header.set(pathOf(source), FIXED_LENGTH);
    header.set(pathOf(destination), FIXED_LENGTH + PATH_LENGTH);
    return header;
  }
  return blank(LOCAL, UNSPEC, 0);
}

function binaryTcpHeader(source: TcpEnd, destination: TcpEnd): Uint8Array<ArrayBuffer> {
  const from = ipOf(source);
  const to = ipOf(destination);
  const size = isIpv6(from) || isIpv6(to) ? 16 : 4;
  const header = blank(PROXY, size === 4 ? TCP4 : TCP6, 2 * size + 2 * PORT_LENGTH);
  const place = header.subarray(FIXED_LENGTH);
  setIp(place.subarray(0, size), from);
  setIp(place.subarray(size, 2 * size), to);
  setPort(place.subarray(2 * size), source.port);
  setPort(place.subarray(2 * size + PORT_LENGTH), destination.port);
  return header;
}

/** A header of version 2 without its addresses. */
function blank(command: number, family: number, length: number): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(FIXED_LENGTH + length);
  header.set(SIGNATURE);
  header[12] = command;
  header[13] = family;
  header[15] = length;
  return header;
}

/** What dual-stack sockets report of IPv4 is IPv4. */
function ipOf({ hostname }: TcpEnd): string {
  return shortIp(hostname);
}

function isIpv6(ip: string): boolean {
  return ip.includes(":");
}

/** An address of IPv6 as the protocol wants it, without decimal parts; one of IPv4 is mapped. */
function hexadecimal(ip: string): string {
  return ipaddr.IPv6.parse(isIpv6(ip) ? ip : `::ffff:${ip}`).toRFC5952String().replace(/%.*/, "");
}

/** Writes an address at the beginning of its place, one of IPv4 mapped where there is more room. */
function setIp(place: Uint8Array, ip: string): void {
  if (isIpv6(ip)) return place.set(ipaddr.IPv6.parse(ip).toByteArray());
  const mapped = place.length >= 16;
  if (mapped) place.fill(0xff, 10, 12);
  let at = mapped ? 12 : 0;
  let number = 0;
  for (let i = 0; i < ip.length; i++) {
    const digit = ip.charCodeAt(i) - ZERO;
    if (digit >= 0) number = number * 10 + digit;
    else {
      place[at++] = number;
      number = 0;
    }
  }
  place[at] = number;
}

function setPort(place: Uint8Array, port: number): void {
  place[0] = port >> 8;
  place[1] = port;
}

function pathOf({ path }: Extract<SocketAddress, { transport: "unix" }>): Uint8Array {
  return encoder.encode(path ?? "").subarray(0, PATH_LENGTH);
}
