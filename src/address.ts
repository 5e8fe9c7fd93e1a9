import ipaddr from "ipaddr.js";

/** Where a socket is bound or connected: a TCP port, with its host if one was given, or a path. */
export type Address =
  | { readonly transport: "tcp"; readonly hostname: string | undefined; readonly port: number }
  | { readonly transport: "unix"; readonly path: string };

/** Thrown by {@linkcode parseAddress}; the message says what is wrong and what is allowed. */
export class AddressError extends Error {
  override readonly name = "AddressError";
}

/** The grammar in words, for messages and the help text. */
export const ADDRESS_FORMS = "PORT, HOST:PORT, IPV4:PORT, [IPV6]:PORT or unix:/path";

/**
 * Longest path of a Unix-domain socket in bytes; Linux has room for 108 with the closing NUL.
 *
 * @see unix(7)
 */
export const MAX_UNIX_PATH = 107;

/**
 * Reads `PORT`, `HOST:PORT`, `IPV4:PORT`, `[IPV6]:PORT` or `unix:/path`.
 *
 * @param options.minPort 1, or 0 where the kernel may pick the port.
 * @throws {AddressError} If the text is anything else.
 */
export function parseAddress(text: string, options: { minPort: 0 | 1 }): Address {
  if (text.startsWith("unix:")) return parseUnixAddress(text.slice("unix:".length));
  const colon = text.lastIndexOf(":");
  const port = parsePort(text.slice(colon + 1), options.minPort);
  return {
    transport: "tcp",
    hostname: colon === -1 ? undefined : parseHost(text.slice(0, colon)),
    port,
  };
}

function parseUnixAddress(path: string): Address {
  if (!path.startsWith("/")) {
    throw new AddressError("must name an absolute path after unix:, such as unix:/run/app.sock");
  }
  const length = new TextEncoder().encode(path).length;
  if (length > MAX_UNIX_PATH || path.includes("\0")) {
    throw new AddressError(
      `must name a path of at most ${MAX_UNIX_PATH} bytes after unix:, this one has ${length}`,
    );
  }
  return { transport: "unix", path };
}

function parsePort(text: string, min: 0 | 1): number {
  const port = /^(?:0|[1-9]\d{0,4})$/.test(text) ? Number(text) : NaN;
  if (!(port >= min && port <= 65535)) {
    throw new AddressError(`must be ${ADDRESS_FORMS} with a port from ${min} to 65535`);
  }
  return port;
}

function parseHost(text: string): string {
  if (text.startsWith("[") && text.endsWith("]")) {
    const inner = text.slice(1, -1);
    if (ipaddr.IPv6.isValid(inner)) return canonicalIp(inner);
    throw new AddressError("must have an IPv6 address between the brackets, such as [::1]:8080");
  }
  if (text.includes(":")) {
    throw new AddressError("must have brackets around an IPv6 address, such as [::1]:8080");
  }
  if (/^[\d.]+$/.test(text)) {
    if (ipaddr.IPv4.isValidFourPartDecimal(text)) return text;
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

/** The address as the operator would write it; a TCP address without a host is just its port. */
export function formatAddress(address: Address): string {
  if (address.transport === "unix") return `unix:${address.path}`;
  if (address.hostname === undefined) return String(address.port);
  return formatHostPort(address.hostname, address.port);
}

/** Host and port as one text, an IPv6 host in brackets. */
export function formatHostPort(hostname: string, port: number): string {
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}

/** A socket's own report of an address as text, IPv4-mapped addresses as IPv4. */
export function formatSocketAddress(address: Deno.Addr): string {
  switch (address.transport) {
    case "tcp":
    case "udp":
      return formatHostPort(shortIp(address.hostname), address.port);
    case "unix":
    case "unixpacket":
      return `unix:${address.path ?? ""}`;
    default:
      return address.transport;
  }
}

/** Cheap part of {@linkcode canonicalIp} for addresses that the kernel has written already. */
function shortIp(hostname: string): string {
  return hostname.startsWith("::ffff:") ? hostname.slice("::ffff:".length) : hostname;
}

/** Whether a host name stands for this machine's loopback interface without a name server. */
export function isLocalhost(hostname: string): boolean {
  return hostname === "localhost" || hostname.endsWith(".localhost");
}
