import { codeOf } from "../base/errors.ts";

/** What the wildcard of IPv6 stands for on this machine. */
export type Wildcard =
  /** One socket takes the connections of both families. */
  | "both"
  /** IPv6 only, as with `net.ipv6.bindv6only=1`: IPv4 needs a socket of its own. */
  | "ipv6"
  /** There is no IPv6. */
  | "none";

/** How many ports are tried: IPv4 may have one of them already, which looks like one socket for both. */
const TRIES = 3;

/**
 * Asks the kernel by binding two free ports: the setting itself is in a file that the program may not
 * read.
 */
export function ipv6Wildcard(): Wildcard {
  for (let tries = 0; tries < TRIES; tries++) {
    let socket: Deno.TcpListener;
    try {
      socket = Deno.listen({ hostname: "::", port: 0 });
    } catch {
      return "none";
    }
    try {
      Deno.listen({ hostname: "0.0.0.0", port: socket.addr.port }).close();
      return "ipv6";
    } catch {
      // The port is taken.
    } finally {
      socket.close();
    }
  }
  return "both";
}

/** Whether a machine has the loopback address of IPv6, and with it IPv6 at all. */
export function hasIpv6(): boolean {
  try {
    Deno.listen({ hostname: "::1", port: 0 }).close();
    return true;
  } catch (error) {
    // Anything else is a shortage of descriptors or ports.
    return !(error instanceof Deno.errors.AddrNotAvailable) && codeOf(error) !== "EAFNOSUPPORT";
  }
}
