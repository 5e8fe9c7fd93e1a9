const COLON = 0x3a;
const DOT = 0x2e;
const PERCENT = 0x25;
/** Bytes of an IPv6 address, and of the IPv4 address at the end of one that has it mapped. */
const V6 = 16;
const V4 = 4;

/**
 * Writes the bytes of an IP address to the beginning of `bytes`, without making anything new: for
 * what is done for every session. An IPv4 address mapped into IPv6 is an IPv4 address; the zone of an
 * IPv6 address does not count.
 *
 * @param bytes At least 16.
 * @returns How many they are: 4 or 16; 0 if the text is no IP address, and then anything was written.
 */
export function writeIp(text: string, bytes: Uint8Array): 0 | 4 | 16 {
  if (!text.includes(":")) return writeV4(text, { from: 0, bytes, at: 0 }) ? V4 : 0;
  if (!writeV6(text, bytes)) return 0;
  if (!isMapped(bytes)) return V6;
  bytes.copyWithin(0, V6 - V4, V6);
  return V4;
}

function writeV6(text: string, bytes: Uint8Array): boolean {
  let size = 0;
  /** How many bytes stand before the "::"; -1 without it. */
  let gap = -1;
  for (let at = 0; !isEnd(text, at);) {
    if (text.startsWith("::", at)) {
      if (gap !== -1) return false;
      gap = size;
      at += 2;
      if (isEnd(text, at)) break;
    } else if (size > 0 && text.charCodeAt(at++) !== COLON) return false;
    const from = at;
    let group = 0;
    for (let digit = hexDigit(text, at); digit !== -1; digit = hexDigit(text, ++at)) {
      group = group << 4 | digit;
    }
    if (text.charCodeAt(at) === DOT) {
      if (size > V6 - V4 || !writeV4(text, { from, bytes, at: size })) return false;
      size += V4;
      break;
    }
    if (at === from || at - from > 4 || size === V6) return false;
    bytes[size++] = group >> 8;
    bytes[size++] = group & 0xff;
  }
  if (gap === -1) return size === V6;
  if (size === V6) return false;
  bytes.copyWithin(gap + V6 - size, gap, size);
  bytes.fill(0, gap, gap + V6 - size);
  return true;
}

function writeV4(
  text: string,
  { from, bytes, at }: { from: number; bytes: Uint8Array; at: number },
): boolean {
  let end = from;
  for (let i = 0; i < V4; i++) {
    if (i > 0 && text.charCodeAt(end++) !== DOT) return false;
    const start = end;
    let value = 0;
    for (let digit = text.charCodeAt(end) - 48; digit >= 0 && digit <= 9;) {
      value = value * 10 + digit;
      digit = text.charCodeAt(++end) - 48;
    }
    if (end === start || end - start > 3 || value > 255) return false;
    bytes[at + i] = value;
  }
  return isEnd(text, end);
}

function isEnd(text: string, at: number): boolean {
  return at === text.length || text.charCodeAt(at) === PERCENT;
}

function hexDigit(text: string, at: number): number {
  const code = text.charCodeAt(at);
  if (code >= 48 && code <= 57) return code - 48;
  const letter = code | 0x20;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}

function isMapped(bytes: Uint8Array): boolean {
  for (let i = 0; i < 10; i++) if (bytes[i] !== 0) return false;
  return bytes[10] === 0xff && bytes[11] === 0xff;
}
