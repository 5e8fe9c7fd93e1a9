import { createPrivateKey } from "node:crypto";
import { hasNodeTls } from "../net/tls/node_tls.ts";
import { messageOf } from "../base/errors.ts";
import { type ConfiguredDestination, isTemplate } from "./destination_text.ts";
import { DESTINATION_OPTIONS } from "./options/destination.ts";
import { TLS_OUT_NAMES } from "./options/tls_out.ts";
import { nameAt } from "./tls_out_terms.ts";
import { certificatesIn, keyIn } from "./values/pem_file.ts";
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

function problemWithPair(pair: { cert: string; key: string }): string | undefined {
  const key = keyIn(pair.key);
  if (key === undefined) return "has tls-cert without a key in its file; must have tls-key=FILE";
  try {
    const [cert] = certificatesIn(pair.cert);
    if (cert!.checkPrivateKey(createPrivateKey(key))) return undefined;
    return "has a tls-key that is not that of the first certificate in tls-cert; must be its own";
  } catch (error) {
    return `has a tls-key that cannot be compared with tls-cert: ${messageOf(error)}`;
  }
}
