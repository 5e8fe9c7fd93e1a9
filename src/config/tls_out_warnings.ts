import { quote } from "../base/text.ts";
import type { ProgramConfig } from "./config.ts";
import { type ConfiguredDestination, isTemplate } from "./destination_text.ts";
import type { ProgramSource } from "./source.ts";
import { nameAt } from "./tls_out_terms.ts";
import { certificatesIn } from "./values/pem_file.ts";
import { warningLines } from "./warning_lines.ts";

/** What is dangerous about the TLS of destinations, or most likely not meant, a line each. */
export function tlsOutWarnings(
  { listeners }: Pick<ProgramConfig, "listeners">,
  source: ProgramSource,
): string[] {
  const now = new Date();
  function* all(): Iterable<string> {
    for (const [i, { configured }] of listeners.entries()) {
      for (const [index, one] of configured.entries()) {
        const warning = tlsOutWarning(one, now);
        if (warning === undefined) continue;
        const { text, line } = source.listeners[i]?.destinations[index] ?? { text: one.name };
        const what = line === undefined ? "DESTINATION" : `${source.file}:${line}: destinations`;
        yield `${what} ${quote(text)} ${warning}`;
      }
    }
  }
  return warningLines(all(), "further destinations are not told about");
}

/** What is allowed and most likely not meant: a line, or nothing. */
export function tlsOutWarning(destination: ConfiguredDestination, now: Date): string | undefined {
  const { tls, "tls-name": given, "tls-ca": ca, "tls-cert": cert } = destination;
  if (!tls) return undefined;
  if (destination["tls-insecure"]) {
    return "is NOT VERIFIED (tls-insecure): whoever answers at its address is believed, and can read " +
      "and change everything that its clients send and get";
  }
  const place = isTemplate(destination) ? destination.lookup : destination.address;
  const name = given || nameAt(place);
  const authorities = ca.path ? certificatesIn(ca.text) : [];
  const [only, more] = authorities;
  // With a certificate of one's own it is another part of the runtime, which takes it.
  if (!cert.path && only && !more && only.ca && only.checkIssued(only) && isFor(only, name)) {
    return `has a tls-ca that is marked as an authority (CA:TRUE) and is for ${name} itself: if the ` +
      "server shows that very certificate it is refused, and must have one with " +
      "basicConstraints=CA:FALSE";
  }
  for (
    const [option, list] of [["tls-ca", authorities], [
      "tls-cert",
      cert.path ? certificatesIn(cert.text) : [],
    ]] as const
  ) {
    if (list.length > 0 && list.every(({ validTo }) => new Date(validTo) < now)) {
      return `has a ${option} that has expired, on ${
        new Date(list[0]!.validTo).toISOString().slice(0, 10)
      }`;
    }
  }
}

function isFor(
  certificate: {
    checkHost(name: string): string | undefined;
    checkIP(ip: string): string | undefined;
  },
  name: string,
): boolean {
  return /^[0-9.]+$|:/.test(name)
    ? certificate.checkIP(name) !== undefined
    : certificate.checkHost(name) !== undefined;
}
