import ipaddr from "ipaddr.js";
import { type Address, formatAddress, formatNumeric, isLocalhost } from "./address.ts";
import { ipv6Wildcard } from "./wildcard.ts";

/** The same text for the same address, however it was written. */
export function canonicalName(address: Address): string {
  if (address.transport === "unix") return formatAddress(address);
  return formatNumeric({ ...address, hostname: address.hostname ?? "localhost" });
}

/** Whether a connect to a destination would come back to where this machine listens. */
export function isSelf(listen: Address, destination: Address): boolean {
  if (listen.transport === "unix" || destination.transport === "unix") {
    return formatAddress(listen) === formatAddress(destination);
  }
  if (listen.transport !== destination.transport) return false;
  if (listen.port !== destination.port) return false;
  const targets = hostsOf(destination.hostname ?? "localhost").map((host) => {
    // A connect to a wildcard is one to loopback.
    return host === "::" ? "::1" : host === "0.0.0.0" ? "127.0.0.1" : host;
  });
  return hostsOf(listen.hostname).some((host) => {
    return targets.some((target) =>
      host === target || isLoopbackIp(target) && covers(host, target)
    );
  });
}

/** Whether two listening sockets cannot be bound at the same time. */
export function collides(one: Address, other: Address): boolean {
  if (one.transport === "unix" || other.transport === "unix") {
    return formatAddress(one) === formatAddress(other);
  }
  if (one.transport !== other.transport) return false;
  if (one.port !== other.port || one.port === 0) return false;
  return hostsOf(one.hostname).some((host) => {
    return hostsOf(other.hostname).some((otherHost) => {
      return host === otherHost || covers(host, otherHost) || covers(otherHost, host);
    });
  });
}

/** Which hosts are bound for one; a name that has to be looked up stands for itself. */
function hostsOf(host: string | undefined): string[] {
  if (host === undefined) return ["::", "0.0.0.0"];
  return isLocalhost(host) ? ["127.0.0.1", "::1"] : [host];
}

/** Whether a host is a wildcard that another host is a part of; that of IPv6 as the kernel has it. */
function covers(host: string, other: string): boolean {
  if (host === "0.0.0.0") return !other.includes(":");
  return host === "::" && (other.includes(":") || ipv6Wildcard() === "both");
}

/** Whether only this machine can reach an address: a Unix-domain socket, or loopback. */
export function isLocal(address: Address): boolean {
  if (address.transport === "unix") return true;
  return address.hostname !== undefined &&
    (isLocalhost(address.hostname) || isLoopbackIp(address.hostname));
}

/** Whether a text is an IP address of the loopback interface; no names, no short forms. */
export function isLoopbackIp(text: string): boolean {
  if (!ipaddr.IPv4.isValidFourPartDecimal(text) && !ipaddr.IPv6.isValid(text)) return false;
  return ipaddr.process(text).range() === "loopback";
}
