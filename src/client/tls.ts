import type { ListenerStatus } from "../operations/listener_status.ts";
import type { CertificateStatus } from "../operations/tls_status.ts";
import { plain } from "./format.ts";

/** What is known of TLS with the clients of a listener. */
export interface TlsWithClients {
  readonly handshakes: number;
  /** Handshakes under way. */
  readonly pending: number;
  readonly failed: number;
  /** Its certificates in words: the one that ends first. */
  readonly certificates: string;
  /** Whether that is to be replaced. */
  readonly ends: "now" | "soon" | undefined;
}

const DAY_S = 86_400;

/** From so many days before its end on a certificate is to be replaced. */
const SOON_DAYS = 14;

/** What is known of TLS with the clients of a listener; `undefined` where there is none. */
export function tlsOf(listener: Partial<ListenerStatus>): TlsWithClients | undefined {
  // An earlier version has none.
  const { tls_handshakes: handshakes = 0, tls_pending: pending = 0 } = listener;
  const { certificates = [], ended = {} } = listener;
  const first = certificates.toSorted((one, other) => one.expires_in_s - other.expires_in_s)[0];
  if (!first) return undefined;
  const days = first.expires_in_s / DAY_S;
  return {
    ...{ handshakes, pending, failed: ended["tls-failed"] ?? 0 },
    certificates: certificates.length === 1
      ? `certificate ${endOf(first)}`
      : `${certificates.length} certificates, the first to end ${endOf(first)}`,
    ends: days < 0 ? "now" : days < SOON_DAYS ? "soon" : undefined,
  };
}

function endOf({ path, names, expires_in_s }: CertificateStatus): string {
  const days = Math.floor(Math.abs(expires_in_s) / DAY_S);
  const span = days === 1 ? "1 day" : `${days} days`;
  const what = names[0] === undefined ? path : names[0];
  return `${plain(what)} ${expires_in_s < 0 ? `ended ${span} ago` : `ends in ${span}`}`;
}
