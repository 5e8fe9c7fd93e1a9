import type { TcpEnd } from "../address.ts";
import type { AcceptFailures } from "../accept_failures.ts";
import { connect } from "../connect.ts";
import type { Stream } from "../stream.ts";
import type { PairText } from "./pair.ts";

/** The two ends of a connection of the program to itself. */
export interface InnerPair {
  /** Takes and gives what a client of TLS sends and gets. */
  readonly near: Stream;
  /** The server's end: the runtime speaks TLS here. */
  readonly far: Deno.TlsConn;
}

/** What waits for the other end of a connection. */
interface Expectation {
  resolve(far: Deno.TlsConn): void;
  reject(error: Error): void;
}

/** A connection that has come while connects were under way, and may be that of one of these. */
interface Unknown {
  readonly far: Deno.TlsConn;
  readonly connects: Set<object>;
}

/** Options of {@linkcode InnerPort}. */
export interface InnerPortOptions {
  pair: PairText;
  /** The protocols that are offered, the preferred first. */
  protocols: readonly string[];
  /** Survives what fails in accepting. */
  failures: AcceptFailures;
  /** Learns of a connection that is not the program's own, by its address. */
  onStranger(remote: string): void;
}

/**
 * A port of loopback at which the runtime speaks TLS as a server, with one certificate, for
 * connections of the program to itself.
 *
 * Clients are not accepted here: the runtime frees no handshake that is given up before its peer has
 * closed (Deno 2.7.11 to 2.9.6, `listenTls` and `startTls`). Here the peer is this program.
 */
export class InnerPort {
  readonly #listener: Deno.TlsListener;
  readonly #options: InnerPortOptions;
  /** Connects under way. */
  readonly #connects = new Set<object>();
  /** By the port of the near end: those whose other end has not been accepted. */
  readonly #expected = new Map<number, Expectation>();
  /** By the same: those that have come before their connect was over, or are strangers. */
  readonly #unknown = new Map<number, Unknown>();
  readonly #closing = new AbortController();
  #closed = false;

  /** @throws If the pair is of no use, or there is no descriptor or no port. */
  constructor(options: InnerPortOptions) {
    this.#options = options;
    const { pair: { cert, key }, protocols } = options;
    const alpn = protocols.length > 0 ? { alpnProtocols: [...protocols] } : {};
    this.#listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert, key, ...alpn });
    this.#accept();
  }

  /**
   * A new connection; both of its ends are the caller's.
   *
   * @throws If it cannot be made.
   */
  async connect(): Promise<InnerPair> {
    const token = {};
    this.#connects.add(token);
    let near: Stream;
    let far: Promise<Deno.TlsConn>;
    try {
      near = await connect(this.#listener.addr as Deno.NetAddr);
      far = this.#otherEnd((near.localAddress as TcpEnd).port, token);
    } finally {
      this.#connects.delete(token);
      this.#forget(token);
      if (this.#closed) this.#endIfIdle();
    }
    try {
      return { near, far: await far };
    } catch (error) {
      near.close();
      throw error;
    }
  }

  /** Accepts nobody any more once all connects under way are over. */
  retire(): void {
    this.#closed = true;
    this.#endIfIdle();
  }

  /** Accepts nobody any more; connects under way fail. */
  close(): void {
    this.#closed = true;
    for (const { reject } of this.#expected.values()) reject(new Error("it has ended"));
    this.#expected.clear();
    this.#end();
  }

  #endIfIdle(): void {
    if (this.#connects.size === 0 && this.#expected.size === 0) this.#end();
  }

  #end(): void {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    this.#listener.close();
    for (const { far } of this.#unknown.values()) far.close();
    this.#unknown.clear();
  }

  #otherEnd(port: number, token: object): Promise<Deno.TlsConn> {
    const unknown = this.#unknown.get(port);
    // What was there before the connect began is a stranger's that has been reset: its port was free again.
    if (!unknown?.connects.has(token)) {
      return new Promise((resolve, reject) => this.#expected.set(port, { resolve, reject }));
    }
    this.#unknown.delete(port);
    return Promise.resolve(unknown.far);
  }

  async #accept(): Promise<void> {
    const { failures } = this.#options;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        this.#take(await this.#listener.accept());
        failures.over();
      } catch (error) {
        if (!signal.aborted) await failures.pause(error, { signal });
      }
    }
  }

  #take(far: Deno.TlsConn): void {
    const { port } = far.remoteAddr;
    const expectation = this.#expected.get(port);
    if (expectation) {
      this.#expected.delete(port);
      expectation.resolve(far);
      if (this.#closed) this.#endIfIdle();
    } else if (this.#connects.size > 0) {
      const reset = this.#unknown.get(port);
      if (reset) this.#turnAway(reset.far);
      this.#unknown.set(port, { far, connects: new Set(this.#connects) });
    } else this.#turnAway(far);
  }

  /** A connect is over: what has come during it and is still unknown is a stranger's. */
  #forget(token: object): void {
    for (const [port, { far, connects }] of this.#unknown) {
      connects.delete(token);
      if (connects.size > 0) continue;
      this.#unknown.delete(port);
      this.#turnAway(far);
    }
  }

  #turnAway(far: Deno.TlsConn): void {
    const { hostname, port } = far.remoteAddr as Deno.NetAddr;
    this.#options.onStranger(`${hostname}:${port}`);
    far.close();
  }
}
