import { readBoundedSync } from "../base/bounded_file.ts";

/** Where names of ports are looked up; see services(5). */
export const SERVICES_FILE = "/etc/services";

/** Most bytes of it that are read. */
const MAX_BYTES = 1024 * 1024;

/** The transport protocols that a service may have. */
export type Protocol = "tcp" | "udp";

/** What may be the name of a service: RFC 6335 and what else the file has, but no number. */
export function isServiceName(text: string): boolean {
  return text.length <= 32 && /^[a-z\d][a-z\d._+*-]*$/i.test(text) && /[a-z]/i.test(text);
}

/**
 * The port of a service by its name or one of its aliases; `undefined` if there is no such service.
 * The file is read anew each time: few use names, and it is small.
 *
 * @throws {FileError} If the file cannot be read.
 */
export function portOfService(
  name: string,
  { protocol, path = SERVICES_FILE }: { protocol: Protocol; path?: string },
): number | undefined {
  for (const line of new TextDecoder().decode(readBoundedSync(path, MAX_BYTES)).split("\n")) {
    if (!line.includes(name)) continue;
    const [service, where = "", ...aliases] = line.replace(/#.*/, "").trim().split(/\s+/);
    if (service !== name && !aliases.includes(name)) continue;
    const [, port, transport] = /^(\d{1,5})\/(\w+)$/.exec(where) ?? [];
    if (transport === protocol && Number(port) <= 65535) return Number(port);
  }
}
