import type { Logger } from "@logtape/logtape";
import { lchownSync } from "node:fs";
import { type AcceptingSocket, RuntimeAcceptingSocket } from "./accepting_socket.ts";
import { type Address, formatAddress, formatHostPort, formatSocketAddress } from "./address.ts";
import { addressesOf, bindHosts, portOf } from "./bind_hosts.ts";
import { codeOf, FatalError, fileProblem, messageOf } from "../base/errors.ts";
import { passedSockets } from "./passed/sockets.ts";
import { bindUdp } from "./udp/bind.ts";
import type { Sharing } from "./sharing.ts";
import type { UdpTerms } from "./udp/listener.ts";
import { bindLater, bindPath, type Mark, releasePath } from "./unix_path.ts";
import { ipv6Wildcard } from "./wildcard.ts";

/** What binding needs besides. */
export interface BindContext {
  log: Logger;
  /** Ends waiting for a name server; its reason is thrown then. */
  signal?: AbortSignal | undefined;
}

/** Whom a socket belongs to; what is absent stays as it is. */
export interface SocketOwner {
  readonly user: { readonly name: string; readonly uid: number } | undefined;
  readonly group: { readonly name: string; readonly gid: number } | undefined;
}

/** How listening sockets are opened. */
export interface OpenOptions {
  /** How many clients the kernel keeps waiting; counts for TCP only. */
  tcpBacklog: number;
  /** Whether other sockets may be bound to the same TCP port. */
  reusePort?: boolean | undefined;
  /** Permissions of a Unix-domain socket; otherwise the umask decides. */
  mode?: number | undefined;
  /** Whom a Unix-domain socket belongs to; otherwise to who runs the program. */
  owner?: SocketOwner | undefined;
  /** What UDP sockets share; needed for an address of UDP. */
  udp?: UdpTerms | undefined;
  /** How paths, and ports of UDP, are shared with another process; for TCP there is `reusePort`. */
  sharing?: Sharing | undefined;
}

/** The sockets of an address: as many as it stands for addresses of this machine, at least one. */
export interface Bound {
  readonly sockets: readonly AcceptingSocket[];
  /** What is really bound, such as `[::]:8080`; several are separated by a comma and a blank. */
  readonly address: string;
  /** The port, the same for all of them; `undefined` of a Unix-domain socket. */
  readonly port: number | undefined;
  /**
   * Looks which addresses this machine has by now, where each has a socket of its own; returns the new
   * ones. What becomes of those whose address it has no more says `gone`. Absent where nothing of that
   * can change.
   */
  renew?(gone: "keep" | "close"): readonly AcceptingSocket[];
  /**
   * Removes the path of a Unix-domain socket, unless somebody else has taken it over meanwhile; for
   * ports there is nothing to do. To be called before the socket is closed. Never throws: what cannot
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
    const { hostname, port: wanted, transport } = address;
    const onFailure = (host: string) => {
      part = host === hostname ? undefined : formatHostPort(host, wanted);
    };
    if (transport === "udp") {
      const { udp } = options;
      if (!udp) throw new TypeError("datagrams need to know what their sockets share");
      return await bindUdp(address, { ...options, udp, onFailure });
    }
    const hosts = await hostsOf(hostname, options.signal);
    const { tcpBacklog, reusePort = false, log } = options;
    const passed = passedSockets().open(address, { hosts, backlog: tcpBacklog, log });
    if (passed.length > 0) return boundTo(passed);
    const sockets = bindHosts(hosts, {
      port: wanted,
      open(hostname, port) {
        const listener = Deno.listen({ hostname, port, tcpBacklog, reusePort });
        return new RuntimeAcceptingSocket(listener);
      },
      log,
      onFailure: (host) => hosts.length > 1 && onFailure(host),
    });
    return boundTo(sockets);
  } catch (error) {
    options.signal?.throwIfAborted();
    const where = formatAddress(address) + (part === undefined ? "" : ` (${part})`);
    throw new FatalError(`Cannot listen on ${where}: ${explain(error, address)}`, { cause: error });
  }
}

/** Ports, which need not be released. */
function boundTo(sockets: readonly AcceptingSocket[]): Bound {
  const names = sockets.map((socket) => formatSocketAddress(socket.address));
  const port = portOf(sockets[0]!.address);
  return { sockets, address: names.join(", "), port, release() {} };
}

async function bindUnix(path: string, options: OpenOptions & BindContext): Promise<Bound> {
  const { mode, owner, log, sharing, tcpBacklog } = options;
  const passed = passedSockets().open({ transport: "unix", path }, { backlog: tcpBacklog, log });
  if (passed.length > 0) {
    return { sockets: passed, address: `unix:${path}`, port: undefined, release() {} };
  }
  const open = (temporary: string) => {
    const listener = listenWithMode(temporary, mode);
    try {
      if (owner !== undefined) giveTo(owner, temporary);
    } catch (error) {
      listener.close();
      throw error;
    }
    return new RuntimeAcceptingSocket(listener, path);
  };
  const late = sharing?.isHeld({ transport: "unix", path }) ? bindLater(path, open) : undefined;
  if (late) sharing!.atHandOver(late);
  const { socket, mark } = late ??
    await bindPath(path, { open, close: (socket) => socket.close() });
  let left: Mark | undefined = mark;
  return {
    sockets: [socket],
    address: `unix:${path}`,
    port: undefined,
    release() {
      if (left === undefined) return;
      late?.leave();
      const problem = releasePath(path, left);
      left = undefined;
      if (problem) log.warning("the socket {path} cannot be removed: {problem}", { path, problem });
    },
  };
}

/**
 * With the permissions from its first moment: to change those of a path is to change what somebody may
 * have put there, who can write to its folder.
 */
function listenWithMode(path: string, mode: number | undefined): Deno.UnixListener {
  if (mode === undefined) return Deno.listen({ transport: "unix", path });
  const before = Deno.umask(~mode & 0o777);
  try {
    return Deno.listen({ transport: "unix", path });
  } finally {
    Deno.umask(before);
  }
}

/**
 * A link that somebody has put there is not followed.
 *
 * @throws {OwnerError} If that is not allowed.
 */
function giveTo({ user, group }: SocketOwner, path: string): void {
  try {
    lchownSync(path, user?.uid ?? UNCHANGED, group?.gid ?? UNCHANGED);
  } catch (error) {
    const text = [user, group].flatMap((one) => one ? [one.name] : []).join(":");
    throw new OwnerError(
      `the socket cannot be given to ${text}: ${fileProblem(error)}; only root ` +
        "gives to another user, or to a group that it is not in itself",
    );
  }
}

/** To the system, whoever it is. */
const UNCHANGED = -1;

/** The message says all. */
class OwnerError extends Error {}

/** Which addresses have to be bound for a host. */
export async function hostsOf(
  hostname: string | undefined,
  signal?: AbortSignal,
): Promise<string[]> {
  if (hostname !== undefined) return await addressesOf(hostname, signal);
  const hosts = { both: ["::"], ipv6: ["::", "0.0.0.0"], none: ["0.0.0.0"] };
  return hosts[ipv6Wildcard()];
}

function explain(error: unknown, address: Address): string {
  if (error instanceof Deno.errors.AddrInUse) {
    if (error.message.startsWith("there is")) return error.message;
    const passed = address.transport === "tcp" ? passedSockets().atPort(address.port) : [];
    if (passed.length > 0) {
      return `the address is in use by the socket that was passed to the program for ${
        passed.join(", ")
      }; must be exactly that address`;
    }
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
