import { type Address, formatAddress } from "./address.ts";
import { FatalError, messageOf } from "./errors.ts";

/**
 * Binds a listening socket. A missing host is the wildcard of IPv6 and IPv4; the backlog counts for
 * TCP only.
 *
 * @throws {FatalError} If the address cannot be bound; the message says why.
 */
export async function bind(
  address: Address,
  options: { tcpBacklog: number; reusePort?: boolean | undefined },
): Promise<Deno.Listener> {
  const { tcpBacklog, reusePort = false } = options;
  try {
    if (address.transport === "unix") return await bindUnix(address.path);
    const { hostname, port } = address;
    if (hostname !== undefined) return Deno.listen({ hostname, port, tcpBacklog, reusePort });
    return bindWildcard({ port, tcpBacklog, reusePort });
  } catch (error) {
    const message = `Cannot listen on ${formatAddress(address)}: ${explain(error)}`;
    throw new FatalError(message, { cause: error });
  }
}

/** An IPv6 wildcard socket takes IPv4 connections as well; without IPv6 it is plain IPv4. */
function bindWildcard(
  options: { port: number; tcpBacklog: number; reusePort: boolean },
): Deno.Listener {
  try {
    return Deno.listen({ hostname: "::", ...options });
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) throw error;
    return Deno.listen({ hostname: "0.0.0.0", ...options });
  }
}

/** Binds a path, replacing a socket file that a dead process has left behind. */
async function bindUnix(path: string): Promise<Deno.Listener> {
  try {
    return Deno.listen({ transport: "unix", path });
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse) || !await isAbandoned(path)) throw error;
    Deno.removeSync(path);
    return Deno.listen({ transport: "unix", path });
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
