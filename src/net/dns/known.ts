import ipaddr from "ipaddr.js";
import { canonicalIp, isIp, isLocalhost } from "../address.ts";
import type { Answer, QuestionType } from "./records.ts";

/** How long what needs no asking counts, in seconds. */
const KNOWN_TTL = 60;

/** What is known without asking: addresses are their own, localhost is here (RFC 6761, 6.3). */
export function knownAnswer(name: string, type: QuestionType): Answer | undefined {
  if (isLocalhost(name)) return addressAnswer(["127.0.0.1", "::1"], type);
  if (isIp(name)) return addressAnswer([canonicalIp(name)], type);
}

/**
 * Whether a server can have an IP address. 0.0.0.0 and ::, by which name servers and hosts files say
 * that somebody is not to be reached, would be this machine; groups and broadcasts are nobody.
 */
export function isOfServer(address: string): boolean {
  return !["unspecified", "multicast", "broadcast"].includes(ipaddr.parse(address).range());
}

/** An answer with those of some addresses that are of the type, and a server's. */
export function addressAnswer(addresses: readonly string[], type: QuestionType): Answer {
  const records = addresses.filter(isOfServer).flatMap((address) => {
    const own = address.includes(":") ? "AAAA" as const : "A" as const;
    return own === type ? [{ type: own, address }] : [];
  });
  if (records.length > 0) return { kind: "records", records, ttl: KNOWN_TTL };
  return { kind: "empty", why: "no such record", ttl: KNOWN_TTL };
}
