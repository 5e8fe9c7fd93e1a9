/** Closes a socket that may be closed already. */
export function closeQuietly(socket: { close(): void }): void {
  try {
    socket.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

/**
 * Turns Nagle's algorithm off, where the transport has one: the balancer must not add a delay.
 * A peer that is gone already is left for the first read to find.
 */
export function sendWithoutDelay(socket: Deno.Conn): void {
  if (!("setNoDelay" in socket)) return;
  try {
    (socket as Deno.TcpConn).setNoDelay(true);
  } catch {
    // The option cannot be set on a connection that was reset.
  }
}
