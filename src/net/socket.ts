import type { SocketAddress } from "./address.ts";
import type { Stream } from "./stream.ts";

/** The runtime's operations below {@linkcode Deno.Conn}, by resource number. */
interface RuntimeOperations {
  read(rid: number, buffer: Uint8Array): Promise<number>;
  write(rid: number, bytes: Uint8Array): Promise<number>;
  shutdown(rid: number): Promise<void>;
  tryClose(rid: number): void;
}

/** Uses nothing but the public methods. */
class PublicSocket implements Stream {
  readonly #conn: Deno.Conn;
  readonly #localAddress: SocketAddress | undefined;

  constructor(conn: Deno.Conn, localAddress?: SocketAddress) {
    this.#conn = conn;
    this.#localAddress = localAddress;
  }

  get localAddress(): SocketAddress {
    return this.#localAddress ?? this.#conn.localAddr as SocketAddress;
  }

  get remoteAddress(): SocketAddress {
    return this.#conn.remoteAddr as SocketAddress;
  }

  async read(buffer: Uint8Array): Promise<number> {
    return await this.#conn.read(buffer) ?? 0;
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#conn.write(bytes);
  }

  closeWrite(): Promise<void> {
    return this.#conn.closeWrite();
  }

  close(): void {
    try {
      this.#conn.close();
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }

  sendPromptly(): void {
    setNoDelay(this.#conn);
  }

  tuneForLongLife({ keepAlive }: { keepAlive: boolean }): void {
    setNoDelay(this.#conn);
    if (keepAlive) setKeepAlive(this.#conn);
  }

  /** The connection of the runtime. */
  get conn(): Deno.Conn {
    return this.#conn;
  }
}

/**
 * Uses the operations that the public methods use, without what these do around them for `ref` and
 * `unref`: a third of the runtime's part in a small round trip.
 */
class DirectSocket implements Stream {
  readonly localAddress: SocketAddress;
  readonly remoteAddress: SocketAddress;
  /** What can set its options; some kilobytes, which a connection that lasts does without. */
  #conn: Deno.Conn | undefined;
  readonly #operations: RuntimeOperations;
  readonly #rid: number;

  constructor(
    conn: Deno.Conn,
    options: {
      operations: RuntimeOperations;
      rid: number;
      localAddress?: SocketAddress | undefined;
    },
  ) {
    const { operations, rid, localAddress } = options;
    this.localAddress = localAddress ?? conn.localAddr as SocketAddress;
    this.remoteAddress = conn.remoteAddr as SocketAddress;
    this.#conn = conn;
    this.#operations = operations;
    this.#rid = rid;
  }

  read(buffer: Uint8Array): Promise<number> {
    return this.#operations.read(this.#rid, buffer);
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#operations.write(this.#rid, bytes);
  }

  closeWrite(): Promise<void> {
    return this.#operations.shutdown(this.#rid);
  }

  close(): void {
    this.#operations.tryClose(this.#rid);
  }

  sendPromptly(): void {
    if (this.#conn) setNoDelay(this.#conn);
  }

  tuneForLongLife({ keepAlive }: { keepAlive: boolean }): void {
    if (!this.#conn) return;
    setNoDelay(this.#conn);
    if (keepAlive) setKeepAlive(this.#conn);
    this.#conn = undefined;
  }

  /** The connection of the runtime; absent once it was prepared for a long life. */
  get conn(): Deno.Conn | undefined {
    return this.#conn;
  }
}

/** How {@linkcode adopt} makes a stream: by the runtime's operations where it has them. */
export type Access = "direct" | "public";

const OPERATIONS = findOperations();

/** The access that this runtime offers. */
export const ACCESS: Access = OPERATIONS ? "direct" : "public";

/**
 * The stream of a connection of the runtime, which from now on is used only through it.
 *
 * @param options.localAddress The address of this end, where the kernel knows another name of it.
 */
export function adopt(
  conn: Deno.Conn,
  options: { access?: Access; localAddress?: SocketAddress | undefined } = {},
): Stream {
  const { access = ACCESS, localAddress } = options;
  const rid = access === "direct" ? resourceOf(conn) : undefined;
  return OPERATIONS && rid !== undefined
    ? new DirectSocket(conn, { operations: OPERATIONS, rid, localAddress })
    : new PublicSocket(conn, localAddress);
}

/**
 * The connection of the runtime that a stream of {@linkcode adopt} stands for, for what makes another
 * one of it; `undefined` of any other stream, and of one that was prepared for a long life.
 */
export function connOf(stream: Stream): Deno.Conn | undefined {
  if (stream instanceof DirectSocket || stream instanceof PublicSocket) return stream.conn;
  return undefined;
}

function findOperations(): RuntimeOperations | undefined {
  const { internal } = Deno as unknown as { internal?: symbol };
  const internals = internal &&
    (Deno as unknown as Record<symbol, { core?: RuntimeOperations }>)[internal];
  const core = internals ? internals.core : undefined;
  const needed = ["read", "write", "shutdown", "tryClose"] as const;
  return core && needed.every((name) => typeof core[name] === "function") ? core : undefined;
}

/** The symbol under which the runtime keeps a connection's resource number, once it was seen. */
let resourceSymbol: symbol | undefined;

function resourceOf(conn: Deno.Conn): number | undefined {
  resourceSymbol ??= Object.getOwnPropertySymbols(conn).find(({ description }) => {
    return description === "Deno.internal.rid";
  });
  if (resourceSymbol === undefined) return undefined;
  const rid = (conn as unknown as Record<symbol, unknown>)[resourceSymbol];
  return typeof rid === "number" ? rid : undefined;
}

function setNoDelay(conn: Deno.Conn): void {
  if ("setNoDelay" in conn) set(() => (conn as Deno.TcpConn).setNoDelay(true));
}

function setKeepAlive(conn: Deno.Conn): void {
  if ("setKeepAlive" in conn) set(() => (conn as Deno.TcpConn).setKeepAlive(true));
}

function set(option: () => void): void {
  try {
    option();
  } catch {
    // It cannot be set on a connection that was reset, which the next read or write will find.
  }
}
