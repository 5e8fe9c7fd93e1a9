import { codeOf } from "../base/errors.ts";
import { hasIpv6 } from "./wildcard.ts";

/**
 * What a connect that failed says: `machine` this machine is short of something and nobody can be
 * connected; `full` this destination cannot take one more connection now, and will again; `reset` it
 * was connected, and reset before that was noticed; `gone` it cannot be reached.
 */
export type Fault = "machine" | "full" | "reset" | "gone";

/**
 * Every error that a connect can give (connect(2), socket(2), tcp(7), unix(7), epoll_ctl(2)), by the
 * operating system's name. Whatever is not here, a time that is over for example, is `gone`.
 */
const FAULTS: Readonly<Record<string, Fault>> = {
  // No descriptor, for this process or on the whole machine.
  EMFILE: "machine",
  ENFILE: "machine",
  // No memory for a socket, or for watching it.
  ENOBUFS: "machine",
  ENOMEM: "machine",
  ENOSPC: "machine",
  // A UNIX socket whose backlog is full; of TCP, that no local port is free.
  EAGAIN: "full",
  EWOULDBLOCK: "full",
  // No local port is free towards this destination; a port is free for another one all the same.
  EADDRNOTAVAIL: "full",
  EADDRINUSE: "full",
  // A signal came: nothing was found out.
  EINTR: "full",
  // A reset that comes before there is a connection is ECONNREFUSED, so there was one.
  ECONNRESET: "reset",
  EPIPE: "reset",
  // The runtime asks a connection for its addresses, and one that was reset has none any more.
  ENOTCONN: "reset",
  // Nobody listens, or nobody answers.
  ECONNREFUSED: "gone",
  ECONNABORTED: "gone",
  ETIMEDOUT: "gone",
  // No way to it.
  EHOSTDOWN: "gone",
  EHOSTUNREACH: "gone",
  ENETDOWN: "gone",
  ENETUNREACH: "gone",
  ENONET: "gone",
  // A firewall, or the rights on a path.
  EACCES: "gone",
  EPERM: "gone",
  // The path does not lead to a stream socket.
  ELOOP: "gone",
  ENAMETOOLONG: "gone",
  ENOENT: "gone",
  ENOTDIR: "gone",
  ENOTSOCK: "gone",
  EPROTOTYPE: "gone",
  // No such kind of address on this machine, or one that cannot be connected.
  EAFNOSUPPORT: "gone",
  EINVAL: "gone",
  EPROTONOSUPPORT: "gone",
};

/** One address that could not be connected. */
export interface Failure {
  /** The address as text. */
  readonly where: string;
  readonly error: unknown;
}

/**
 * What failures at all addresses of a destination say together: a shortage counts before the others,
 * since of an address that could not be tried nothing is known.
 */
export function faultOf(failures: readonly Failure[]): Fault {
  const faults = failures.map(faultOfOne);
  if (faults.includes("machine")) return "machine";
  return (["full", "reset"] as const).find((fault) => faults.includes(fault)) ?? "gone";
}

function faultOfOne({ where, error }: Failure): Fault {
  const code = codeOf(error) ?? "";
  // Not every runtime gives a code with it.
  const fault = FAULTS[code] ?? (error instanceof Deno.errors.WouldBlock ? "full" : "gone");
  // The same error says that there is no IPv6 on this machine: nothing to wait for.
  const missing = code === "EADDRNOTAVAIL" && where.startsWith("[") && !hasIpv6();
  return missing ? "gone" : fault;
}
