import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { messageOf } from "../../base/errors.ts";

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

  constructor(part: keyof PairText, problem: string) {
    super(problem);
    this.part = part;
  }
}

/**
 * Makes sure that a certificate and a key serve, by what the runtime itself says of them.
 *
 * @throws {PairError} If they do not.
 */
export function readPair({ cert, key }: PairText): Pair {
  const first = readCertificate(cert);
  const secret = readKey(key);
  if (!first.checkPrivateKey(secret)) throw new PairError("key", "is not that of the certificate");
  try {
    Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert, key }).close();
  } catch (error) {
    if (!(error instanceof Deno.errors.InvalidData)) throw error;
    throw new PairError("cert", `cannot be served: ${messageOf(error)}`);
  }
  return {
    cert,
    key,
    names: namesOf(first),
    from: Date.parse(first.validFrom),
    until: Date.parse(first.validTo),
  };
}

function readCertificate(text: string): X509Certificate {
  const [first] = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/.exec(text) ?? [];
  if (first === undefined) {
    throw new PairError("cert", "has no certificate in it (PEM, -----BEGIN CERTIFICATE-----)");
  }
  try {
    return new X509Certificate(first);
  } catch (error) {
    throw new PairError("cert", `has no readable certificate in it: ${messageOf(error)}`);
  }
}

function readKey(text: string): KeyObject {
  const [block, kind] =
    /-----BEGIN ([A-Z ]*)PRIVATE KEY-----[^]*?-----END \1PRIVATE KEY-----/.exec(text) ?? [];
  if (block === undefined || kind === undefined) {
    throw new PairError("key", "has no private key in it (PEM, -----BEGIN PRIVATE KEY-----)");
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

/** The names of its subject's alternatives; the common name where it has none (RFC 6125, 6.4.4). */
function namesOf({ subjectAltName, subject }: X509Certificate): string[] {
  const names = [...(subjectAltName ?? "").matchAll(/(?:^|, )DNS:([^,]+)/g)].map(([, name]) =>
    name!
  );
  const common = /^CN=(.*)$/m.exec(subject ?? "")?.[1];
  const all = names.length > 0 || common === undefined ? names : [common];
  return all.map((name) => name.toLowerCase().replace(/\.$/, ""));
}
