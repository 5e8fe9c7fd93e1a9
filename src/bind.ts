import { type Address, formatAddress } from "./address.ts";
import { FatalError, messageOf } from "./errors.ts";

/**
 * Binds a listening socket. A missing host is the wildcard of IPv6 and IPv4; the backlog counts for
 * TCP only.
 *
 * @param options.mode Permissions of a Unix-domain socket; otherwise the umask decides.
 * @throws {FatalError} If the address cannot be bound; the message says why.
 */
export async function bind(
  address: Address,
  options: { tcpBacklog: number; reusePort?: boolean | undefined; mode?: number | undefined },
): Promise<Deno.Listener> {
  const { tcpBacklog, reusePort = false, mode } = options;
  return await bindWith<Deno.Listener>(address, {
    tcp: (hostname, port) => Deno.listen({ hostname, port, tcpBacklog, reusePort }),
    unix(path) {
      const listener = Deno.listen({ transport: "unix", path });
      if (mode !== undefined) Deno.chmodSync(path, mode);
      return listener;
    },
  });
}

/**
 * Binds an address by whatever opens a socket. A missing host is the wildcard of IPv6 and IPv4.
 *
 * @throws {FatalError} If the address cannot be bound; the message says why.
 */
export async function bindWith<T>(
  address: Address,
  open: { tcp(hostname: string, port: number): T; unix(path: string): T },
): Promise<T> {
  try {
    if (address.transport === "unix") return await bindUnix(address.path, open.unix);
    const { hostname, port } = address;
    if (hostname !== undefined) return open.tcp(hostname, port);
    return bindWildcard(port, open.tcp);
  } catch (error) {
    const message = `Cannot listen on ${formatAddress(address)}: ${explain(error)}`;
    throw new FatalError(message, { cause: error });
  }
}

/** An IPv6 wildcard socket takes IPv4 connections as well; without IPv6 it is plain IPv4. */
function bindWildcard<T>(port: number, open: (hostname: string, port: number) => T): T {
  try {
    return open("::", port);
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) throw error;
    return open("0.0.0.0", port);
  }
}

/** Binds a path, replacing a socket file that a dead process has left behind. */
async function bindUnix<T>(path: string, open: (path: string) => T): Promise<T> {
  try {
    return open(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse) || !await isAbandoned(path)) throw error;
    Deno.removeSync(path);
    return open(path);
  }
}

async function isAbandoned(path: string): Promise<boolean> {
  if (!Deno.lstatSync(path).isSocket) return false;
  try {
    (await Deno.connect({ transport: "unix", path })).close();
    return false;
  } catch (error) {
    return error instanceof Deno.errors.ConnectionRefused;
  }
}

function explain(error: unknown): string {
  if (error instanceof Deno.errors.AddrInUse) {
    return "the address is in use; stop the program that has it or choose another";
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return "permission denied; ports below 1024 need root or CAP_NET_BIND_SERVICE, " +
      "a path needs write access to its folder";
  }
  if (error instanceof Deno.errors.AddrNotAvailable) return "this machine has no such address";
  return messageOf(error);
}
