/**
 * A real TCP server on a free port of loopback that handles each connection with a function.
 *
 * Connections that end at once, before their first byte, are looks: somebody wanted to know whether
 * it is there. They are not handled.
 */
export class TestServer implements AsyncDisposable {
  readonly port: number;
  /** Connections accepted so far that were no looks. */
  accepted = 0;
  /** Connections that ended at once, without a byte. */
  looks = 0;
  /** Connections whose handler has not returned, and that were no looks. */
  open = 0;
  /** Most connections that were open at once. */
  mostOpen = 0;
  readonly #listener: Deno.TcpListener;
  readonly #handlers = new Set<Promise<void>>();
  readonly #conns = new Set<Deno.Conn>();
  readonly #loop: Promise<void>;
  readonly #speaksFirst: boolean;

  /**
   * The handler's connection is closed when it returns or throws.
   *
   * @param options.speaksFirst Whether looks are handled, too, so that nobody is waited for who says
   * nothing at first.
   */
  constructor(
    handle: (conn: Deno.TcpConn, number: number) => Promise<void>,
    options: { port?: number; hostname?: string; speaksFirst?: boolean } = {},
  ) {
    const { port, hostname = "127.0.0.1", speaksFirst = false } = options;
    this.#speaksFirst = speaksFirst;
    this.#listener = port === undefined ? listenAt(hostname) : Deno.listen({ hostname, port });
    this.port = this.#listener.addr.port;
    this.#loop = this.#accept(handle);
  }

  /** As a destination on the command line. */
  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Stops listening; open connections go on. */
  stopListening(): void {
    try {
      this.#listener.close();
    } catch {
      // It is closed already.
    }
  }

  /** Stops listening, closes all connections and waits for their handlers. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.stopListening();
    for (const conn of this.#conns) tryClose(conn);
    await this.#loop;
    // One may have come in the end.
    for (const conn of this.#conns) tryClose(conn);
    await Promise.all(this.#handlers);
  }

  async #accept(handle: (conn: Deno.TcpConn, number: number) => Promise<void>): Promise<void> {
    for (;;) {
      const conn = await acceptFrom(this.#listener);
      if (!conn) return;
      const handler = this.#serve(conn, handle);
      this.#handlers.add(handler);
      handler.then(() => this.#handlers.delete(handler));
    }
  }

  async #serve(
    conn: Deno.TcpConn,
    handle: (conn: Deno.TcpConn, number: number) => Promise<void>,
  ): Promise<void> {
    this.#conns.add(conn);
    const isFirst = this.#conns.size === 1 && this.looks + this.accepted === 0;
    const patience = isFirst ? FIRST_LOOK_MS : LOOK_MS;
    if (!this.#speaksFirst && await isLook(conn, patience)) {
      this.looks++;
      this.#conns.delete(conn);
      tryClose(conn);
      return;
    }
    this.open++;
    this.mostOpen = Math.max(this.mostOpen, this.open);
    try {
      await handle(conn, ++this.accepted);
    } catch {
      // The test looks at what arrived, not at how the connection ended.
    } finally {
      this.open--;
      this.#conns.delete(conn);
      tryClose(conn);
    }
  }
}

/** The next connection; nothing once the listener is closed. */
async function acceptFrom(listener: Deno.TcpListener): Promise<Deno.TcpConn | undefined> {
  for (;;) {
    try {
      return await listener.accept();
    } catch (error) {
      // One that was reset before it was accepted is gone, and not the listener.
      if (!(error instanceof Deno.errors.NotConnected)) {
        if (error instanceof Deno.errors.BadResource) return;
        if (error instanceof Deno.errors.Interrupted) return;
        throw error;
      }
    }
  }
}

/** How long a peer may say nothing before it is one that says nothing at first, in milliseconds. */
const LOOK_MS = 250;

/** The same for the first one, which most often is the look of a program that has just begun. */
const FIRST_LOOK_MS = 1000;

/** Whether a connection ends at once, without a byte. What it has read, the next reads give. */
async function isLook(conn: Deno.Conn, patience: number): Promise<boolean> {
  const buffer = new Uint8Array(64 * 1024);
  const read = conn.read.bind(conn);
  let begun = read(buffer).then((n) => n === null ? null : buffer.subarray(0, n));
  begun.catch(() => {});
  conn.read = async (into) => {
    const bytes = await begun;
    if (bytes === null) return null;
    into.set(bytes.subarray(0, into.length));
    if (bytes.length <= into.length) conn.read = read;
    begun = Promise.resolve(bytes.subarray(into.length));
    return Math.min(bytes.length, into.length);
  };
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silent = new Promise<false>((resolve) =>
    timer = setTimeout(() => resolve(false), patience)
  );
  const ended = begun.then((bytes) => bytes === null, () => true);
  try {
    return await Promise.race([ended, silent]);
  } finally {
    clearTimeout(timer);
  }
}

/** Sends everything back until the client has finished. */
export async function echo(conn: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(64 * 1024);
  for (let n = await conn.read(buffer); n !== null; n = await conn.read(buffer)) {
    await writeAll(conn, buffer.subarray(0, n));
  }
  await conn.closeWrite();
}

/** Reads the whole request, to the client's half-close, and answers with a text. */
export function answer(text: string): (conn: Deno.Conn) => Promise<void> {
  return async (conn) => {
    await readAll(conn);
    await writeAll(conn, new TextEncoder().encode(text));
    await conn.closeWrite();
  };
}

/** Reads and discards until the peer has finished. */
export async function discard(conn: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(64 * 1024);
  while (await conn.read(buffer) !== null);
}

/** Sends a text, half-closes and returns everything that comes back. */
export async function request(port: number, text: string): Promise<string> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await writeAll(conn, new TextEncoder().encode(text));
  await conn.closeWrite();
  return new TextDecoder().decode(await readAll(conn));
}

