import type { Logger } from "@logtape/logtape";
import { Pace } from "../../async/pace.ts";
import { waitAtMost } from "../../async/wait_at_most.ts";
import { AcceptFailures, nextTurn } from "../accept_failures.ts";
import type { AcceptingSocket } from "../accepting_socket.ts";
import { formatSocketAddress } from "../address.ts";
import type { Bound } from "../bind.ts";
import type { Stream } from "../stream.ts";
import type { Release } from "../descriptor_budget.ts";
import { HttpConnection, type HttpHandler, type HttpLimits } from "./connection.ts";
import { refusalBytes } from "./output.ts";

/** Most connections accepted in one turn of the event loop. */
const ACCEPTS_PER_TURN = 16;

/** Turns of the event loop in which those are accepted who wait when no more are to come. */
const QUIET_TURNS = 3;

/** What clients are allowed, unless told otherwise. */
const HTTP_LIMITS: HttpServerLimits = {
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
  bound: Bound;
  handler: HttpHandler;
  limits?: Partial<HttpServerLimits>;
  /** Deals out the time of the event loop, one of its own unless given. */
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
  /** Where it listens, who answers, and the descriptors. */
  readonly #options: HttpServerOptions;
  /** How many clients there may be, and how long they may take. */
  readonly #limits: HttpServerLimits;
  /** Pauses after an accept that failed. */
  readonly #failures: AcceptFailures;
  /** Deals out the time of the event loop among all clients. */
  readonly #pace: Pace;
  /** The clients, each with its end. */
  readonly #connections = new Map<HttpConnection, Promise<void>>();
  /** Aborted when no more is accepted. */
  readonly #closing = new AbortController();
  /** The accept loops, one for each socket. */
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

  /**
   * Accepts nobody any more but those who wait already. The next answer that each client gets is its
   * last, so that none is closed who is just asking.
   */
  async retire(): Promise<void> {
    for (let turn = 0; turn < QUIET_TURNS; turn++) await nextTurn();
    this.#closeSockets();
    for (const connection of this.#connections.keys()) connection.retire();
  }

  /** Accepts nobody any more, lets answers under way end for so long, and closes the rest. */
  async close({ patience }: { patience: number }): Promise<void> {
    this.#closeSockets();
    for (const connection of this.#connections.keys()) connection.finish();
    await waitAtMost(patience, Promise.all(this.#connections.values()));
    const left = [...this.#connections];
    for (const [connection] of left) connection.close();
    await Promise.all([this.#loops, ...left.map(([, ended]) => ended)]);
  }

  #closeSockets(): void {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    this.#options.bound.release();
    for (const socket of this.#options.bound.sockets) socket.close();
  }

  async #run(socket: AcceptingSocket): Promise<void> {
    const { signal } = this.#closing;
    const { address } = socket;
    const host = address.transport === "tcp" ? formatSocketAddress(address) : "localhost";
    for (let accepted = 0; !signal.aborted;) {
      try {
        const crowded = this.#admit(await socket.accept(), host);
        this.#failures.over();
        // The descriptor of the one that had to go is closed only in the next turn.
        if (crowded) await nextTurn();
      } catch (error) {
        if (!signal.aborted) await this.#failures.pause(error, { signal });
      }
      if (++accepted % ACCEPTS_PER_TURN === 0) await nextTurn();
    }
  }

  /** Takes a connection in; returns whether there were so many already that one had to go. */
  #admit(stream: Stream, host: string): boolean {
    if (this.#closing.signal.aborted) {
      stream.close();
      return false;
    }
    const before = this.#connections.size;
    const release = this.#place();
    if (!release) {
      void refuse(stream);
      return true;
    }
    const connection: HttpConnection = new HttpConnection(stream, {
      handler: this.#options.handler,
      pace: this.#pace,
      limits: this.#limits,
      host,
      onClose: () => {
        this.#connections.delete(connection);
        release();
      },
    });
    this.#connections.set(connection, connection.serve());
    return this.#connections.size <= before;
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

async function refuse(stream: Stream): Promise<void> {
  try {
    // There is room in the kernel's buffer for the first bytes of a connection.
    await stream.write(refusalBytes(503, "there are too many connections; try again"));
  } catch {
    // It is gone.
  }
  stream.close();
}
