import { lookup } from "node:dns/promises";
import type { Logger } from "@logtape/logtape";
import { abortable } from "@std/async/abortable";
import ipaddr from "ipaddr.js";
import { canonicalIp, isLocalhost, type SocketAddress } from "./address.ts";
import { codeOf } from "../base/errors.ts";
import { hasIpv6 } from "./wildcard.ts";

/** How often another free port is tried, if not all addresses of a name have the first one free. */
const PORT_TRIES = 20;

/** A socket that is bound. */
interface BoundSocket {
  readonly address: SocketAddress;
  close(): void;
}

/** Options of {@linkcode bindHosts}. */
export interface BindHostsOptions<S extends BoundSocket> {
  /** The port, the same for all of them; 0 = any that is free for all. */
  readonly port: number;
  /** Binds one of them. */
  open(host: string, port: number): S;
  /** Whether one that is not this machine's is left out; otherwise only IPv6 where there is none. */
  readonly optional?: boolean;
  readonly log: Logger;
  /** Told which one failed, before the error is thrown. */
  onFailure(host: string): void;
}

/** The addresses of a host that is no wildcard. */
export async function addressesOf(hostname: string, signal?: AbortSignal): Promise<string[]> {
  if (ipaddr.isValid(hostname)) return [hostname];
  // As for those who connect to it: many hosts files know one family only.
  if (isLocalhost(hostname)) return ["127.0.0.1", "::1"];
  const looking = lookup(hostname, { all: true });
  const found = await (signal ? abortable(looking, signal) : looking);
  return [...new Set(found.map(({ address }) => canonicalIp(address)))];
}

/** Binds the same port of all hosts, or none. */
export function bindHosts<S extends BoundSocket>(
  hosts: readonly string[],
  options: BindHostsOptions<S>,
): S[] {
  const { port } = options;
  for (let tries = 1;; tries++) {
    const sockets: S[] = [];
    try {
      for (const host of hosts) openHost(host, { ...options, hosts, sockets });
      return sockets;
    } catch (error) {
      for (const socket of sockets) socket.close();
      const again = port === 0 && sockets.length > 0 && error instanceof Deno.errors.AddrInUse;
      if (!again || tries === PORT_TRIES) throw error;
    }
  }
}

/** The port of a socket that has one. */
export function portOf(address: SocketAddress): number {
  return address.transport === "unix" ? 0 : address.port;
}

/** Binds one of several addresses, unless it may be left out and the machine does not have it. */
function openHost<S extends BoundSocket>(
  host: string,
  options: BindHostsOptions<S> & {
    hosts: readonly string[];
    /** Those that are bound already, to which it is added. */
    sockets: S[];
  },
): void {
  const { hosts, sockets, open, optional = false, log, onFailure } = options;
  const [first] = sockets;
  try {
    sockets.push(open(host, first ? portOf(first.address) : options.port));
  } catch (error) {
    const others = hosts.some((other) => !other.includes(":"));
    if (isForeign(error) && others && (optional || (host.includes(":") && !hasIpv6()))) {
      log.debug("this machine does not have it: not listening on {host}", { host });
      return;
    }
    onFailure(host);
    throw error;
  }
}

/** Whether an address is not this machine's. */
function isForeign(error: unknown): boolean {
  return error instanceof Deno.errors.AddrNotAvailable || codeOf(error) === "EAFNOSUPPORT";
}
