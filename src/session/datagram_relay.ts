import type { DatagramClient, Receiver } from "../net/udp/client.ts";
import type { Stream } from "../net/stream.ts";
import type { EndReason } from "../operations/end_reasons.ts";
import { Exchange, type ExchangeTerms, type Serving } from "./exchange.ts";
import type { Holder, Session } from "./session.ts";
import type { Steps } from "./steps.ts";

/** With these its client is done with, whatever it has sent meanwhile. */
const LAST: ReadonlySet<EndReason | undefined> = new Set(["killed", "loop"]);

/** Options of {@linkcode relayDatagrams}. */
export interface DatagramRelayOptions {
  readonly terms: ExchangeTerms;
  readonly steps: Steps;
  readonly now: number;
  readonly destination: Serving;
}

/**
 * Passes datagrams on between a UDP client and its server, each as it is, until the session is over:
 * it has got its answers, or none have come for a while, as {@linkcode Exchange} says.
 *
 * A datagram that the system cannot send is lost, as it would be on its way, and the session goes on.
 * One that comes while the session ends belongs to the client's next one.
 * Closes the server's socket in the end; the client's belongs to the session.
 */
export async function relayDatagrams(
  session: Session,
  sockets: { client: DatagramClient; server: Stream },
  options: DatagramRelayOptions,
): Promise<void> {
  const relay = new DatagramRelay(session, sockets, options);
  await relay.run();
}

class DatagramRelay implements Holder, Receiver {
  readonly #session: Session;
  readonly #client: DatagramClient;
  /** The socket towards the destination. */
  readonly #server: Stream;
  readonly #options: DatagramRelayOptions;
  readonly #exchange: Exchange;
  /** The latest datagram of the client on its way: there is never more than one. */
  #sending: Promise<unknown> | undefined;
  /** Whether the session is over. */
  #over = false;

  constructor(
    session: Session,
    { client, server }: { client: DatagramClient; server: Stream },
    options: DatagramRelayOptions,
  ) {
    this.#session = session;
    this.#client = client;
    this.#server = server;
    this.#options = options;
    this.#exchange = new Exchange(options.terms, { ...options, client });
  }

  /** Relays until the session is over. */
  async run(): Promise<void> {
    const session = this.#session;
    session.stage = "relaying";
    session.holder = this;
    session.exchange = this.#exchange;
    const answers = this.#downwards();
    const any = await this.#client.receive(this);
    // All that it had sent was dropped while it waited.
    if (!any) this.#end("dropped");
    await answers;
    // It still counts for the session.
    await this.#sending?.catch(() => {});
  }

  onAbort(): void {
    this.#end();
  }

  send(bytes: Uint8Array): Promise<unknown> {
    const { steps } = this.#options;
    const exchange = this.#exchange;
    if (steps.on && exchange.requests === 0) steps.firstByte(this.#session, "up");
    // Before it is sent: the answer may be here sooner than the end of that.
    exchange.requests++;
    return this.#sending = this.#server.write(bytes);
  }

  sent(length: number): void {
    const { up } = this.#session;
    up.received = up.bytes += length;
    this.#options.terms.counts.up++;
  }

  failed(error: unknown): void {
    const { terms } = this.#options;
    if (this.#over) terms.counts.dropped++;
    else terms.onUnsent(error);
  }

  /** Passes on what the server sends, until its socket is closed. */
  async #downwards(): Promise<void> {
    const { terms, steps } = this.#options;
    const { down } = this.#session;
    const exchange = this.#exchange;
    const buffer = terms.buffers.take();
    /** The latest datagram, as a view of the buffer: made anew only if its length changes. */
    let view: Uint8Array = buffer;
    while (!this.#over) {
      try {
        const length = await this.#server.read(buffer);
        if (this.#over) break;
        if (length !== view.length) view = buffer.subarray(0, length);
      } catch {
        this.#end("server-reset");
        break;
      }
      if (steps.on && exchange.answers === 0) steps.firstByte(this.#session, "down");
      try {
        await this.#client.write(view);
        down.received = down.bytes += view.length;
        terms.counts.down++;
      } catch (error) {
        terms.onUnsent(error);
      }
      if (exchange.answer()) this.#end("done");
    }
    terms.buffers.give(buffer);
  }

  /** Ends it, for a reason unless it has been aborted for another one. */
  #end(reason?: EndReason): void {
    if (this.#over) return;
    this.#over = true;
    if (reason) this.#session.conclude(reason);
    if (!LAST.has(this.#session.reason)) this.#client.leave();
    this.#server.close();
  }
}
