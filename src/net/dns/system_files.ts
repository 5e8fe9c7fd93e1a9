import { canonicalIp, isIp } from "../address.ts";
import { isName } from "./question.ts";
import type { NameServer } from "./records.ts";

/** Where the system says who is asked, and what needs no asking; see resolv.conf(5) and hosts(5). */
export const RESOLV_CONF = "/etc/resolv.conf";
export const HOSTS = "/etc/hosts";

/** The port of name servers. */
export const DNS_PORT = 53;

/** As many as the C library takes. */
const MAX_SERVERS = 3;
const MAX_NDOTS = 15;

/** Most search domains: each is a question of its own. */
const MAX_DOMAINS = 16;

/** What `resolv.conf` says, as far as it counts here. */
export interface ResolvConf {
  readonly servers: readonly NameServer[];
  /** Domains that are tried behind a name. */
  readonly search: readonly string[];
  /** From how many dots on a name is asked for as it is, before any domain is tried. */
  readonly ndots: number;
}

/** What `hosts` says. */
export interface Hosts {
  /** The addresses of a name in lower case, in the order of the file; none if it is not there. */
  addressesOf(name: string): readonly string[];
}

/** Reads `resolv.conf`. What is not understood is passed over, as the C library does. */
export function parseResolvConf(text: string): ResolvConf {
  const servers: NameServer[] = [];
  let search: readonly string[] = [];
  let ndots = 1;
  for (const line of text.split("\n")) {
    if (/^[#;]/.test(line)) continue;
    const [word, ...values] = line.trim().split(/\s+/);
    if (word === "nameserver") {
      const hostname = readIp(values[0]);
      if (hostname) servers.push({ hostname, port: DNS_PORT });
    } else if (word === "search" || word === "domain") {
      // The last of both counts.
      const domains = values.slice(0, word === "domain" ? 1 : MAX_DOMAINS);
      search = domains.map((domain) => domain.toLowerCase().replace(/\.$/, "")).filter(isName);
    } else if (word === "options") {
      for (const option of values) {
        const [, number] = /^ndots:(\d{1,9})$/.exec(option) ?? [];
        if (number !== undefined) ndots = Math.min(Number(number), MAX_NDOTS);
      }
    }
  }
  if (servers.length === 0) servers.push({ hostname: "127.0.0.1", port: DNS_PORT });
  return { servers: servers.slice(0, MAX_SERVERS), search, ndots };
}

/** Reads `hosts`: only what is asked for, since some of these files have many thousands of lines. */
export function parseHosts(text: string): Hosts {
  const lower = `\n${text.toLowerCase()}\n`;
  return { addressesOf: (name) => findHost(name, lower) };
}

function findHost(name: string, text: string): string[] {
  const found: string[] = [];
  for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + name.length)) {
    if (!isBlank(text[at - 1]) || !isBlank(text[at + name.length])) continue;
    const line = text.slice(text.lastIndexOf("\n", at) + 1, text.indexOf("\n", at));
    const [first, ...names] = line.replace(/#.*/, "").trim().split(/\s+/);
    const address = readIp(first);
    if (address && names.includes(name) && !found.includes(address)) found.push(address);
  }
  return found;
}

function isBlank(character: string | undefined): boolean {
  return character !== undefined && /[\s#]/.test(character);
}

/** An address in its canonical spelling; nothing if it is none, or one of an interface (`%`). */
function readIp(text: string | undefined): string | undefined {
  return text !== undefined && isIp(text) ? canonicalIp(text) : undefined;
}
