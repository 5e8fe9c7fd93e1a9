import { answersOfService, isService } from "../options/service.ts";
import type { ConfigFlags, ParsedConfig } from "../parse.ts";
import type { ConfigProblems } from "../problems.ts";
import type { ListenerSource, Written, WrittenRule } from "../source.ts";
import type { OptionName } from "../options.ts";
import { destinationOf } from "./destination.ts";
import { readEntries } from "./entries.ts";
import { type InetdService, readServices } from "./service.ts";

/** Most listeners, as of a configuration file. */
const MAX_LISTENERS = 1000;

/**
 * How often a program is started in a minute at most, unless its line says so, and for how long nobody
 * is served after that: as inetd has it.
 */
const MOST_PER_MINUTE = 256;
const GUARD_PAUSE = "10m";

/** Whom a listener turns away that is for IPv6 alone, where its socket takes IPv4 as well. */
const IPV4 = "0.0.0.0/0";

/**
 * What an inetd.conf says as a configuration of this program: each service is a listener with one
 * destination for each address that it is for. What is wrong is in `problems`.
 */
export function inetdConfig(
  text: string,
  { file, flags, problems }: { file: string; flags: ConfigFlags; problems: ConfigProblems },
): ParsedConfig {
  const services = bothFamilies(readServices(readEntries(text, problems), problems), problems);
  const listeners = services.flatMap((service) => listenersOf(service, flags));
  if (listeners.length === 0 && problems.lines.length === 0) {
    problems.add(undefined, "has no service; must have one or more lines that are no comments");
  }
  if (listeners.length > MAX_LISTENERS) {
    problems.add(
      undefined,
      `comes to ${listeners.length} listeners; must be at most ${MAX_LISTENERS}`,
    );
  }
  return {
    source: {
      file,
      options: flags.options,
      listeners: listeners.slice(0, MAX_LISTENERS),
    },
    problems,
  };
}

/** Lines for IPv4 and IPv6 that are the same otherwise, as one service for both. */
function bothFamilies(
  services: readonly InetdService[],
  problems: ConfigProblems,
): InetdService[] {
  const kept: InetdService[] = [];
  for (const service of services) {
    const at = kept.findIndex((other) => isAtSamePort(service, other));
    const other = kept[at];
    if (!other || other.family === service.family) kept.push(service);
    else if (isSameServer(service, other)) kept[at] = { ...other, family: "both" };
    else {
      problems.add(
        service.line,
        `${service.service}: is another service than the one of the same port in line ${other.line}, ` +
          "and this runtime has no socket for IPv6 alone; must be the same one, or have addresses " +
          "before the port, such as 192.0.2.1:",
      );
    }
  }
  return kept;
}

/** Whether both are everywhere, at the same port. */
function isAtSamePort(one: InetdService, other: InetdService): boolean {
  return one.protocol === other.protocol && one.protocol !== "unix" &&
    one.service === other.service &&
    [one, other].every(({ hosts }) => hosts.length === 1 && hosts[0] === "*");
}

/** Whether they are the same but for the family. */
function isSameServer(one: InetdService, other: InetdService): boolean {
  const [a, b] = [one, other].map(({ user, group, guard, server }) => {
    return JSON.stringify([user, group, guard, server]);
  });
  return a === b;
}

function listenersOf(service: InetdService, flags: ConfigFlags): ListenerSource[] {
  const { line, hosts, family, protocol } = service;
  const written = (text: string): Written => ({ text, line });
  return (protocol === "unix" ? ["*"] : hosts).map((host) => {
    const isOfIpv6 = host === "*" && family === "ipv6";
    return {
      listen: written(listenOf(service, host)),
      destinations: [written(destinationOf(service))],
      options: { ...optionsOf(service), ...flags.options },
      rules: [
        ...isOfIpv6 ? [{ ...written(IPV4), verdict: "deny" } satisfies WrittenRule] : [],
        ...flags.rules,
      ],
    };
  });
}

/** The address of the listener, in the grammar of this program. */
function listenOf({ service, protocol, family }: InetdService, host: string): string {
  if (protocol === "unix") return `unix:${service}`;
  const prefix = protocol === "udp" ? "udp:" : "";
  const wildcards = { ipv4: "0.0.0.0:", ipv6: "[::]:", both: "" };
  if (host === "*") return `${prefix}${wildcards[family]}${service}`;
  return `${prefix}${host.includes(":") ? `[${host}]` : host}:${service}`;
}

function optionsOf(
  { line, protocol, guard, server }: InetdService,
): Partial<Record<OptionName, Written>> {
  const options: Partial<Record<OptionName, Written>> = {};
  const { perMinute, mostPerClient } = guard;
  // Nothing is started for what inetd does itself.
  const most = perMinute ?? ("internal" in server ? undefined : MOST_PER_MINUTE);
  if (most !== undefined) options.rateGuard = { text: `${most}/1m/${GUARD_PAUSE}`, line };
  if (mostPerClient !== undefined) options.maxPerIp = { text: String(mostPerClient), line };
  if (protocol === "udp" && "internal" in server && isService(server.internal)) {
    const answers = answersOfService(server.internal);
    if (answers > 0) options.udpAnswers = { text: String(answers), line };
  }
  return options;
}
