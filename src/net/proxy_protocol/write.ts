import ipaddr from "ipaddr.js";
import { shortIp, type SocketAddress, type TcpEnd } from "../address.ts";

/** The versions of the PROXY protocol: 1 is a line of text, 2 is binary. */
export type ProxyVersion = "v1" | "v2";

/** The connection that a header tells of: who has connected, and to which address. */
export interface ProxiedEnds {
  readonly client: SocketAddress;
  readonly listener: SocketAddress;
}

const encoder = new TextEncoder();

const SIGNATURE = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a];

/** The 13th byte: version 2 with its command. */
const LOCAL = 0x20;
const PROXY = 0x21;

/** The 14th byte: the family of the addresses, and that the connection is a stream. */
const UNSPEC = 0x00;
const TCP4 = 0x11;
const TCP6 = 0x21;
const UNIX = 0x31;

/** Bytes before the addresses, of a port, and of a path. */
const FIXED_LENGTH = 16;
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
  const { client, listener } = ends ?? {};
  if (client?.transport !== "tcp" || listener?.transport !== "tcp") {
    return encoder.encode("PROXY UNKNOWN\r\n");
  }
  const [source, destination] = [ipOf(client), ipOf(listener)];
  const ports = `${client.port} ${listener.port}\r\n`;
  if (!isIpv6(source) && !isIpv6(destination)) {
    return encoder.encode(`PROXY TCP4 ${source} ${destination} ${ports}`);
  }
  return encoder.encode(`PROXY TCP6 ${hexadecimal(source)} ${hexadecimal(destination)} ${ports}`);
}

function binaryHeader(ends: ProxiedEnds | undefined): Uint8Array<ArrayBuffer> {
  const { client, listener } = ends ?? {};
  if (client?.transport === "tcp" && listener?.transport === "tcp") {
    return binaryTcpHeader(client, listener);
  }
  if (client?.transport === "unix" && listener?.transport === "unix") {
    const [source, destination] = [pathOf(client), pathOf(listener)];
    if (source.length > 0) {
      const header = blank(PROXY, UNIX, 2 * PATH_LENGTH);
      header.set(source, FIXED_LENGTH);
      header.set(destination, FIXED_LENGTH + PATH_LENGTH);
      return header;
    }
  }
  return blank(LOCAL, UNSPEC, 0);
}

function binaryTcpHeader(client: TcpEnd, listener: TcpEnd): Uint8Array<ArrayBuffer> {
  let [source, destination] = [bytesOf(ipOf(client)), bytesOf(ipOf(listener))];
  if (source.length !== destination.length) {
    [source, destination] = [mapped(source), mapped(destination)];
  }
  const { length } = source;
  const header = blank(PROXY, length === 4 ? TCP4 : TCP6, 2 * length + 2 * PORT_LENGTH);
  header.set(source, FIXED_LENGTH);
  header.set(destination, FIXED_LENGTH + length);
  const ports = new DataView(header.buffer, FIXED_LENGTH + 2 * length);
  ports.setUint16(0, client.port);
  ports.setUint16(PORT_LENGTH, listener.port);
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
