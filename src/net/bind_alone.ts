import ipaddr from "ipaddr.js";
import type { Address } from "./address.ts";
import { bind, type BindContext, type Bound, hostsOf, type OpenOptions } from "./bind.ts";
import { connect } from "./connect.ts";
import { after } from "../base/timer.ts";
import { passedSockets } from "./passed/sockets.ts";
import type { Sharing } from "./sharing.ts";
import { ipv6Wildcard } from "./wildcard.ts";

/** How long an address of this machine may take to say that nobody listens there, in milliseconds. */
const PATIENCE_MS = 250;

/**
 * Makes sure that no other program listens on an address, and returns its port: sockets that share a
 * port would hide that.
 *
 * Binding it alone for a moment would reset whoever connects in that moment. Every interface is
 * therefore bound at an address of loopback that nobody uses, since whoever has all of them has that
 * one, too. A single address is asked whether somebody answers. Only where neither can tell is the
 * address itself bound for a moment.
 *
 * @throws {FatalError} If it cannot be bound; the message says why.
 */
export async function assertAlone(
  address: Address & { transport: "tcp" },
  options: BindContext & { tcpBacklog: number },
): Promise<number> {
  const { port } = address;
  try {
    if (isWildcard(address)) {
      Deno.listen({ hostname: unusedLoopback(), port }).close();
      return port;
    }
    const { hostname } = address;
    if (port !== 0 && hostname !== undefined && ipaddr.isValid(hostname)) {
      if (await isSilent(hostname, port)) return port;
    }
  } catch {
    // Told below, in the words of the address that is meant.
  }
  const { sockets, port: bound } = await bind(address, options);
  for (const socket of sockets) socket.close();
  return bound!;
}

/**
 * The same where the process that is replaced may listen there as well.
 *
 * @throws {FatalError} If it cannot be bound; the message says why.
 */
export async function assertShareable(
  address: Address & { transport: "tcp" },
  options: BindContext & { tcpBacklog: number; sharing?: Sharing | undefined },
): Promise<number> {
  const { sharing, signal } = options;
  const { hostname, port } = address;
  if (port === 0 || !sharing?.beside) return await assertAlone(address, options);
  // That of a name is known by the addresses that it has.
  const all = hostname === undefined || ipaddr.isValid(hostname)
    ? [address]
    : (await hostsOf(hostname, signal)).map((host) => ({ ...address, hostname: host }));
  for (const one of all) if (!sharing.isHeld(one)) await assertAlone(one, options);
  return port;
}

/**
 * Binds as {@linkcode bind} does; with `sharing` beside the process that is replaced, and so that
 * another one can replace this one.
 *
 * @throws {FatalError} If it cannot be bound, or somebody else listens there; the message says why.
 */
export async function bindShared(
  address: Address,
  options: OpenOptions & BindContext,
): Promise<Bound> {
  if (!options.sharing || address.transport !== "tcp") return await bind(address, options);
  if (passedSockets().atPort(address.port).length > 0) return await bind(address, options);
  const port = await assertShareable(address, options);
  return await bind({ ...address, port }, { ...options, reusePort: true });
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

/**
 * Whether nobody answers at an address of this machine.
 *
 * @throws If it is not this machine's, or does not say.
 */
async function isSilent(hostname: string, port: number): Promise<boolean> {
  Deno.listen({ hostname, port: 0 }).close();
  const limit = new AbortController();
  const timer = after(PATIENCE_MS, () => limit.abort());
  try {
    (await connect({ hostname, port }, { signal: limit.signal })).close();
    return false;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) return true;
    throw error;
  } finally {
    timer.stop();
  }
}
