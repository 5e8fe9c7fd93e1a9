import ipaddr from "ipaddr.js";
import { FileError } from "../base/bounded_file.ts";
import { cut } from "../base/text.ts";
import { isServiceName, portOfService, type Protocol, SERVICES_FILE } from "./service_ports.ts";

/** A port of TCP or UDP, with its host if one was given. */
interface PortAddress<P extends Protocol> {
  readonly transport: P;
  readonly hostname: string | undefined;
  readonly port: number;
  /** The name of the service whose port it is, if it was written so. */
  readonly service?: string;
}

/** Where a socket is bound or connected: a port of TCP or UDP, or a path. */
export type Address =
  | PortAddress<"tcp">
  | PortAddress<"udp">
  | { readonly transport: "unix"; readonly path: string };

/** Where one end of a TCP connection is, as the kernel tells it: with the IP address as `hostname`. */
export interface TcpEnd {
  readonly transport: "tcp";
  readonly hostname: string;
  readonly port: number;
}

/** Where a UDP socket is, as the kernel tells it: with the IP address as `hostname`. */
export interface UdpEnd extends Omit<TcpEnd, "transport"> {
  readonly transport: "udp";
}

/** Where a socket, or one end of a connection, is; a client of a UNIX socket seldom has a path. */
export type SocketAddress =
  | TcpEnd
  | UdpEnd
  | { readonly transport: "unix"; readonly path: string | null };

/** Thrown by {@linkcode parseAddress}; the message says what is wrong and what is allowed. */
export class AddressError extends Error {
  override readonly name = "AddressError";
}

/** The grammar in words, for messages and the help text. */
export const ADDRESS_FORMS = "PORT, HOST:PORT, IPV4:PORT, [IPV6]:PORT or unix:/path";

/** The same with what there is besides for listeners and destinations. */
export const PLACE_FORMS = `${ADDRESS_FORMS}, or udp: before one with a port`;

/** Words that are no host before the first colon of an address; most have no meaning yet. */
export const RESERVED_WORDS = [
  "unix",
  "udp",
  "unixgram",
  "dns",
  "srv",
  "exec",
  "service",
] as const;

/** What they are for elsewhere. */
const USES: Readonly<Record<string, string>> = {
  dns: "for destinations",
  srv: "for destinations",
  exec: "for destinations",
  udp: "for listeners and destinations",
  unixgram: "reserved (the runtime cannot send from such a socket while it waits there for more, " +
    "so no answer could leave)",
};

/**
 * Longest path of a Unix-domain socket in bytes; Linux has room for 108 with the closing NUL.
 *
 * @see unix(7)
 */
export const MAX_UNIX_PATH = 107;

/** How {@linkcode parseAddress} reads an address. */
export interface AddressOptions {
  /** 1, or 0 where the kernel may pick the port. */
  readonly minPort: 0 | 1;
  /** Whose services count; `tcp` unless given. */
  readonly protocol?: Protocol;
  /** Whether it may be a port of UDP, which has `udp:` before it. */
  readonly udp?: boolean;
}

/**
 * Reads `PORT`, `:PORT`, `HOST:PORT`, `IPV4:PORT`, `[IPV6]:PORT` or `unix:/path`. For the port there
 * may be the name of a service: a word without a colon is one, never a host. A host that is called
 * like one of {@linkcode RESERVED_WORDS} ends in a dot.
 *
 * @throws {AddressError} If the text is anything else.
 */
export function parseAddress(text: string, options: AddressOptions): Address {
  if (text.startsWith("unix:/")) return parseUnixAddress(text.slice("unix:".length));
  if (options.udp && text.startsWith("udp:")) return parseUdpAddress(text, options);
  const reserved = reservedWordProblem(text) ?? urlProblem(text);
  if (reserved !== undefined) throw new AddressError(reserved);
  const colon = text.lastIndexOf(":");
  const portText = text.slice(colon + 1);
  if (!isServiceName(portText)) assertPort(portText, options.minPort);
  // Before any file is read.
  const hostname = colon <= 0 ? undefined : parseHost(text.slice(0, colon));
  if (!isServiceName(portText)) return { transport: "tcp", hostname, port: Number(portText) };
  return { transport: "tcp", hostname, port: servicePort(portText, options), service: portText };
}

function parseUdpAddress(text: string, { minPort }: AddressOptions): Address {
  const address = parseAddress(text.slice("udp:".length), { minPort, protocol: "udp" });
  if (address.transport === "tcp") return { ...address, transport: "udp" };
  throw new AddressError("must be udp:PORT or udp:HOST:PORT");
}

/** What is wrong with an address that begins with a reserved word; `undefined` if it does not. */
export function reservedWordProblem(text: string): string | undefined {
  const [, before = "", after = ""] = /^([^:]*):(.*)$/s.exec(text) ?? [];
  const word = RESERVED_WORDS.find((word) => word === before.toLowerCase());
  if (word === undefined || (before === "unix" && after.startsWith("/"))) return undefined;
  const host = `a host of that name ends in a dot, as in ${word}.:${
    /^[\w-]{1,31}$/.test(after) ? after : "53"
  }`;
  if (word === "unix") {
    return `must name an absolute path after unix:, such as unix:/run/app.sock; ${host}`;
  }
  const use = USES[word] ?? "reserved";
  return `must not begin with ${word}:, which is ${use}; ${host}`;
}

/** Ports of those that are written without one. */
const USUAL_PORTS: Readonly<Record<string, string>> = { http: "80", https: "443" };

