import { isIp } from "../../net/address.ts";
import { cut, nearest, quote } from "../../base/text.ts";
import type { ConfigProblems } from "../problems.ts";
import { INTERNAL_SERVICES, isInternal } from "./internal.ts";
import type { Entry } from "./entries.ts";
import { type Guard, readWaiting } from "./waiting.ts";

/** How many fields a service has at least, and what they are called. */
const FIELDS = [
  "service name",
  "socket type",
  "protocol",
  "wait/nowait",
  "user",
  "program",
] as const;

/** Which addresses a socket takes: those of IPv4, of IPv6, or both. */
export type Family = "ipv4" | "ipv6" | "both";

/** A service as one line of an inetd.conf describes it. */
export interface InetdService {
  readonly line: number;
  /** The name of the service or its port; for `unix` the path. */
  readonly service: string;
  readonly protocol: "tcp" | "udp" | "unix";
  readonly family: Family;
  /** Where it listens; `*` is everywhere. */
  readonly hosts: readonly string[];
  readonly guard: Guard;
  readonly user: string;
  /** Absent unless it was given. */
  readonly group: string | undefined;
  /** What serves: the built-in service of this name, or a program with its arguments. */
  readonly server:
    | { readonly internal: string }
    | { readonly program: string; readonly name: string; readonly args: readonly string[] };
}

/**
 * The services of entries, in their order. What is wrong with one goes to `problems`, and a line with
 * nothing but `HOST:` says where those after it listen that do not say it.
 */
export function readServices(
  entries: readonly Entry[],
  problems: ConfigProblems,
): InetdService[] {
  let usual: readonly string[] = ["*"];
  return entries.flatMap((entry) => {
    const { line, words } = entry;
    const { hosts, service } = splitHosts(words[0]!, usual);
    if (service === "" && words.length === 1) {
      usual = hosts;
      return [];
    }
    try {
      return [readService(entry, { hosts, service })];
    } catch (error) {
      if (!(error instanceof EntryError)) throw error;
      problems.add(line, error.message);
      return [];
    }
  });
}

/** What is wrong with a service. */
export class EntryError extends Error {
  override readonly name = "EntryError";
}

/** What stands before the last colon of the first field, as inetd has it, and the service. */
function splitHosts(
  text: string,
  usual: readonly string[],
): { hosts: readonly string[]; service: string } {
  const colon = text.lastIndexOf(":");
  if (colon === -1 || text.startsWith("/")) return { hosts: usual, service: text };
  const before = text.slice(0, colon);
  const list = /^\[[^\],]*\]$/.test(before) ? [before] : before.split(",");
  const hosts = list.filter((host) => host !== "").map((host) => host.replace(/^\[(.*)\]$/, "$1"));
  return { hosts: hosts.length === 0 ? ["*"] : hosts, service: text.slice(colon + 1) };
}

function readService(
  { line, words }: Entry,
  { hosts, service }: { hosts: readonly string[]; service: string },
): InetdService {
  if (/[\p{C}\p{Z}]/u.test(service)) {
    throw new EntryError(`${quote(service)}: has a character that is in no name of a service`);
  }
  const [, type = "", protocolText = "", waiting = "", owner = "", program = "", ...args] = words;
  const missing = FIELDS[words.length];
  if (missing !== undefined) {
    throw new EntryError(
      `${quote(service)}: ${missing} is missing; must be ${FIELDS.join(", ")}, arguments`,
    );
  }
  const fail: Fail = (text, problem) => {
    throw new EntryError(`${cut(service)}: ${quote(text)}: ${problem}`);
  };
  const { protocol, family } = readProtocol(protocolText, { service, fail });
  const datagrams = readType(type, { protocol, fail });
  if (protocol === "unix" && !service.startsWith("/")) {
    fail(service, "must be the path of the socket, for the protocol unix");
  }
  if (service === "") fail(words[0]!, "must name a service of /etc/services, or a port");
  for (const host of protocol === "unix" ? [] : hosts) checkHost(host, { family, fail });
  const internal = program === "internal";
  const { wait, guard } = readWaiting(waiting, (problem) => fail(waiting, problem));
  const { user, group } = readOwner(owner, fail);
  const common = { line, service, protocol, family, hosts, guard, user, group };
  if (internal) {
    if (isInternal(service)) return { ...common, server: { internal: service } };
    return fail(
      program,
      `there is no such service in this program; must be the path of a program, or the service one ` +
        `of ${INTERNAL_SERVICES.join(", ")}`,
    );
  }
  if (datagrams) {
    fail(
      program,
      "a program that is to read datagrams needs the socket itself, which this runtime cannot hand " +
        "over; must be internal, or a daemon of its own and a listener udp: in front of it",
    );
  }
  if (wait) {
    fail(
      waiting,
      "a program that is to accept for itself needs the listening socket, which this runtime cannot " +
        "hand over; must be nowait, or a daemon of its own and a listener in front of it",
    );
  }
  if (!program.startsWith("/")) fail(program, "must be the path of a program, or internal");
  if (program.endsWith("/tcpd")) {
    fail(
      program,
      "asks a socket who the client is and finds a pipe here, so that it lets nobody in; must be the " +
        `program itself${
          args.length > 0 ? ` (${cut(args[0]!)})` : ""
        }, and --allow and --deny for ` +
        "what hosts.allow and hosts.deny say",
    );
  }
  const [name = program.slice(program.lastIndexOf("/") + 1), ...rest] = args;
  return { ...common, server: { program, name, args: rest } };
}

