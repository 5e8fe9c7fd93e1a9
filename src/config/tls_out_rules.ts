import { hasNodeTls } from "../net/tls/node_tls.ts";
import { PairError, type PairText, readPair } from "../net/tls/pair.ts";
import { type ConfiguredDestination, isTemplate } from "./destination_text.ts";
import { DESTINATION_OPTIONS } from "./options/destination.ts";
import { TLS_OUT_NAMES } from "./options/tls_out.ts";
import { nameAt } from "./tls_out_terms.ts";
import type { Option } from "./option.ts";

/** Reports what cannot be about the TLS of a destination. */
export function checkTlsOut(
  destination: ConfiguredDestination,
  { report, version }: { report(problem: string): void; version?: string },
): void {
  const { tls, "tls-name": name, "tls-ca": ca, "tls-cert": cert, "tls-key": key } = destination;
  const insecure = destination["tls-insecure"];
  if (!tls) {
    const idle = TLS_OUT_NAMES.find((name) => {
      const { format, default: usual }: Option<unknown> = DESTINATION_OPTIONS[name];
      return format(destination[name]) !== format(usual);
    });
    if (idle !== undefined) {
      report(`has ${idle} without tls, so nothing would be encrypted; must be with tls`);
    }
    return;
  }
  if (insecure && ca.path) {
    report("has tls-insecure, which verifies nothing, and tls-ca; must have one of them");
  }
  const place = isTemplate(destination) ? destination.lookup : destination.address;
  if (!insecure && !name && !nameAt(place)) {
    report("has tls and no name that its certificate could be for; must have tls-name=NAME");
  }
  if (key.path && !cert.path) report("has tls-key without tls-cert; must have both, or none");
  if (cert.path) {
    const problem = problemWithPair({ cert: cert.text, key: key.text || cert.text });
    if (problem !== undefined) report(problem);
  }
  if (hasNodeTls(version)) return;
  const needs = (["tls-insecure", "tls-cert"] as const).find((name) => {
    return name === "tls-cert" ? cert.path : insecure;
  });
  if (needs !== undefined) {
    report(
      `has ${needs}, which needs Deno 2.8 or newer, and this is ${version ?? Deno.version.deno}`,
    );
  }
}

function problemWithPair(pair: PairText): string | undefined {
  try {
    readPair(pair);
  } catch (error) {
    if (!(error instanceof PairError)) throw error;
    const { part, missing, message } = error;
    return part === "key" && missing
      ? "has tls-cert without a key in its file; must have tls-key=FILE"
      : `has a tls-${part} that ${message}`;
  }
}
