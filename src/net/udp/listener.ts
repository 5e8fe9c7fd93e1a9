import type { Logger } from "@logtape/logtape";
import { LinkedList } from "../../async/linked_list.ts";
import { AcceptFailures } from "../accept_failures.ts";
import type { AcceptingSocket } from "../accepting_socket.ts";
import type { UdpEnd } from "../address.ts";
import type { DatagramBuffers } from "./buffers.ts";
import { type ClientSocket, DatagramClient } from "./client.ts";
import { HeldDatagrams } from "./held.ts";
import type { DatagramCounts, UdpSettings } from "./terms.ts";

/** What all sockets of a listener share. */
export interface UdpTerms {
  readonly settings: UdpSettings;
  readonly counts: DatagramCounts;
  readonly held: HeldDatagrams;
  readonly buffers: DatagramBuffers;
}

/** What a UDP listener's sockets share, with these settings. */
export function udpTerms(
  settings: UdpSettings,
  { counts, buffers }: Pick<UdpTerms, "counts" | "buffers">,
): UdpTerms {
  const held = new HeldDatagrams({
    limits: () => settings.udpBuffer,
    onDrop: () => void counts.dropped++,
  });
  return { settings, counts, held, buffers };
}

/**
 * A UDP socket whose clients are accepted like connections: the first datagram of an address and port
 * is one. Further ones go to that client as long as it has a session.
 *
 * Clients that nobody accepts wait in a backlog, as those of TCP do in the kernel's; where it is full
 * the oldest leaves. Closing ends accepting; the socket itself stays open until the last session has
 * ended, since answers leave from it.
 */
export class UdpListener implements AcceptingSocket, ClientSocket {
  readonly address: UdpEnd;
  readonly #socket: Deno.DatagramConn;
  readonly #terms: UdpTerms;
  /** How receiving survives errors. */
  readonly #failures: AcceptFailures;
  /** Those who have a session or wait for one, by address and port. */
  readonly #clients = new Map<string, DatagramClient>();
  /** Those who wait to be accepted. */
  readonly #backlog = new LinkedList<DatagramClient>();
  /** Who waits for one of these. */
  #waiting: PromiseWithResolvers<void> | undefined;
  /** Whether nobody new is accepted. */
  #closing = false;
  /** Whether the socket is closed. */
  #closed = false;

  constructor(socket: Deno.DatagramConn, options: UdpTerms & { log: Logger }) {
    this.#socket = socket;
    this.#terms = options;
    this.#failures = new AcceptFailures({ log: options.log, what: "receiving datagrams" });
    this.address = socket.addr as UdpEnd;
    this.#run();
  }

  async accept(): Promise<DatagramClient> {
    for (;;) {
      if (this.#closing) throw new Deno.errors.BadResource("the listener is closed");
      const client = this.#backlog.shift();
      if (client && !this.#isLate(client)) return client;
      if (client) client.close();
      else await (this.#waiting ??= Promise.withResolvers()).promise;
    }
  }

  close(): void {
    this.#closing = true;
    for (const client of this.#backlog) client.close();
    this.#wake();
    this.#closeIfIdle();
  }

  send(bytes: Uint8Array, to: UdpEnd): Promise<number> {
    return this.#socket.send(bytes, to);
  }

  hold(client: DatagramClient, bytes: Uint8Array): void {
    this.#terms.held.hold(client.held, bytes);
  }

  take(client: DatagramClient): Uint8Array | undefined {
    return this.#terms.held.take(client.held);
  }

  forget(client: DatagramClient): void {
    this.#clients.delete(keyOf(client.remoteAddress));
    if (client.isLeaving && client.hasHeld && !this.#closing) {
      this.#begin(new DatagramClient(this, client.remoteAddress, client.held));
      return;
    }
    this.#terms.held.discard(client.held);
    this.#closeIfIdle();
  }

  /**
   * Receives until the socket is closed, into two buffers by turns: while one datagram is received the
   * one before is being sent, which it is by then where the system has room for it. Where it has not,
   * that datagram keeps its buffer, and holds nobody up who has sent another one.
   */
  async #run(): Promise<void> {
    const { buffers } = this.#terms;
    let buffer = buffers.take();
    let previous = buffers.take();
    let borrower: DatagramClient | undefined;
    while (!this.#closed) {
      try {
        const [bytes, from] = await this.#socket.receive(buffer);
        if (borrower?.isBorrowing) {
          const kept = previous;
          borrower.keep(() => buffers.give(kept));
          previous = buffers.take();
        }
        borrower = this.#receive(bytes, from as UdpEnd);
        if (borrower) {
          const next = previous;
          previous = buffer;
          buffer = next;
        }
        this.#failures.over();
      } catch (error) {
        if (this.#closed) break;
        await this.#failures.pause(error);
      }
    }
    buffers.give(buffer);
    if (borrower?.isBorrowing) borrower.keep(() => buffers.give(previous));
    else buffers.give(previous);
  }

  /** Returns the client that has taken the buffer, if one has. */
  #receive(bytes: Uint8Array, from: UdpEnd): DatagramClient | undefined {
    const key = keyOf(from);
    const known = this.#clients.get(key);
    if (known) return known.deliver(bytes) ? known : undefined;
    if (this.#closing) {
      this.#terms.counts.dropped++;
      return undefined;
    }
    const client = new DatagramClient(this, from);
    client.deliver(bytes);
    this.#begin(client);
    return undefined;
  }

  /** Somebody waits to be accepted. */
  #begin(client: DatagramClient): void {
    this.#clients.set(keyOf(client.remoteAddress), client);
    this.#backlog.push(client);
    if (this.#backlog.size > this.#terms.settings.backlog) this.#backlog.shift()!.close();
    this.#wake();
  }

  #isLate({ since }: DatagramClient): boolean {
    const { queueTimeout } = this.#terms.settings;
    return queueTimeout > 0 && performance.now() - since >= queueTimeout;
  }

  #wake(): void {
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }

  #closeIfIdle(): void {
    if (!this.#closing || this.#closed || this.#clients.size > 0) return;
    this.#closed = true;
    this.#socket.close();
  }
}

function keyOf({ hostname, port }: UdpEnd): string {
  return `${hostname} ${port}`;
}
