import ipaddr from "ipaddr.js";
import { shortIp, type SocketAddress, type TcpEnd } from "../address.ts";
import { FIXED_LENGTH, type ProxiedEnds, SIGNATURE } from "./header.ts";

/** The versions of the PROXY protocol: 1 is a line of text, 2 is binary. */
export type ProxyVersion = "v1" | "v2";

const encoder = new TextEncoder();

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
  let [from, to] = [bytesOf(ipOf(source)), bytesOf(ipOf(destination))];
  if (from.length !== to.length) [from, to] = [mapped(from), mapped(to)];
  const { length } = from;
  const header = blank(PROXY, length === 4 ? TCP4 : TCP6, 2 * length + 2 * PORT_LENGTH);
  header.set(from, FIXED_LENGTH);
  header.set(to, FIXED_LENGTH + length);
  const ports = new DataView(header.buffer, FIXED_LENGTH + 2 * length);
  ports.setUint16(0, source.port);
  ports.setUint16(PORT_LENGTH, destination.port);
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

function bytesOf(ip: string): number[] {
  return isIpv6(ip) ? ipaddr.IPv6.parse(ip).toByteArray() : ip.split(".").map(Number);
}

/** Four bytes of IPv4 as sixteen of IPv6; sixteen as they are. */
function mapped(bytes: number[]): number[] {
  return bytes.length === 4 ? [...new Array(10).fill(0), 0xff, 0xff, ...bytes] : bytes;
}

function pathOf({ path }: Extract<SocketAddress, { transport: "unix" }>): Uint8Array {
  return encoder.encode(path ?? "").subarray(0, PATH_LENGTH);
}
