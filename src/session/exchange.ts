import type { Settings } from "../config/options.ts";
import type { DatagramBuffers } from "../net/udp/buffers.ts";
import type { DatagramCounts } from "../net/udp/terms.ts";
import type { Stream } from "../net/stream.ts";
import type { EndReason } from "../operations/end_reasons.ts";

/** What all UDP sessions of a listener share. */
export interface ExchangeTerms {
  /** Those in force; they may change. */
  readonly settings: Pick<Settings, "udpIdle" | "udpAnswers" | "udpRequestTimeout">;
  readonly counts: Pick<DatagramCounts, "up" | "down" | "dropped">;
  readonly buffers: DatagramBuffers;
  /** Whether sessions are to end as soon as nobody waits for an answer. */
  readonly draining: boolean;
  /** A datagram could not be sent. */
  onUnsent(error: unknown): void;
}

/** A destination, as far as its sessions depend on it. */
export interface Serving {
  /** Whether it is down, and others serve instead. */
  readonly isDown: boolean;
  /** Whether it is to have no more sessions: what a client sends next is for another one. */
  readonly isLeaving: boolean;
  /** Whether it is known never to answer. */
  readonly isSilent: boolean;
  /** Whether what was sent there has come back to a listener that it had passed. */
  readonly isLooped: boolean;
}

/** How many datagrams a session of UDP has had each way; nothing of any other. */
export function datagramsOf(
  { client, exchange }: { client: Pick<Stream, "remoteAddress">; exchange: Exchange | undefined },
): { datagrams_up?: number; datagrams_down?: number } {
  if (client.remoteAddress.transport !== "udp") return {};
  return { datagrams_up: exchange?.requests ?? 0, datagrams_down: exchange?.answers ?? 0 };
}

/** The client of a session, as far as that depends on it. */
export interface Asking {
  /** Whether it has sent something that is not passed on yet. */
  readonly hasHeld: boolean;
}

/** What an {@linkcode Exchange} is made of. */
export interface ExchangeOptions {
  readonly now: number;
  readonly client: Asking;
  readonly destination: Serving;
}

/**
 * What a UDP session has sent and got, and with it the answer to when it is over: nothing else in it
 * tells.
 *
 * As in the relay of connections nobody reads a clock for a datagram: a look a few times a second
 * sees whether there were any since the one before.
 */
export class Exchange {
  /** Datagrams of the client that were passed on. */
  requests = 0;
  /** Datagrams of the destination that were. */
  answers = 0;
  /** How many requests there were when the latest answer came. */
  #answered = 0;
  /** How many of both there were at the latest look, and when they became more. */
  #seen = 0;
  #activeAt: number;
  /** How many requests there were at the latest look, and when they became more. */
  #asked = 0;
  #askedAt: number;
  /** At which look it was seen that it is to end. */
  #leavingSince: number | undefined;
  readonly #terms: ExchangeTerms;
  readonly #client: Asking;
  readonly #destination: Serving;

  constructor(terms: ExchangeTerms, { now, client, destination }: ExchangeOptions) {
    this.#terms = terms;
    this.#client = client;
    this.#destination = destination;
    this.#activeAt = this.#askedAt = now;
  }

  /** An answer was passed on; returns whether the session is over with that. */
  answer(): boolean {
    this.answers++;
    this.#answered = this.requests;
    const { settings: { udpAnswers }, draining } = this.#terms;
    return (udpAnswers > 0 || draining) && !this.#owed(udpAnswers);
  }

  /** Whether it was asked and has never answered, though it might have. */
  get silent(): boolean {
    return this.requests > 0 && this.answers === 0 && !this.#destination.isSilent;
  }

  /** Why the session is over by now, if it is. */
  check(now: number): EndReason | undefined {
    const { settings: { udpIdle, udpAnswers, udpRequestTimeout: timeout } } = this.#terms;
    this.#look(now);
    const { isDown, isLeaving, isLooped } = this.#destination;
    if (isLooped) return "loop";
    if (isDown) return "destination-down";
    const owed = this.#owed(udpAnswers);
    const leaving = this.#terms.draining || isLeaving;
    this.#leavingSince = leaving ? this.#leavingSince ?? now : undefined;
    if (leaving && !owed) return "done";
    const since = this.#leavingSince ?? (owed && udpAnswers > 0 ? this.#askedAt : undefined);
    if (since !== undefined && timeout > 0 && now - since >= timeout) return "request-timeout";
    return now - this.#activeAt >= udpIdle ? "udp-idle" : undefined;
  }

  /** Notes when there were more datagrams than at the look before. */
  #look(now: number): void {
    if (this.requests !== this.#asked) this.#askedAt = now;
    this.#asked = this.requests;
    const sum = this.requests + this.answers;
    if (sum !== this.#seen) this.#activeAt = now;
    this.#seen = sum;
  }

  /** Whether answers are still to come; where their number is not known, one that follows a request. */
  #owed(perRequest: number): boolean {
    if (this.#client.hasHeld) return true;
    if (this.#destination.isSilent) return false;
    if (perRequest > 0) return this.answers < this.requests * perRequest;
    return this.#answered < this.requests;
  }
}
