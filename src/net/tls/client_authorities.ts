import type { X509Certificate } from "node:crypto";
import type { SecureContext } from "node:tls";
import { createSecureContext } from "node:tls";
import type { PairText } from "./pair.ts";

/** Most certificates that are remembered; only those of the authorities are. */
const MOST_TRUSTED = 100_000;

/** Who vouches for clients, and for whom that was found. */
export class ClientAuthorities {
  /** The certificates of the authorities, each as PEM. */
  readonly #all: ReadonlySet<string>;
  readonly #text: string;
  /** Certificates of clients that were verified, by their digests, and when each ends. */
  readonly #trusted: Map<string, number>;
  /** What all clients share that are shown a certificate. */
  readonly #contexts = new WeakMap<PairText, SecureContext>();

  /**
   * @param text Their certificates, as PEM.
   * @param before Those before a change: if all of them are here, too, they have vouched for the same.
   */
  constructor(text: string, before?: ClientAuthorities) {
    this.#text = text;
    this.#all = new Set(text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g));
    const goOn = before !== undefined && [...before.#all].every((one) => this.#all.has(one));
    this.#trusted = goOn ? before.#trusted : new Map();
  }

  /** What is shown to clients and asked of them: to make it anew costs as much as a handshake. */
  contextOf(pair: PairText): SecureContext {
    const known = this.#contexts.get(pair);
    if (known) return known;
    const context = createSecureContext({ cert: pair.cert, key: pair.key, ca: this.#text });
    this.#contexts.set(pair, context);
    return context;
  }

  /** The certificate of a client was verified. */
  trust({ fingerprint256, validTo }: X509Certificate): void {
    // The one that was seen first has to be verified again when it comes.
    if (this.#trusted.size >= MOST_TRUSTED) {
      for (const oldest of this.#trusted.keys()) {
        this.#trusted.delete(oldest);
        break;
      }
    }
    this.#trusted.set(fingerprint256, Date.parse(validTo));
  }

  /** Whether the certificate of a client was verified, and is still valid. */
  trusts({ fingerprint256 }: X509Certificate): boolean {
    const until = this.#trusted.get(fingerprint256);
    return until !== undefined && Date.now() < until;
  }
}
