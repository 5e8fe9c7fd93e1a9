import type { TlsOutTerms } from "../net/tls/out_terms.ts";
import type { RecordsName } from "../net/records_name.ts";
import type { DestinationOptions } from "./options/destination.ts";
import type { TLS_OUT_ROWS } from "./options/tls_out.ts";
import type { Place } from "./service_address.ts";
import { keyIn } from "./values/pem_file.ts";

/** The options of a destination that are about TLS. */
export type TlsOutOptions = Pick<DestinationOptions, keyof typeof TLS_OUT_ROWS>;

/** How a destination with these options is spoken to. */
export function termsOf(options: TlsOutOptions, name: string): TlsOutTerms {
  const { "tls-ca": roots, "tls-cert": cert, "tls-key": key } = options;
  return {
    name: options["tls-name"] || name,
    roots: roots.path ? roots : undefined,
    own: cert.path ? { cert: cert.text, key: keyIn(key.text || cert.text)! } : undefined,
    insecure: options["tls-insecure"],
  };
}

/** The name that is verified at a place unless another one is given; empty if it has none. */
export function nameAt(place: Place | RecordsName): string {
  if ("kind" in place) {
    // Of a service it is the domain that is known to be right, whatever its records say (RFC 6125, 6.4).
    return plain(
      place.kind === "srv" ? place.hostname.replace(/^(_[^.]*\.)+/, "") : place.hostname,
    );
  }
  return place.transport === "tcp" ? plain(place.hostname ?? "localhost") : "";
}

function plain(name: string): string {
  return name.replace(/\.$/, "").toLowerCase();
}
