import type { Logger } from "@logtape/logtape";
import { type Clock, monotonic } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import { nameAt, termsOf } from "../config/tls_out_terms.ts";
import { handshakeError } from "../net/tls/failure.ts";
import type { Destination } from "./destination.ts";

/** How long a destination is not spoken of again, in milliseconds. */
const PAUSE_MS = 60_000;

/** What a server says of the certificate that it was shown, or was not. */
const ALERT =
  /fatal alert: (?:Certificate\w+|BadCertificate|UnsupportedCertificate|UnknownCA|AccessDenied)\b/;

/**
 * Tells the log which servers want another certificate. With TLS 1.3 they say so only after the
 * handshake: no connect fails, and each session is cut before its first byte.
 */
export class TlsRefusals {
  readonly #log: Logger;
  readonly #clock: Clock;
  /** When each was spoken of. */
  readonly #told = new WeakMap<Destination, number>();

  constructor(log: Logger, clock: Clock = monotonic) {
    this.#log = log;
    this.#clock = clock;
  }

  /** A session of a destination was cut before its first byte. */
  look(destination: Destination, error: Error): void {
    const { config, name } = destination;
    if (!config.tls || !ALERT.test(messageOf(error))) return;
    const now = this.#clock();
    if (now < (this.#told.get(destination) ?? -Infinity) + PAUSE_MS) return;
    this.#told.set(destination, now);
    const { message } = handshakeError(error, termsOf(config, nameAt(config.address)));
    this.#log.warning("destination {name} cuts its sessions: {reason}", { name, reason: message });
  }
}