/** Everything the peer sends until it has finished. */
export async function readAll(conn: Deno.Conn): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for (;;) {
    const chunk = new Uint8Array(64 * 1024);
    const n = await conn.read(chunk);
    if (n === null) break;
    chunks.push(chunk.subarray(0, n));
  }
  const all = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

/** Exactly this many bytes. */
export async function readExactly(conn: Deno.Conn, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const n = await conn.read(bytes.subarray(at));
    if (n === null) throw new Error(`the input ended after ${at} of ${length} bytes`);
    at += n;
  }
  return bytes;
}

export async function writeAll(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  while (bytes.length > 0) bytes = bytes.subarray(await conn.write(bytes));
}

/** Both ends of a new TCP connection. */
export async function socketPair(): Promise<{ near: Deno.TcpConn; far: Deno.TcpConn }> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const [near, far] = await Promise.all([
    Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port }),
    listener.accept(),
  ]);
  return { near, far };
}

/** Ports that were given away: not one of them twice, though nobody may listen on it yet. */
const given = new Set<number>();

/**
 * A port that nothing listens on, at no address, and that the system gives to nobody who connects or
 * leaves the choice to it: a server can leave it and come back.
 */
export function freePort(): number {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 22_000);
    if (given.has(port)) continue;
    try {
      using _listener = Deno.listen({ hostname: "0.0.0.0", port });
      given.add(port);
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}

/** Listens on a free port; another test may have got the same one in the same moment. */
function listenAt(hostname: string): Deno.TcpListener {
  for (;;) {
    try {
      return Deno.listen({ hostname, port: freePort() });
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}

export function tryClose(conn: { close(): void }): void {
  try {
    conn.close();
  } catch {
    // It is closed already.
  }
}

/** Bytes without a pattern that a mistake in copying could repeat. */
export function randomBytes(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 65536) {
    crypto.getRandomValues(bytes.subarray(at, Math.min(at + 65536, length)));
  }
  return bytes;
}

/** Waits until a condition holds; fails after so many milliseconds: many, for a busy machine. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  timeout = 30_000,
): Promise<void> {
  const end = performance.now() + timeout;
  while (!await condition()) {
    if (performance.now() > end) throw new Error(`waited ${timeout} ms in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
