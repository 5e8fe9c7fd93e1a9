import ipaddr from "ipaddr.js";
import { type Address, formatAddress, formatNumeric, isLocalhost } from "./address.ts";

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
  if (listen.port !== destination.port) return false;
  const targets = reachedBy(destination.hostname ?? "localhost");
  if (listen.hostname === undefined || listen.hostname === "::") return targets.some(isLoopbackIp);
  if (listen.hostname === "0.0.0.0") return targets.some((ip) => ip.startsWith("127."));
  return reachedBy(listen.hostname).some((ip) => targets.includes(ip));
}

/** Whether two listening sockets cannot be bound at the same time. */
export function collides(one: Address, other: Address): boolean {
  if (one.transport === "unix" || other.transport === "unix") {
    return formatAddress(one) === formatAddress(other);
  }
  if (one.port !== other.port || one.port === 0) return false;
  const [host, otherHost] = [one.hostname ?? "::", other.hostname ?? "::"];
  return host === otherHost || host === "::" || otherHost === "::" ||
    coversIpv4(host, otherHost) || coversIpv4(otherHost, host);
}

function coversIpv4(host: string, other: string): boolean {
  return host === "0.0.0.0" && !other.includes(":");
}

/** Which addresses of this machine a host stands for; any other host stands for itself. */
function reachedBy(host: string): string[] {
  if (isLocalhost(host)) return ["127.0.0.1", "::1"];
  if (host === "0.0.0.0") return ["127.0.0.1"];
  if (host === "::") return ["::1"];
  return [host];
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
