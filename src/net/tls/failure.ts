import { codeOf, messageOf } from "../../base/errors.ts";
import type { TlsOutTerms } from "./out_terms.ts";

/** A handshake with a server has failed; the message says what was expected and what came. */
export class TlsError extends Error {
  override readonly name = "TlsError";
}

/** What can be told about an error of the runtime, by what it says. */
const MEANINGS: readonly [RegExp, (terms: Expected, ...groups: string[]) => string][] = [
  [
    /certificate not valid for name "([^"]*)"(?:; certificate is only valid for (.*))?/,
    ({ name }, _, names) =>
      `its certificate is ${names ? `only for ${plain(names)}` : "for somebody else"}, ` +
      `expected was ${name}: must be another certificate, or another tls-name`,
  ],
  [
    /NotValidForName/,
    ({ name }) => `its certificate is not for ${name}: must be another one, or another tls-name`,
  ],
  [
    /CaUsedAsEndEntity/,
    () =>
      "its certificate is marked as one of an authority (CA:TRUE), which is none of a server: must " +
      "be one with basicConstraints=CA:FALSE, which tls-ca can name as well",
  ],
  [
    /certificate expired: .*after (\d+)/,
    (_, at) => `its certificate has expired on ${dateOf(at!)}`,
  ],
  [/invalid peer certificate: Expired/, () => "its certificate has expired"],
  [
    /certificate not valid yet: .*before (\d+)/,
    (_, at) => `its certificate is not valid before ${dateOf(at!)}`,
  ],
  [
    /UnknownIssuer|BadSignature|UNABLE_TO_VERIFY/,
    ({ roots }) => `its certificate is from no authority in ${roots}`,
  ],
  [/UnsupportedCertVersion/, () => {
    return "its certificate is of version 1, without names: must be one of version 3";
  }],
  [/HandshakePayloadTooLarge/, () => {
    return "the server says more than 64 KiB in one piece: are there too many certificates in its chain?";
  }],
  [
    /InvalidContentType|corrupt message|invalid data|in which nothing is said|WRONG_VERSION_NUMBER|wrong version number/,
    () => "what came is no TLS: does its port speak that?",
  ],
  [
    /fatal alert: (CertificateRequired|BadCertificate|CertificateUnknown|UnknownCA|AccessDenied)/,
    ({ shows }, alert) =>
      `the server has refused it (${alert})` +
      (shows ? ", the certificate of tls-cert perhaps" : "; does it want a certificate, tls-cert?"),
  ],
  [
    /fatal alert: HandshakeFailure/,
    ({ shows }) =>
      "the server has refused it (HandshakeFailure): it knows none of the ciphers" +
      (shows
        ? ", or does not like the certificate of tls-cert"
        : ", or wants a certificate, tls-cert"),
  ],
  [/fatal alert: ProtocolVersion/, () => {
    return "the server has no TLS 1.2 or 1.3 (ProtocolVersion)";
  }],
  [/fatal alert: UnrecognisedName/, ({ name }) => {
    return `the server knows nobody called ${name} (UnrecognisedName): must be another tls-name`;
  }],
  [/fatal alert: (\w+)/, (_, alert) => `the server has refused it (${alert})`],
  [
    /unexpected end of file|UnexpectedEof|ECONNRESET|socket hang up|disconnected before secure|Connection reset/,
    () => "the server has closed the connection during the handshake",
  ],
];

/** What was expected, in words. */
interface Expected {
  readonly name: string;
  readonly roots: string;
  readonly shows: boolean;
}

/** Where the authorities are from. */
export function whence({ roots }: TlsOutTerms): string {
  return roots?.path ?? "the system's";
}

/** The error of a handshake in words that an operator can do something with. */
export function handshakeError(error: unknown, terms: TlsOutTerms): TlsError {
  if (error instanceof TlsError) return error;
  const said = [codeOf(error), messageOf(error)].filter((one) => one).join(" ");
  const expected: Expected = {
    name: terms.name,
    roots: whence(terms),
    shows: terms.own !== undefined,
  };
  for (const [pattern, meaning] of MEANINGS) {
    const match = pattern.exec(said);
    if (match) {
      return new TlsError(`TLS: ${meaning(expected, ...match.slice(1))}`, { cause: error });
    }
  }
  return new TlsError(`TLS: ${messageOf(error)}`, { cause: error });
}

/** Names of a certificate as one writes them. */
function plain(names: string): string {
  const all = names.replace(/(?:DnsName|IpAddress)\("?([^")]*)"?\)/g, "$1").replace(/\.$/, "");
  return all.length > 300 ? `${all.slice(0, 300)}…` : all || "nobody";
}

function dateOf(seconds: string): string {
  const date = new Date(Number(seconds) * 1000);
  return isNaN(date.getTime()) ? "a day in the past" : date.toISOString().slice(0, 10);
}
