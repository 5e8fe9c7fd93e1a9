import type { SocketAddress } from "./address.ts";

/** How a process has ended: with which status, or by which signal. */
export type ProcessEnd = Pick<Deno.CommandStatus, "success" | "code" | "signal">;

/**
 * One end of a connection, as everything above the sockets uses it.
 *
 * Whatever has these methods can stand for a connection: one that was read into already, TLS over
 * another stream, a process. Whoever wraps a stream owns it and closes it with its own.
 */
export interface Stream {
  /** The address of this end. */
  readonly localAddress: SocketAddress;
  /** The address of the peer. */
  readonly remoteAddress: SocketAddress;
  /** Whether the peer takes nothing any more; absent where that shows only when something is written. */
  readonly gone?: boolean;
  /** Resolves when that has become true; absent where nobody is told. */
  readonly ended?: Promise<void>;
  /**
   * Resolves once a process that is the other end has ended, which it is told to when this is closed,
   * without how if that could not be brought about; absent where nothing is left after closing.
   */
  readonly settled?: Promise<ProcessEnd | undefined>;
  /**
   * How much of what was written the system has taken, about: it only grows. Absent where a write takes
   * no longer than that.
   */
  readonly passedOn?: number;
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
   * whether it is still there if `keepAlive` says so, and memory is freed.
   */
  tuneForLongLife(options: { keepAlive: boolean }): void;
}
