import type { Logger } from "@logtape/logtape";
import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { Settings } from "../config/options.ts";
import { DatagramBuffers } from "../net/udp/buffers.ts";
import { type UdpTerms, udpTerms } from "../net/udp/listener.ts";
import { DatagramCounts } from "../net/udp/terms.ts";
import type { ExchangeTerms } from "../session/exchange.ts";

/** Shortest time between two lines about datagrams that cannot be sent, in milliseconds. */
const TELL_AGAIN_MS = 10_000;

/** What a listener has only for UDP: nothing is opened or kept by it as long as no datagram comes. */
export class Datagrams implements ExchangeTerms {
  /** The settings in force. */
  readonly settings: Settings;
  readonly counts = new DatagramCounts();
  readonly buffers = new DatagramBuffers();
  /** What its sockets share. */
  readonly sockets: UdpTerms;
  draining = false;
  readonly #log: Logger;
  readonly #clock: Clock;
  #toldAt = -Infinity;

  constructor(settings: Settings, { log, clock }: { log: Logger; clock: Clock }) {
    this.settings = settings;
    this.sockets = udpTerms(settings, this);
    this.#log = log;
    this.#clock = clock;
  }

  onUnsent(error: unknown): void {
    this.counts.unsent++;
    const now = this.#clock();
    if (now - this.#toldAt < TELL_AGAIN_MS) return;
    this.#toldAt = now;
    const { counts: { unsent: number } } = this;
    this.#log.warning("{number} datagrams could not be sent so far, the latest: {reason}", {
      number,
      reason: messageOf(error),
    });
  }
}
