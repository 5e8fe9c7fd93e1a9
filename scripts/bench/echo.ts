/** A server on every address of this machine that answers what it gets. */
export function serveEcho(): Deno.TcpListener {
  const listener = Deno.listen({ hostname: "0.0.0.0", port: 0 });
  answerAll(listener);
  return listener;
}

async function answerAll(listener: Deno.Listener): Promise<void> {
  for await (const conn of listener) answer(conn);
}

async function answer(conn: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(64);
  try {
    for (let n = await conn.read(buffer); n !== null; n = await conn.read(buffer)) {
      await conn.write(buffer.subarray(0, n));
    }
    conn.close();
  } catch {
    // The balancer was ended.
  }
}

/** A port of this machine that nobody listens on at the moment. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
