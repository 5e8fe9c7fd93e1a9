/** Closes a socket that may be closed already. */
export function closeQuietly(socket: { close(): void }): void {
  try {
    socket.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

/** Options of {@linkcode prepare}. */
export interface SocketOptions {
  /** Whether the kernel asks a silent peer from time to time whether it is still there. */
  keepAlive: boolean;
}

/**
 * Sets a TCP socket up for relaying; other sockets are left as they are. Nagle's algorithm is off:
 * the balancer must not add a delay. A peer that is gone already is left for the first read to find.
 */
export function prepare(socket: Deno.Conn, options: SocketOptions): void {
  if (!("setNoDelay" in socket)) return;
  const tcp = socket as Deno.TcpConn;
  try {
    tcp.setNoDelay(true);
    if (options.keepAlive) tcp.setKeepAlive(true);
  } catch {
    // The option cannot be set on a connection that was reset.
  }
}
