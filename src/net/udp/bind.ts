import type { Logger } from "@logtape/logtape";
import ipaddr from "ipaddr.js";
import { addressesOf, bindHosts, portOf } from "../bind_hosts.ts";
import { canonicalIp, formatSocketAddress } from "../address.ts";
import { messageOf } from "../../base/errors.ts";
import { ipv6Wildcard } from "../wildcard.ts";
import type { Sharing } from "../sharing.ts";
import { UdpListener, type UdpTerms } from "./listener.ts";

/** Options of {@linkcode bindUdp}. */
export interface BindUdpOptions {
  readonly udp: UdpTerms;
  readonly log: Logger;
  /** Ends waiting for a name server; its reason is thrown then. */
  readonly signal?: AbortSignal | undefined;
  /** How ports are shared with another process; not at all if absent. */
  readonly sharing?: Sharing | undefined;
  /** Told which of several addresses could not be bound, before the error is thrown. */
  onFailure(host: string): void;
}

/** The UDP sockets of an address. */
export interface UdpBound {
  /** Those that are open to new clients; the list changes with {@linkcode renew}. */
  readonly sockets: readonly UdpListener[];
  readonly port: number;
  /** What is really bound, such as `udp:127.0.0.1:53`; several are separated by a comma and a blank. */
  readonly address: string;
  /**
   * Binds addresses that this machine has got meanwhile, or that are ready only now, and returns their
   * sockets. One of an address that it has no more works again as soon as that is back, unless it is
   * closed. Absent where it is not every interface.
   */
  readonly renew?: (gone: "keep" | "close") => UdpListener[];
  /** Nothing outlives the sockets. */
  release(): void;
}

/**
 * Binds UDP sockets for everything that an address stands for. Every interface is each address of this
 * machine on its own: the runtime does not tell to which one a datagram was sent, and the answer has to
 * come from there.
 *
 * @throws The system's error, if one of them cannot be bound.
 */
export async function bindUdp(
  { hostname, port }: { hostname: string | undefined; port: number },
  options: BindUdpOptions,
): Promise<UdpBound> {
  const { udp, log, signal, onFailure } = options;
  const open = (host: string, port: number) => {
    const socket = openShared({ transport: "udp", hostname: host, port }, options.sharing);
    return new UdpListener(socket, { ...udp, log });
  };
  const wildcard = isWildcard(hostname);
  const hosts = wildcard ? ownAddresses(hostname) : await addressesOf(hostname!, signal);
  // One may have gone meanwhile, or be of no use yet.
  const sockets = bindHosts(hosts, { port, open, optional: wildcard, log, onFailure });
  const bound = portOf(sockets[0]!.address);
  /** Addresses that cannot be bound, of which the log knows. */
  const failing = new Set<string>();
  function renew(gone: "keep" | "close"): UdpListener[] {
    const opened: UdpListener[] = [];
    const missing = new Set(ownAddresses(hostname));
    for (const socket of [...sockets]) {
      if (missing.delete(canonicalIp(socket.address.hostname)) || gone === "keep") continue;
      sockets.splice(sockets.indexOf(socket), 1);
      socket.close();
    }
    for (const host of failing) if (!missing.has(host)) failing.delete(host);
    for (const host of missing) {
      try {
        opened.push(open(host, bound));
        failing.delete(host);
      } catch (error) {
        // One that is not ready yet keeps no other one away.
        if (failing.has(host)) continue;
        failing.add(host);
        log.warning("not listening on {host} yet: {reason}", { host, reason: messageOf(error) });
      }
    }
    sockets.push(...opened);
    return opened;
  }
  return {
    sockets,
    port: bound,
    get address() {
      return sockets.map(({ address }) => `udp:${formatSocketAddress(address)}`).join(", ");
    },
    ...wildcard && { renew },
    release() {},
  };
}

/**
 * Opens a socket, alone or beside that of the process that is replaced. The kernel lets anybody share
 * a port so, and gives all that comes to the newest socket: so it is looked first whether somebody
 * else has it.
 */
function openShared(
  address: { transport: "udp"; hostname: string; port: number },
  sharing: Sharing | undefined,
): Deno.DatagramConn {
  if (!sharing) return Deno.listenDatagram(address);
  if (sharing.isHeld(address)) return Deno.listenDatagram({ ...address, reuseAddress: true });
  const alone = Deno.listenDatagram(address);
  const { port } = alone.addr as Deno.NetAddr;
  alone.close();
  return Deno.listenDatagram({ ...address, port, reuseAddress: true });
}

function isWildcard(hostname: string | undefined): boolean {
  return hostname === undefined || hostname === "0.0.0.0" || hostname === "::";
}

/**
 * The addresses of this machine that a wildcard stands for. An address of a link (fe80::) counts only
 * with the link, which the runtime cannot bind.
 */
function ownAddresses(hostname: string | undefined): string[] {
  const v4 = hostname !== "::" || ipv6Wildcard() === "both";
  const v6 = hostname !== "0.0.0.0";
  const own = Deno.networkInterfaces().map(({ address }) => canonicalIp(address));
  return [...new Set(own)].filter((address) => {
    if (!address.includes(":")) return v4;
    return v6 && ipaddr.parse(address).range() !== "linkLocal";
  });
}
