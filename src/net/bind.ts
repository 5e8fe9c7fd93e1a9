import { lookup } from "node:dns/promises";
import type { Logger } from "@logtape/logtape";
import { abortable } from "@std/async/abortable";
import ipaddr from "ipaddr.js";
import { type AcceptingSocket, RuntimeAcceptingSocket } from "./accepting_socket.ts";
import {
  type Address,
  canonicalIp,
  formatAddress,
  formatHostPort,
  formatSocketAddress,
  isLocalhost,
  type SocketAddress,
  type TcpEnd,
} from "./address.ts";
import { codeOf, FatalError, messageOf } from "../base/errors.ts";
import { bindPath, type Mark, releasePath } from "./unix_path.ts";
import { hasIpv6, ipv6Wildcard } from "./wildcard.ts";

/** How often another free port is tried, if not all addresses of a name have the first one free. */
const PORT_TRIES = 20;

/** What binding needs besides. */
export interface BindContext {
  log: Logger;
  /** Ends waiting for a name server; its reason is thrown then. */
  signal?: AbortSignal | undefined;
}

/** How listening sockets are opened. */
interface OpenOptions {
  /** How many clients the kernel keeps waiting; counts for TCP only. */
  tcpBacklog: number;
  /** Whether other sockets may be bound to the same TCP port. */
  reusePort?: boolean | undefined;
  /** Permissions of a Unix-domain socket; otherwise the umask decides. */
  mode?: number | undefined;
}

/** The sockets of an address: as many as it stands for addresses of this machine, at least one. */
export interface Bound {
  readonly sockets: readonly AcceptingSocket[];
  /** What is really bound, such as `[::]:8080`; several are separated by a comma and a blank. */
  readonly address: string;
  /** The TCP port, the same for all of them; `undefined` of a Unix-domain socket. */
  readonly port: number | undefined;
  /**
   * Removes the path of a Unix-domain socket, unless somebody else has taken it over meanwhile; for
   * TCP there is nothing to do. To be called before the socket is closed. Never throws: what cannot
   * be removed is a line in the log.
   */
  release(): void;
}

/**
 * Binds listening sockets for everything that an address stands for: a missing host is the wildcard of
 * IPv6 and of IPv4, a name is all addresses that it has. All have the same port.
 *
 * @throws {FatalError} If one of them cannot be bound; the message says which and why, and none is.
 */
export async function bind(address: Address, options: OpenOptions & BindContext): Promise<Bound> {
  let part: string | undefined;
  try {
    if (address.transport === "unix") return await bindUnix(address.path, options);
    const hosts = await hostsOf(address.hostname, options.signal);
    const sockets = bindHosts(hosts, address.port, {
      ...options,
      onFailure: (host) => part = hosts.length > 1 ? formatHostPort(host, address.port) : undefined,
    });
    const names = sockets.map((socket) => formatSocketAddress(socket.address));
    const port = portOf(sockets[0]!.address);
    return { sockets, address: names.join(", "), port, release() {} };
  } catch (error) {
    options.signal?.throwIfAborted();
    const where = formatAddress(address) + (part === undefined ? "" : ` (${part})`);
    throw new FatalError(`Cannot listen on ${where}: ${explain(error)}`, { cause: error });
  }
}

async function bindUnix(path: string, options: OpenOptions & BindContext): Promise<Bound> {
  const { mode, log } = options;
  const { socket, mark } = await bindPath(path, {
    open(temporary) {
      const listener = Deno.listen({ transport: "unix", path: temporary });
      // Nobody finds it yet.
      if (mode !== undefined) Deno.chmodSync(temporary, mode);
      return new RuntimeAcceptingSocket(listener, path);
    },
    close: (socket) => socket.close(),
  });
  let left: Mark | undefined = mark;
  return {
    sockets: [socket],
    address: `unix:${path}`,
    port: undefined,
    release() {
      if (left === undefined) return;
      const problem = releasePath(path, left);
      left = undefined;
      if (problem) log.warning("the socket {path} cannot be removed: {problem}", { path, problem });
    },
  };
}

/** Which addresses have to be bound for a host. */
async function hostsOf(hostname: string | undefined, signal?: AbortSignal): Promise<string[]> {
  if (hostname === undefined) {
    const hosts = { both: ["::"], ipv6: ["::", "0.0.0.0"], none: ["0.0.0.0"] };
    return hosts[ipv6Wildcard()];
  }
  if (ipaddr.isValid(hostname)) return [hostname];
  // As for those who connect to it: many hosts files know one family only.
  if (isLocalhost(hostname)) return ["127.0.0.1", "::1"];
  const looking = lookup(hostname, { all: true });
  const found = await (signal ? abortable(looking, signal) : looking);
  return [...new Set(found.map(({ address }) => canonicalIp(address)))];
}

/** Binds the same port of all of them, or none. */
function bindHosts(
  hosts: readonly string[],
  port: number,
  options: OpenOptions & { log: Logger; onFailure(host: string): void },
): AcceptingSocket[] {
  for (let tries = 1;; tries++) {
    const sockets: AcceptingSocket[] = [];
    try {
      for (const host of hosts) openHost(host, { ...options, hosts, port, sockets });
      return sockets;
    } catch (error) {
      for (const socket of sockets) socket.close();
      const again = port === 0 && sockets.length > 0 && error instanceof Deno.errors.AddrInUse;
      if (!again || tries === PORT_TRIES) throw error;
    }
  }
}

/** Binds one of several addresses, unless the machine does not have its family at all. */
function openHost(
  host: string,
  options: OpenOptions & {
    hosts: readonly string[];
    port: number;
    /** Those that are bound already, to which it is added. */
    sockets: AcceptingSocket[];
    log: Logger;
    onFailure(host: string): void;
  },
): void {
  const { hosts, sockets, tcpBacklog, reusePort = false, log, onFailure } = options;
  const [first] = sockets;
  const port = first ? portOf(first.address) : options.port;
  try {
    const listener = Deno.listen({ hostname: host, port, tcpBacklog, reusePort });
    sockets.push(new RuntimeAcceptingSocket(listener));
  } catch (error) {
    const others = hosts.some((other) => !other.includes(":"));
    if (others && host.includes(":") && isForeign(error) && !hasIpv6()) {
      log.debug("this machine has no IPv6: not listening on {host}", { host });
      return;
    }
    onFailure(host);
    throw error;
  }
}

function portOf(address: SocketAddress): number {
  return (address as TcpEnd).port;
}

/** Whether an address is not this machine's. */
function isForeign(error: unknown): boolean {
  return error instanceof Deno.errors.AddrNotAvailable || codeOf(error) === "EAFNOSUPPORT";
}

function explain(error: unknown): string {
  if (error instanceof Deno.errors.AddrInUse) {
    if (error.message.startsWith("there is")) return error.message;
    return "the address is in use; stop the program that has it or choose another";
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return "permission denied; ports below 1024 need root or CAP_NET_BIND_SERVICE, " +
      "a path needs write access to its folder";
  }
  if (error instanceof Deno.errors.AddrNotAvailable) return "this machine has no such address";
  if (codeOf(error) === "ENOTFOUND") return "there is no address for this name";
  return messageOf(error);
}
