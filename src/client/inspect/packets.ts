import { writeIp } from "../../net/ip_bytes.ts";

/** Flags of TCP. */
export const FLAGS = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16 } as const;

/** As much as a packet carries at most, which is less than a window. */
export const MOST_PAYLOAD = 32 * 1024;

const WINDOW = 65_535;
const HOPS = 64;
const PROTOCOLS = { tcp: 6, udp: 17 } as const;

/** One end: 4 or 16 bytes of its address, and its port. */
export interface PacketEnd {
  readonly ip: Uint8Array;
  readonly port: number;
}

/** Where a packet comes from, and where it goes. */
export interface Way {
  readonly from: PacketEnd;
  readonly to: PacketEnd;
}

/** What a packet of TCP says beside its payload. */
export interface TcpPart {
  readonly seq: number;
  readonly ack: number;
  readonly flags: number;
  readonly payload?: Uint8Array;
}

/** The end that a text names as `IPV4:PORT` or `[IPV6]:PORT`; `undefined` if it is none, as a path is. */
export function endOf(text: string): PacketEnd | undefined {
  const [, ipv6, ipv4, port] = /^(?:\[([^\]]+)\]|([\d.]+)):(\d{1,5})$/.exec(text) ?? [];
  const bytes = new Uint8Array(16);
  const length = writeIp(ipv6 ?? ipv4 ?? "", bytes);
  return length === 0 ? undefined : { ip: bytes.slice(0, length), port: Number(port) };
}

/** Two ends in the same version of IP, as they are in one packet. */
export function alike(one: PacketEnd, other: PacketEnd): [PacketEnd, PacketEnd] {
  if (one.ip.length === other.ip.length) return [one, other];
  return [mapped(one), mapped(other)];
}

function mapped({ ip, port }: PacketEnd): PacketEnd {
  if (ip.length === 16) return { ip, port };
  const bytes = new Uint8Array(16);
  bytes.fill(0xff, 10, 12);
  bytes.set(ip, 12);
  return { ip: bytes, port };
}

/** A packet of TCP over IP, with its checksums. */
export function tcpPacket(way: Way, { seq, ack, flags, payload }: TcpPart): Uint8Array {
  const segment = new Uint8Array(20 + (payload?.length ?? 0));
  const view = new DataView(segment.buffer);
  view.setUint16(0, way.from.port);
  view.setUint16(2, way.to.port);
  view.setUint32(4, seq % 2 ** 32);
  view.setUint32(8, flags & FLAGS.ack ? ack % 2 ** 32 : 0);
  view.setUint8(12, 5 << 4);
  view.setUint8(13, flags);
  view.setUint16(14, WINDOW);
  if (payload) segment.set(payload, 20);
  view.setUint16(16, checksumOf(segment, pseudoSum(way, segment.length, PROTOCOLS.tcp)));
  return ipPacket(way, segment, PROTOCOLS.tcp);
}

/** A packet of UDP over IP, with its checksums. */
export function udpPacket(way: Way, payload: Uint8Array): Uint8Array {
  const datagram = new Uint8Array(8 + payload.length);
  const view = new DataView(datagram.buffer);
  view.setUint16(0, way.from.port);
  view.setUint16(2, way.to.port);
  view.setUint16(4, datagram.length);
  datagram.set(payload, 8);
  const sum = checksumOf(datagram, pseudoSum(way, datagram.length, PROTOCOLS.udp));
  view.setUint16(6, sum || 0xffff);
  return ipPacket(way, datagram, PROTOCOLS.udp);
}

function ipPacket({ from, to }: Way, content: Uint8Array, protocol: number): Uint8Array {
  const v4 = from.ip.length === 4;
  const head = v4 ? 20 : 40;
  const bytes = new Uint8Array(head + content.length);
  const view = new DataView(bytes.buffer);
  if (v4) {
    view.setUint8(0, 0x45);
    view.setUint16(2, bytes.length);
    // Not to be cut in pieces.
    view.setUint16(6, 0x4000);
    view.setUint8(8, HOPS);
    view.setUint8(9, protocol);
    bytes.set(from.ip, 12);
    bytes.set(to.ip, 16);
    view.setUint16(10, checksumOf(bytes.subarray(0, head), 0));
  } else {
    view.setUint8(0, 0x60);
    view.setUint16(4, content.length);
    view.setUint8(6, protocol);
    view.setUint8(7, HOPS);
    bytes.set(from.ip, 8);
    bytes.set(to.ip, 24);
  }
  bytes.set(content, head);
  return bytes;
}

/** What of the head of IP belongs to the checksum of its content. */
function pseudoSum({ from, to }: Way, length: number, protocol: number): number {
  return sumOf(from.ip) + sumOf(to.ip) + length + protocol;
}

function sumOf(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i + 1 < bytes.length; i += 2) sum += bytes[i]! << 8 | bytes[i + 1]!;
  return bytes.length % 2 === 0 ? sum : sum + (bytes.at(-1)! << 8);
}

function checksumOf(bytes: Uint8Array, before: number): number {
  let sum = before + sumOf(bytes);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