/** What is wrong with a text that is a URL; `undefined` if it is none. */
export function urlProblem(text: string): string | undefined {
  const [, scheme, place = ""] = /^([a-z][a-z\d+.-]*):\/\/([^/?#]*)/i.exec(text) ?? [];
  if (scheme === undefined) return undefined;
  const problem = `must be HOST:PORT without ${cut(scheme)}://`;
  const [, host, port = USUAL_PORTS[scheme.toLowerCase()]] =
    /^([\w.-]{1,253}|\[[\da-f:.]+\])(?::(\d{1,5}))?$/i.exec(place) ?? [];
  return host && port ? `${problem}, such as ${host}:${port}` : problem;
}

function parseUnixAddress(path: string): Address {
  const length = new TextEncoder().encode(path).length;
  if (length > MAX_UNIX_PATH || path.includes("\0")) {
    throw new AddressError(
      `must name a path of at most ${MAX_UNIX_PATH} bytes after unix:, this one has ${length}`,
    );
  }
  return { transport: "unix", path };
}

function assertPort(text: string, min: 0 | 1): void {
  if (/^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) >= min && Number(text) <= 65535) return;
  throw new AddressError(allowedForms(min));
}

function servicePort(name: string, { minPort, protocol = "tcp" }: AddressOptions): number {
  let trouble = `has no ${protocol.toUpperCase()} service of that name`;
  try {
    const port = portOfService(name, { protocol });
    if (port !== undefined && port >= minPort) return port;
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    trouble = `cannot be read: ${error.message}`;
  }
  throw new AddressError(
    `has the port ${JSON.stringify(name)}, but ${SERVICES_FILE} ${trouble}; ${
      allowedForms(minPort)
    }`,
  );
}

function allowedForms(minPort: 0 | 1): string {
  return `must be ${ADDRESS_FORMS} with a port from ${minPort} to 65535 or the name of a service`;
}

/**
 * A host as it stands in an address, in lower case; an IPv6 address has brackets in the text only.
 *
 * @throws {AddressError} If it is neither a name nor an IP address.
 */
export function parseHost(text: string): string {
  if (text.startsWith("[") && text.endsWith("]")) {
    const inner = text.slice(1, -1);
    // Longer than any; the library takes its time with what is very long.
    if (inner.length <= 64 && ipaddr.IPv6.isValid(inner)) return canonicalIp(inner);
    throw new AddressError("must have an IPv6 address between the brackets, such as [::1]:8080");
  }
  if (text.includes(":")) {
    throw new AddressError("must have brackets around an IPv6 address, such as [::1]:8080");
  }
  if (/^[\d.]+$/.test(text)) {
    if (text.length <= 15 && ipaddr.IPv4.isValidFourPartDecimal(text)) return text;
    throw new AddressError("must have four numbers from 0 to 255 in an IPv4 address");
  }
  if (text.length > 253 || !/^(?!-)[a-z\d_-]{1,63}(?:\.[a-z\d_-]{1,63})*\.?$/i.test(text)) {
    throw new AddressError(`must be ${ADDRESS_FORMS}`);
  }
  return text.toLowerCase();
}

/**
 * An IP address in its one canonical spelling; an IPv4 address mapped into IPv6, as dual-stack
 * sockets report it, becomes plain IPv4. Any other text is returned as it is.
 */
export function canonicalIp(text: string): string {
  if (!ipaddr.isValid(text)) return text;
  const ip = ipaddr.process(text);
  return ip.kind() === "ipv6" ? (ip as ipaddr.IPv6).toRFC5952String() : ip.toString();
}

/** Whether a text is an IP address, IPv4 as four decimal numbers, IPv6 without an interface. */
export function isIp(text: string): boolean {
  // Longer than any; the library takes its time with what is very long.
  if (text.length > 64 || text.includes("%")) return false;
  return ipaddr.IPv4.isValidFourPartDecimal(text) || ipaddr.IPv6.isValid(text);
}

/**
 * The address as the operator would write it: one without a host is just its port, and a service keeps
 * its name.
 */
export function formatAddress(address: Address): string {
  if (address.transport === "unix") return `unix:${address.path}`;
  const { transport, hostname, port, service } = address;
  const prefix = transport === "udp" ? "udp:" : "";
  if (hostname === undefined) return `${prefix}${service ?? port}`;
  return prefix + formatHostPort(hostname, service ?? port);
}

/** The same text for the same address, whether its port was written as a number or as a service. */
export function formatNumeric(address: Address): string {
  if (address.transport === "unix" || address.service === undefined) return formatAddress(address);
  const { service: _, ...numeric } = address;
  return formatAddress(numeric);
}

/** Host and port as one text, an IPv6 host in brackets. */
export function formatHostPort(hostname: string, port: number | string): string {
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}

/** A socket's own report of an address as text, IPv4-mapped addresses as IPv4. */
export function formatSocketAddress(address: SocketAddress): string {
  if (address.transport === "unix") return `unix:${address.path ?? ""}`;
  return formatHostPort(shortIp(address.hostname), address.port);
}

/** Cheap part of {@linkcode canonicalIp} for addresses that the kernel has written already. */
export function shortIp(hostname: string): string {
  return hostname.startsWith("::ffff:") ? hostname.slice("::ffff:".length) : hostname;
}

/** Whether a host name stands for this machine's loopback interface without a name server. */
export function isLocalhost(hostname: string): boolean {
  return hostname === "localhost" || hostname.endsWith(".localhost");
}
