import { shownBytes } from "../shown_bytes.ts";
import { bad, MORE, type Reading, SIGNATURE } from "./header.ts";
import { PREFIX, readV1 } from "./read_v1.ts";
import { readV2 } from "./read_v2.ts";

/**
 * Reads a PROXY header of version 1 or 2 at the beginning of what a connection has sent so far.
 *
 * It holds on to nothing: call it again with all that has come. It says as soon as it can that the
 * bytes are no header, at the first wrong one in most cases.
 *
 * @param bytes All that has come, the payload behind the header included.
 */
export function readHeader(bytes: Uint8Array): Reading {
  if (bytes.length === 0) return MORE;
  const [begin, read] = bytes[0] === PREFIX[0] ? [PREFIX, readV1] : [SIGNATURE, readV2];
  const common = Math.min(begin.length, bytes.length);
  for (let i = 0; i < common; i++) {
    if (bytes[i] !== begin[i]) return bad(`no PROXY header, ${instead(bytes)}`);
  }
  return bytes.length < begin.length ? MORE : read(bytes);
}

/** What came in its place. */
function instead(bytes: Uint8Array): string {
  const isTls = bytes[0] === 22 && bytes[1] === 3;
  return isTls ? "but a hello of TLS" : `it begins with ${shownBytes(bytes)}`;
}
