import ipaddr from "ipaddr.js";
import type { Address } from "./address.ts";
import { bind, type BindContext } from "./bind.ts";
import { ipv6Wildcard } from "./wildcard.ts";

/**
 * Makes sure that no other program listens on an address, and returns its port: sockets that share a
 * port would hide that.
 *
 * It is bound alone for a moment, and whoever connects in that moment is lost. Every interface is
 * therefore tried at an address of loopback that nobody uses; of what binds all of them it is a part,
 * too.
 *
 * @throws {FatalError} If it cannot be bound; the message says why.
 */
export async function assertAlone(
  address: Address & { transport: "tcp" },
  options: BindContext & { tcpBacklog: number },
): Promise<number> {
  const { port } = address;
  const hostname = isWildcard(address) ? unusedLoopback() : address.hostname;
  try {
    // As short as it can be.
    if (port !== 0 && hostname && ipaddr.isValid(hostname)) {
      Deno.listen({ hostname, port }).close();
      return port;
    }
  } catch {
    // Told below, in the words of the address that is meant.
  }
  const { sockets } = await bind(address, options);
  for (const socket of sockets) socket.close();
  return (sockets[0]!.addr as Deno.NetAddr).port;
}

/** Whether an address is every interface, that of IPv4 among them, with a port of its own. */
function isWildcard({ hostname, port }: Address & { transport: "tcp" }): boolean {
  if (port === 0) return false;
  if (hostname === "0.0.0.0") return true;
  return (hostname === undefined || hostname === "::") && ipv6Wildcard() !== "ipv6";
}

function unusedLoopback(): string {
  const [a, b, c] = crypto.getRandomValues(new Uint8Array(3));
  return `127.${1 + a! % 254}.${b}.${1 + c! % 254}`;
}
