import { BrokenHello, type ClientHello } from "./client_hello.ts";
import { Cursor } from "./cursor.ts";
import { hostName } from "./host_name.ts";

/** Numbers of extensions (IANA, TLS ExtensionType Values). */
const SERVER_NAME = 0;
const ALPN = 16;
const SUPPORTED_VERSIONS = 43;

const HOST_NAME = 0;

/** So many protocols are listened to: a hello has room for 30,000, and clients have three. */
const MOST_PROTOCOLS = 64;

/**
 * Reads the body of a ClientHello (RFC 8446, 4.1.2), all of it.
 *
 * @throws {BrokenHello} If lengths in it contradict each other, or an extension comes twice.
 */
export function readMessage(body: Uint8Array): ClientHello {
  const all = new Cursor(body, "the hello");
  const version = all.number(2);
  all.bytes(32);
  if (all.piece(1).length > 32) throw new BrokenHello("the session's id is longer than 32 bytes");
  const ciphers = all.piece(2);
  if (ciphers.length === 0 || ciphers.length % 2 > 0) {
    throw new BrokenHello(`the list of ciphers has ${ciphers.length} bytes`);
  }
  if (all.piece(1).length === 0) throw new BrokenHello("the list of compressions is empty");
  const extensions = all.atEnd ? undefined : new Cursor(all.piece(2), "the list of extensions");
  all.end();
  const seen = new Set<number>();
  let name: string | undefined;
  let alpn: readonly string[] = [];
  let versions: readonly number[] = [version];
  while (extensions && !extensions.atEnd) {
    const type = extensions.number(2);
    if (seen.has(type)) throw new BrokenHello(`extension ${type} comes twice`);
    seen.add(type);
    const data = extensions.piece(2);
    if (type === SERVER_NAME) name = readNames(data);
    else if (type === ALPN) alpn = readProtocols(data);
    else if (type === SUPPORTED_VERSIONS) versions = readVersions(data);
  }
  return { ...name !== undefined && { name }, alpn, versions };
}

/** The first name of a host of several names. */
function readNames(data: Uint8Array): string | undefined {
  const names = listIn(data, "the server's name");
  let first: Uint8Array | undefined;
  while (!names.atEnd) {
    const type = names.number(1);
    const name = names.piece(2);
    if (type === HOST_NAME) first ??= name;
  }
  return first && hostName(first);
}

function readProtocols(data: Uint8Array): string[] {
  const list = listIn(data, "the list of protocols");
  const protocols: string[] = [];
  while (!list.atEnd) {
    const protocol = list.piece(1);
    if (protocol.length === 0) throw new BrokenHello("a protocol without a name");
    const [first, second] = protocol;
    if (protocol.length === 2 && isGrease(first! * 256 + second!)) continue;
    if (protocols.length < MOST_PROTOCOLS) protocols.push(String.fromCharCode(...protocol));
  }
  return protocols;
}

function readVersions(data: Uint8Array): number[] {
  const list = listIn(data, "the list of versions", 1);
  const versions: number[] = [];
  while (!list.atEnd) {
    const version = list.number(2);
    if (!isGrease(version)) versions.push(version);
  }
  return versions;
}

/** An extension that is one list, which has something in it. */
function listIn(data: Uint8Array, what: string, size: 1 | 2 = 2): Cursor {
  const all = new Cursor(data, what);
  const list = all.piece(size);
  all.end();
  if (list.length === 0) throw new BrokenHello(`${what} is empty`);
  return new Cursor(list, what);
}

/** Numbers that mean nothing, with which clients keep servers used to unknown ones (RFC 8701). */
function isGrease(number: number): boolean {
  return (number & 0x0f0f) === 0x0a0a && number >> 8 === (number & 0xff);
}
