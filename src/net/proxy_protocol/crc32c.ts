/** The polynomial of Castagnoli, its bits reversed. RFC 3720, appendix B.4 has examples. */
const POLYNOMIAL = 0x82f63b78;

let table: Uint32Array | undefined;

/**
 * The CRC32C of some bytes.
 *
 * @param options.zeroAt Where four bytes count as 0, whatever they are: the place of the checksum.
 */
export function crc32c(bytes: Uint8Array, options: { zeroAt?: number } = {}): number {
  const { zeroAt = Infinity } = options;
  table ??= makeTable();
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) {
    const byte = i >= zeroAt && i < zeroAt + 4 ? 0 : bytes[i]!;
    crc = table[(crc ^ byte) & 0xff]! ^ crc >>> 8;
  }
  return ~crc >>> 0;
}

function makeTable(): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, byte) => {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >>> 1 ^ POLYNOMIAL : crc >>> 1;
    return crc;
  });
}