/** What takes a field and what is wrong with it. */
type Fail = (text: string, problem: string) => never;

/** Whether it is one of datagrams. */
function readType(
  text: string,
  { protocol, fail }: { protocol: InetdService["protocol"]; fail: Fail },
): boolean {
  if (["rdm", "seqpacket", "raw"].includes(text)) {
    fail(text, "there are no such sockets in this runtime; must be stream or dgram");
  }
  if (text !== "stream" && text !== "dgram") {
    fail(text, `must be stream or dgram; the nearest is ${nearest(text, ["stream", "dgram"])}`);
  }
  const datagrams = text === "dgram";
  if (protocol === "tcp" && datagrams) fail(text, "must be stream, for the protocol tcp");
  if (protocol === "udp" && !datagrams) fail(text, "must be dgram, for the protocol udp");
  if (protocol === "unix" && datagrams) {
    fail(text, "clients of such a socket have no address by which they could be told apart");
  }
  return datagrams;
}

function readProtocol(
  text: string,
  { service, fail }: { service: string; fail: Fail },
): Pick<InetdService, "protocol" | "family"> {
  const [name = "", ...sizes] = text.split(",");
  if (name.startsWith("rpc/")) {
    fail(text, "services of Sun RPC need a portmapper, which this program does not speak to");
  }
  if (service.startsWith("tcpmux/")) {
    fail(service, "there is no TCPMUX (RFC 1078); must have a port of its own");
  }
  if (sizes.length > 0) {
    fail(text, `sizes of buffers cannot be set in this runtime; must be ${quote(name)}`);
  }
  if (name === "unix") return { protocol: "unix", family: "both" };
  const [, protocol, version] = /^(tcp|udp)(4|6|46)?$/.exec(name) ?? [];
  if (protocol === undefined) {
    const known = ["tcp", "tcp4", "tcp6", "udp", "udp4", "udp6", "unix"];
    fail(text, `must be one of ${known.join(", ")}; the nearest is ${nearest(name, known)}`);
  }
  const family = version === "4" ? "ipv4" : version === "6" ? "ipv6" : "both";
  return { protocol: protocol as "tcp" | "udp", family };
}

/** A host of one family only cannot be listened at for the other. */
function checkHost(host: string, { family, fail }: { family: Family; fail: Fail }): void {
  if (host === "*" || family === "both") return;
  if (!isIp(host)) {
    fail(
      host,
      `a name is all addresses that it has, also those that are not of ${
        nameOf(family)
      }; must be ` +
        "an IP address, or the protocol without its number",
    );
  }
  if (host.includes(":") !== (family === "ipv6")) {
    fail(host, `is no address of ${nameOf(family)}, which the protocol asks for`);
  }
}

function nameOf(family: Family): string {
  return family === "ipv4" ? "IPv4" : "IPv6";
}

/** `USER`, `USER.GROUP` or `USER:GROUP`. */
function readOwner(text: string, fail: Fail): Pick<InetdService, "user" | "group"> {
  const [, user, group, login] = /^([^.:/]+)(?:[.:]([^:/]+))?(\/.*)?$/.exec(text) ?? [];
  if (user === undefined) fail(text, "must be USER, USER.GROUP or USER:GROUP");
  if (login !== undefined) {
    fail(text, `classes of login are FreeBSD's; must be without ${quote(login)}`);
  }
  return { user: user!, group };
}
