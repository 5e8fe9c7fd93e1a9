import { canonicalIp, formatHostPort, isIp } from "../../net/address.ts";
import type { NameServer, ResolverSetting } from "../../net/dns/records.ts";
import { DNS_PORT } from "../../net/dns/system_files.ts";
import type { Option } from "../option.ts";

/** Most name servers: each is given its time before the next is asked. */
const MAX_SERVERS = 8;

/** Who looks names up: the system's name servers, or those given. */
export function resolver(spec: { help: string }): Option<ResolverSetting> {
  return {
    form: "system|ADDR[,ADDR]",
    default: "system",
    help: spec.help,
    allowed: `system, or at most ${MAX_SERVERS} different name servers separated by commas, each ` +
      'an IP address with or without a port, such as "10.0.0.53,[2001:db8::53]:5353"',
    parse(text) {
      if (text === "system") return text;
      const parts = text.split(",");
      if (parts.length > MAX_SERVERS) return undefined;
      const servers = parts.map((part) => parseServer(part.trim()));
      if (!servers.every((server) => server !== undefined)) return undefined;
      return new Set(servers.map(formatServer)).size === servers.length ? servers : undefined;
    },
    format: (setting) => setting === "system" ? setting : setting.map(formatServer).join(","),
    notation: {
      words: ["system"],
      pattern: "^[0-9a-fA-F:.\\[\\]]+( *, *[0-9a-fA-F:.\\[\\]]+){0,7}$",
    },
  };
}

function parseServer(text: string): NameServer | undefined {
  if (isIp(text)) return { hostname: canonicalIp(text), port: DNS_PORT };
  const [, v6, v4, port] = /^(?:\[([^\]]+)\]|([\d.]+))(?::([1-9]\d{0,4}))?$/.exec(text) ?? [];
  const hostname = v6 ?? v4;
  if (hostname === undefined || !isIp(hostname) || Number(port ?? DNS_PORT) > 65535) {
    return undefined;
  }
  if (v6 !== undefined && !v6.includes(":")) return undefined;
  return { hostname: canonicalIp(hostname), port: Number(port ?? DNS_PORT) };
}

function formatServer({ hostname, port }: NameServer): string {
  return port === DNS_PORT ? hostname : formatHostPort(hostname, port);
}
