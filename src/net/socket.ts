import { noteOf } from "./trails.ts";

/** One end of a connection, as sessions and relays use it. */
export interface Socket {
  /** The peer's address. */
  readonly remoteAddr: Deno.Addr;
  /** Reads into the buffer; 0 = the peer has finished sending. Rejects if the connection failed. */
  read(buffer: Uint8Array): Promise<number>;
  /** Writes the beginning of the bytes, at least one, and tells how many. */
  write(bytes: Uint8Array): Promise<number>;
  /** Tells the peer that nothing more comes. */
  closeWrite(): Promise<void>;
  /** Closes it; a second call does nothing. */
  close(): void;
  /**
   * Turns Nagle's algorithm off, so that no small write waits for an acknowledgement. The first
   * write of a connection never does: who calls this before the second saves it for short sessions.
   */
  sendPromptly(): void;
  /**
   * Prepares for a long life: no write waits, the kernel asks a silent peer from time to time
   * whether it is still there if `keepAlive` says so, and memory is let go of.
   */
  tuneForLongLife(options: { keepAlive: boolean }): void;
}

/** The runtime's operations below {@linkcode Deno.Conn}, by resource number. */
interface RuntimeOperations {
  read(rid: number, buffer: Uint8Array): Promise<number>;
  write(rid: number, bytes: Uint8Array): Promise<number>;
  shutdown(rid: number): Promise<void>;
  tryClose(rid: number): void;
}

/** Uses nothing but the public methods. */
class PublicSocket implements Socket {
  readonly #conn: Deno.Conn;

  constructor(conn: Deno.Conn) {
    this.#conn = conn;
  }

  get remoteAddr(): Deno.Addr {
    return this.#conn.remoteAddr;
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
}

/**
 * Uses the operations that the public methods use, without what these do around them for `ref` and
 * `unref`: a third of the runtime's part in a small round trip.
 */
class DirectSocket implements Socket {
  readonly remoteAddr: Deno.Addr;
  /** What can set its options; some kilobytes, which a connection that lasts does without. */
  #conn: Deno.Conn | undefined;
  readonly #operations: RuntimeOperations;
  readonly #rid: number;

  constructor(conn: Deno.Conn, operations: RuntimeOperations, rid: number) {
    this.remoteAddr = conn.remoteAddr;
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
}

/** How {@linkcode adopt} makes a socket: by the runtime's operations where it has them. */
export type Access = "direct" | "public";

const OPERATIONS = findOperations();

/** The access that this runtime offers. */
export const ACCESS: Access = OPERATIONS ? "direct" : "public";

/** Takes over a connection: from now on it is used only through the socket. */
export function adopt(conn: Deno.Conn, access: Access = ACCESS): Socket {
  const socket = wrap(conn, access);
  const note = noteOf(conn);
  if (note) {
    const close = socket.close;
    socket.close = function (): void {
      note.forget();
      close.call(this);
    };
  }
  return socket;
}

function wrap(conn: Deno.Conn, access: Access): Socket {
  const rid = access === "direct" ? resourceOf(conn) : undefined;
  return OPERATIONS && rid !== undefined
    ? new DirectSocket(conn, OPERATIONS, rid)
    : new PublicSocket(conn);
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
