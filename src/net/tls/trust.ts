import { X509Certificate } from "node:crypto";
import { checkServerIdentity, type PeerCertificate, type TLSSocket } from "node:tls";
import { messageOf } from "../../base/errors.ts";
import { TlsError } from "./failure.ts";

/** Most certificates between that of a server and its authority. */
const MOST_BETWEEN = 8;

/** What a server has to prove. */
interface Expected {
  /** The name or IP address that its certificate has to be for. */
  readonly name: string;
  /** The authorities, in PEM. */
  readonly roots: string;
  /** Where they are from, for messages. */
  readonly from: string;
}

/**
 * Whether a server of `node:tls` is the one that is expected. What the runtime says of it is not enough:
 * it takes a certificate of version 1, or one behind another of version 1, for that of any authority that
 * it only names, with a signature of anybody (Deno 2.8 to 2.9.6, `NodeServerCertVerifier` in
 * ext/node/ops/tls_wrap.rs). So signatures, dates, version and name are looked at here; that the server
 * has the key, the purpose of the certificate and all else is what the runtime has looked at.
 *
 * @throws {TlsError} If it is not; it says what was expected and what came.
 */
export function trust(socket: TLSSocket, expected: Expected): void {
  const problem = problemWith(shownBy(socket), expected) ?? (socket.authorized ? undefined : (
    `its certificate is not accepted (${messageOf(socket.authorizationError)})`
  ));
  if (problem !== undefined) throw new TlsError(`TLS: ${problem}`);
}

/** What is wrong with the certificates that a server has shown, its own first. */
export function problemWith(
  shown: readonly X509Certificate[],
  { name, roots, from, now = Date.now() }: Expected & { now?: number },
): string | undefined {
  const [own, ...others] = shown;
  if (!own) return "it has shown no certificate";
  if (!shown.every(isOfVersion3)) {
    return "its certificate is of version 1, without names: must be one of version 3";
  }
  const outOfDate = problemWithDates(own, now);
  if (outOfDate !== undefined) return `its certificate ${outOfDate}`;
  const anchors = anchorsIn(roots);
  if (!leadsTo(anchors, { own, others, now })) {
    const late = others.find((one) => problemWithDates(one, now) !== undefined);
    const more = late && `; ${oneLine(late.subject)} above it ${problemWithDates(late, now)}`;
    return `its certificate is from no authority in ${from}, it is from ${oneLine(own.issuer)}` +
      (more ?? "");
  }
  const subjectaltname = own.subjectAltName ?? "";
  if (!checkServerIdentity(name, { subject: {}, subjectaltname } as PeerCertificate)) {
    return undefined;
  }
  const names = subjectaltname.replace(/(?:DNS|IP Address):/g, "").slice(0, 300);
  return `its certificate is only for ${
    names || "nobody"
  }, expected was ${name}: must be another ` +
    "certificate, or another tls-name";
}

/** All that a server has shown, its own first, and what it is completed with. */
function shownBy(socket: TLSSocket): X509Certificate[] {
  const all: X509Certificate[] = [];
  try {
    let one = socket.getPeerCertificate(true);
    while (one?.raw && all.length <= 2 * MOST_BETWEEN) {
      all.push(new X509Certificate(one.raw));
      if (one.issuerCertificate === one) break;
      one = one.issuerCertificate;
    }
    return all;
  } catch (error) {
    throw new TlsError(`TLS: its certificate cannot be read: ${messageOf(error)}`);
  }
}

/** Whether signatures lead from a server's own certificate to an authority. */
function leadsTo(
  anchors: readonly X509Certificate[],
  { own, others, now }: { own: X509Certificate; others: readonly X509Certificate[]; now: number },
): boolean {
  if (anchors.some(({ raw }) => raw.equals(own.raw))) return true;
  const rest = new Set(others);
  let current = own;
  for (let between = 0; between <= MOST_BETWEEN; between++) {
    if (anchors.some((one) => hasSigned(one, current))) return true;
    const next = [...rest].find((one) => {
      return one.ca && problemWithDates(one, now) === undefined && hasSigned(one, current);
    });
    if (!next) return false;
    rest.delete(next);
    current = next;
  }
  return false;
}

function hasSigned(authority: X509Certificate, one: X509Certificate): boolean {
  if (authority.subject !== one.issuer) return false;
  try {
    return one.verify(authority.publicKey);
  } catch {
    // A kind of signature that the runtime does not know.
    return false;
  }
}

function problemWithDates(
  { validFrom, validTo }: X509Certificate,
  now: number,
): string | undefined {
  if (!(Date.parse(validTo) >= now)) return `has expired on ${dayOf(validTo)}`;
  if (!(Date.parse(validFrom) <= now)) return `is not valid before ${dayOf(validFrom)}`;
}

function dayOf(text: string): string {
  return new Date(text).toISOString().slice(0, 10);
}

function oneLine(subject: string): string {
  return subject.replaceAll("\n", ", ");
}

/**
 * Whether a certificate is of version 3: with one of version 1 the runtime does not look whether its peer
 * has the key (Deno 2.8 to 2.9.6). Of its fields only the first, the version, is in such brackets (RFC
 * 5280, 4.1).
 */
export function isOfVersion3({ raw }: X509Certificate): boolean {
  let at = 0;
  for (let level = 0; level < 2; level++) at += raw[at + 1]! & 0x80 ? 2 + (raw[at + 1]! & 0x7f) : 2;
  return [0xa0, 3, 2, 1, 2].every((byte, i) => raw[at + i] === byte);
}

let known: { readonly text: string; readonly anchors: readonly X509Certificate[] } | undefined;

/** Authorities in PEM; those of before are still known. */
function anchorsIn(text: string): readonly X509Certificate[] {
  if (known?.text === text) return known.anchors;
  const anchors: X509Certificate[] = [];
  for (const [pem] of text.matchAll(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g)) {
    try {
      anchors.push(new X509Certificate(pem));
    } catch {
      // One that the runtime cannot read vouches for nobody.
    }
  }
  known = { text, anchors };
  return anchors;
}
