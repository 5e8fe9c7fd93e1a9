/**
 * Blocks of a file of captured packets.
 *
 * @see https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-04.html
 */

/** IPv4 and IPv6 with nothing before. https://www.tcpdump.org/linktypes.html */
const LINKTYPE_RAW = 101;

const SECTION = 0x0a0d0d0a;
const INTERFACE = 1;
const ENHANCED_PACKET = 6;

const OPTION = { end: 0, comment: 1, application: 4, name: 2, resolution: 9 } as const;

/** Times are in microseconds. */
const MICROSECONDS = new Uint8Array([6]);

type PcapOption = readonly [code: number, value: Uint8Array | string];

/** What a file begins with: by which program it was written, and its one interface. */
export function fileHeader(options: { application: string; interface: string }): Uint8Array {
  const section = new Uint8Array(16);
  const view = new DataView(section.buffer);
  view.setUint32(0, 0x1a2b3c4d, true);
  view.setUint16(4, 1, true);
  // The length of the section is not known.
  view.setBigInt64(8, -1n, true);
  const described = new Uint8Array(8);
  new DataView(described.buffer).setUint16(0, LINKTYPE_RAW, true);
  return concatenated([
    block(SECTION, section, [[OPTION.application, options.application]]),
    block(INTERFACE, described, [[OPTION.name, options.interface], [
      OPTION.resolution,
      MICROSECONDS,
    ]]),
  ]);
}

/** A packet with its time, microseconds since 1970. */
export function packetBlock(
  packet: Uint8Array,
  { time, comment }: { time: number; comment?: string | undefined },
): Uint8Array {
  const body = new Uint8Array(20 + padded(packet.length));
  const view = new DataView(body.buffer);
  view.setUint32(4, Math.floor(time / 2 ** 32), true);
  view.setUint32(8, time % 2 ** 32, true);
  view.setUint32(12, packet.length, true);
  view.setUint32(16, packet.length, true);
  body.set(packet, 20);
  return block(ENHANCED_PACKET, body, comment === undefined ? [] : [[OPTION.comment, comment]]);
}

function block(type: number, body: Uint8Array, options: readonly PcapOption[]): Uint8Array {
  const tail = optionBytes(options);
  const length = 12 + body.length + tail.length;
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, type, true);
  view.setUint32(4, length, true);
  bytes.set(body, 8);
  bytes.set(tail, 8 + body.length);
  view.setUint32(length - 4, length, true);
  return bytes;
}

function optionBytes(options: readonly PcapOption[]): Uint8Array {
  if (options.length === 0) return new Uint8Array();
  const all: PcapOption[] = [...options, [OPTION.end, ""]];
  return concatenated(all.map(([code, given]) => {
    const value = typeof given === "string" ? new TextEncoder().encode(given) : given;
    const bytes = new Uint8Array(4 + padded(value.length));
    const view = new DataView(bytes.buffer);
    view.setUint16(0, code, true);
    view.setUint16(2, value.length, true);
    bytes.set(value, 4);
    return bytes;
  }));
}

/** Everything begins at a multiple of four bytes. */
function padded(length: number): number {
  return (length + 3) & ~3;
}

function concatenated(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
