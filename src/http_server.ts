import type { Logger } from "@logtape/logtape";
import { AcceptFailures, nextTurn } from "./accept_failures.ts";
import { formatSocketAddress } from "./address.ts";
import type { Bound } from "./bind.ts";
import type { Release } from "./descriptors.ts";
import { HttpConnection, type HttpHandler, type HttpLimits } from "./http_connection.ts";
import { refusalBytes } from "./http_output.ts";
import { Pace } from "./pace.ts";
import { sleep } from "./timer.ts";

/** Most connections accepted in one turn of the event loop. */
const ACCEPTS_PER_TURN = 16;

/** What clients are allowed, unless told otherwise. */
export const HTTP_LIMITS: HttpServerLimits = {
  connections: 64,
  headTimeout: 10_000,
  idleTimeout: 75_000,
  readerPatience: 10_000,
  readerRate: 4096,
};

/** What all clients together, and each of them, are allowed; times in milliseconds. */
export interface HttpServerLimits extends HttpLimits {
  /** Connections at a time. */
  connections: number;
}

/** Options of {@linkcode HttpServer}. */
export interface HttpServerOptions {
  /** What accepts, which the server closes. */
  bound: Bound<Deno.Listener>;
  handler: HttpHandler;
  limits?: Partial<HttpServerLimits>;
  /** Deals out the time of the event loop; one of its own if absent. */
  pace?: Pace;
  /** What pauses when accepting fails, for the log. */
  what: string;
  /** Gets a descriptor for a connection, if there is one; without it there always is. */
  claim?: (() => Release | undefined) | undefined;
  /** Called when accepting failed for want of descriptors. */
  onShortage?: (() => void) | undefined;
  log: Logger;
}

/**
 * Serves HTTP/1.1 and HTTP/1.0.
 *
 * Not the runtime's server: that one gives up at the first accept error, bounds neither connections
 * nor the time for a head, and listens elsewhere if a variable of the environment says so.
 *
 * Whoever connects when there are as many connections as there may be takes the place of the one
 * that has let the server wait the longest, for its request or for its reading. So nobody can lock
 * others out by holding connections.
 *
 * All of them together have a slice of each turn of the event loop: however many requests are sent at
 * once, whatever else the process does goes on in between.
 */
export class HttpServer {
  readonly #options: HttpServerOptions;
  readonly #limits: HttpServerLimits;
  readonly #pace: Pace;
  readonly #failures: AcceptFailures;
  readonly #connections = new Map<HttpConnection, Promise<void>>();
  readonly #closing = new AbortController();
  readonly #loops: Promise<unknown>;

  constructor(options: HttpServerOptions) {
    this.#options = options;
    this.#limits = { ...HTTP_LIMITS, ...options.limits };
    this.#pace = options.pace ?? new Pace();
    this.#failures = new AcceptFailures(options);
    this.#loops = Promise.all(options.bound.sockets.map((socket) => this.#run(socket)));
  }

  /** How many connections there are. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Accepts nobody any more, lets answers under way end for so long, and closes the rest. */
  async close({ patience }: { patience: number }): Promise<void> {
    if (!this.#closing.signal.aborted) {
      this.#closing.abort();
      this.#options.bound.release();
      for (const socket of this.#options.bound.sockets) socket.close();
    }
    for (const connection of this.#connections.keys()) connection.finish();
    const enough = new AbortController();
    const expired = sleep(patience, { signal: enough.signal });
    await Promise.race([Promise.all(this.#connections.values()), expired]);
    enough.abort();
    const left = [...this.#connections];
    for (const [connection] of left) connection.close();
    await Promise.all([this.#loops, ...left.map(([, ended]) => ended)]);
  }

  async #run(socket: Deno.Listener): Promise<void> {
    const { signal } = this.#closing;
    const { addr } = socket;
    const host = addr.transport === "tcp" ? formatSocketAddress(addr) : "localhost";
    for (let accepted = 0; !signal.aborted;) {
      try {
        this.#admit(await socket.accept(), host);
        this.#failures.over();
      } catch (error) {
        if (!signal.aborted) await this.#failures.pause(error, { signal });
      }
      if (++accepted % ACCEPTS_PER_TURN === 0) await nextTurn();
    }
  }

  #admit(conn: Deno.Conn, host: string): void {
    if (this.#closing.signal.aborted) return conn.close();
    const release = this.#place();
    if (!release) return void refuse(conn);
    const { handler } = this.#options;
    const connection: HttpConnection = new HttpConnection(conn, {
      handler,
      limits: this.#limits,
      pace: this.#pace,
      host,
      onClose: () => {
        this.#connections.delete(connection);
        release();
      },
    });
    this.#connections.set(connection, connection.serve());
  }

  /** A place for one more, if need be that of another. */
  #place(): Release | undefined {
    const { claim = () => () => {} } = this.#options;
    if (this.#connections.size >= this.#limits.connections && !this.#makeRoom()) return undefined;
    return claim() ?? (this.#makeRoom() ? claim() : undefined);
  }

  /** Closes the connection that can be spared the most; `false` if there is none. */
  #makeRoom(): boolean {
    let worst: HttpConnection | undefined;
    for (const connection of this.#connections.keys()) {
      if (!worst || rank(connection) < rank(worst)) worst = connection;
    }
    worst?.close();
    return worst !== undefined;
  }
}

/** Who waits for its client comes before who waits for its answer, and then who came first. */
function rank(connection: HttpConnection): number {
  return connection.waiting ? connection.since : connection.since + Number.MAX_SAFE_INTEGER / 2;
}

async function refuse(conn: Deno.Conn): Promise<void> {
  try {
    // There is room in the kernel's buffer for the first bytes of a connection.
    await conn.write(refusalBytes(503, "there are too many connections; try again"));
  } catch {
    // It is gone.
  }
  conn.close();
}
