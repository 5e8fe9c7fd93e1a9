import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { codeOf, messageOf } from "../../base/errors.ts";

/** A certificate with those that follow it, and its key, as PEM. */
export interface PairText {
  readonly cert: string;
  readonly key: string;
}

/** A pair that fits together, and what is known of its certificate. */
export interface Pair extends PairText {
  /** The names that it is for, in small letters; `*.parent` is any name of one more label. */
  readonly names: readonly string[];
  /** When it begins and ends to be valid, in milliseconds since 1970. */
  readonly from: number;
  readonly until: number;
}

/** Certificate and key do not serve; the message says why, in words that follow what they are. */
export class PairError extends Error {
  override readonly name = "PairError";
  /** Which of the two is wrong. */
  readonly part: keyof PairText;
  /** Whether there is none at all. */
  readonly missing: boolean;

  constructor(part: keyof PairText, problem: string, { missing = false } = {}) {
    super(problem);
    this.part = part;
    this.missing = missing;
  }
}

/**
 * Makes sure that a certificate and a key serve, by what the runtime itself says of them.
 *
 * @throws {PairError} If they do not.
 */
export function readPair({ cert, key }: PairText): Pair {
  const [first, ...others] = readCertificates(cert);
  const secret = readKey(key);
  if (!first.checkPrivateKey(secret)) throw foreignKey(secret, others);
  try {
    Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert, key }).close();
  } catch (error) {
    // Only that of an operating system has a code.
    if (codeOf(error) !== undefined) throw error;
    const message = messageOf(error);
    throw message.includes("private key")
      ? new PairError("key", `is of a kind that cannot be served; must be ${KINDS}`)
      : new PairError("cert", `cannot be served: ${message}`);
  }
  return {
    cert,
    key,
    names: namesOf(first),
    from: Date.parse(first.validFrom),
    until: Date.parse(first.validTo),
  };
}

/** Keys that the runtime can serve. */
const KINDS = "RSA of 2048 to 8192 bits, ECDSA with P-256, P-384 or P-521, or Ed25519";

/** A certificate in PEM. */
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** All in the order in which they stand there: the first is that of the server. */
function readCertificates(text: string): [X509Certificate, ...X509Certificate[]] {
  const [first, ...others] = text.match(CERTIFICATE) ?? [];
  if (first === undefined) {
    throw new PairError("cert", `has no certificate in it${insteadOf(text)}`);
  }
  return [readCertificate(first), ...others.map(readCertificate)];
}

function readCertificate(text: string): X509Certificate {
  try {
    return new X509Certificate(text);
  } catch (error) {
    throw new PairError("cert", `has no readable certificate in it: ${messageOf(error)}`);
  }
}

function readKey(text: string): KeyObject {
  const [block, kind] =
    /-----BEGIN ([A-Z ]*)PRIVATE KEY-----[^]*?-----END \1PRIVATE KEY-----/.exec(text) ?? [];
  if (block === undefined || kind === undefined) {
    throw new PairError("key", `has no private key in it${insteadOf(text)}`, { missing: true });
  }
  if (kind.includes("ENCRYPTED") || /^Proc-Type:.*ENCRYPTED/m.test(block)) {
    throw new PairError("key", "is encrypted; must be a key without a passphrase");
  }
  try {
    return createPrivateKey(block);
  } catch (error) {
    throw new PairError("key", `has no readable private key in it: ${messageOf(error)}`);
  }
}

/** What a file has in it where something else was expected, as far as that can be told. */
function insteadOf(text: string): string {
  const [, kind] = /-----BEGIN ([A-Z0-9 ]+)-----/.exec(text) ?? [];
  if (kind !== undefined) {
    const isWhole = text.includes(`-----END ${kind}-----`);
    return isWhole ? `, but a ${kind}` : `, but the beginning of a ${kind}`;
  }
  // DER and PKCS #12 are not even text.
  return text.includes("\ufffd")
    ? ", but bytes: must be PEM, which openssl x509, pkey and pkcs12 make of it"
    : " (PEM, -----BEGIN …-----)";
}

/** A key is not that of the first certificate, which is the one that clients are shown. */
function foreignKey(secret: KeyObject, others: readonly X509Certificate[]): PairError {
  const at = others.findIndex((one) => one.checkPrivateKey(secret));
  if (at === -1) return new PairError("key", "is not that of the certificate");
  return new PairError(
    "cert",
    `has the certificate of the key in place ${at + 2}: must have it first, then those that lead ` +
      "to its authority",
  );
}

/** The names of its subject's alternatives; the common name where it has none (RFC 6125, 6.4.4). */
function namesOf({ subjectAltName, subject }: X509Certificate): string[] {
  const names = [...(subjectAltName ?? "").matchAll(/(?:^|, )DNS:([^,]+)/g)].map(([, name]) =>
    name!
  );
  const common = /^CN=(.*)$/m.exec(subject ?? "")?.[1];
  const all = names.length > 0 || common === undefined ? names : [common];
  return all.map((name) => name.toLowerCase().replace(/\.$/, ""));
}
