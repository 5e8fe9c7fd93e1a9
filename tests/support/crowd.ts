import { bytes } from "./proxy_headers.ts";
import { TestServer, tryClose, writeAll } from "./servers.ts";

/** What became of a client: answered, told that it was turned away, closed without a word, or left. */
export type Fate = "answered" | "told" | "closed" | "left";

/** What a turned away client is told in tests. */
export const BUSY = "busy";

/** Options of a {@linkcode visit}. */
export interface Visit {
  /** Its address in a header of the PROXY protocol; without one there is none. */
  client?: string | undefined;
  /** Milliseconds after which it leaves. */
  patience: number;
  /** Whether it finishes sending after that time, and waits for the end then. */
  halfCloses?: boolean;
  request?: string | Uint8Array;
}

/** A server that takes so many milliseconds for a request, and answers "ok". */
export function slowServer(ms: number, options: { port?: number } = {}): TestServer {
  return new TestServer(async (conn) => {
    if (await conn.read(new Uint8Array(64 * 1024)) === null) return;
    await new Promise((resolve) => setTimeout(resolve, ms));
    await conn.write(bytes("ok"));
  }, options);
}

/** A header that says who the client is. */
export function header(client: string): string {
  return `PROXY TCP4 ${client} 192.0.2.1 56324 443\r\n`;
}

/** A client with one request that leaves when its patience is over. */
export async function visit(connect: () => Promise<Deno.Conn>, options: Visit): Promise<Fate> {
  const { client, patience, halfCloses = false, request = "GET /" } = options;
  let conn: Deno.Conn;
  try {
    conn = await connect();
  } catch {
    return "closed";
  }
  let left = false;
  const timer = setTimeout(() => {
    left = true;
    if (halfCloses) conn.closeWrite().catch(() => {});
    else tryClose(conn);
  }, patience);
  try {
    if (client) await writeAll(conn, bytes(header(client)));
    await writeAll(conn, typeof request === "string" ? bytes(request) : request);
    const buffer = new Uint8Array(16);
    const text = new TextDecoder().decode(buffer.subarray(0, await conn.read(buffer) ?? 0));
    if (text === "ok") return "answered";
    if (text === BUSY) return "told";
    return left ? "left" : "closed";
  } catch {
    return left ? "left" : "closed";
  } finally {
    clearTimeout(timer);
    tryClose(conn);
  }
}

/** Clients that come at a steady rate, whether those before them were answered or not. */
export class Crowd implements AsyncDisposable {
  readonly fates: Record<Fate, number> = { answered: 0, told: 0, closed: 0, left: 0 };
  readonly #clients = new Set<Promise<unknown>>();
  readonly #timer: ReturnType<typeof setInterval>;

  /** @param options.every Milliseconds between two times at which `number` of them come. */
  constructor(
    connect: () => Promise<Deno.Conn>,
    options: Omit<Visit, "client"> & {
      every: number;
      number: number;
      client?: (number: number) => string;
    },
  ) {
    let came = 0;
    this.#timer = setInterval(() => {
      for (let i = 0; i < options.number; i++) {
        const one = visit(connect, { ...options, client: options.client?.(came++) })
          .then((fate) => this.fates[fate]++);
        this.#clients.add(one);
        one.finally(() => this.#clients.delete(one));
      }
    }, options.every);
  }

  /** Nobody new comes; resolves when everybody has gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#clients);
  }
}

/** One client that comes again as soon as it was answered or turned away. */
export class Regular implements AsyncDisposable {
  readonly fates: Record<Fate, number> = { answered: 0, told: 0, closed: 0, left: 0 };
  #over = false;
  readonly #loop: Promise<void>;

  constructor(connect: () => Promise<Deno.Conn>, options: Visit) {
    this.#loop = this.#come(connect, options);
  }

  async #come(connect: () => Promise<Deno.Conn>, options: Visit): Promise<void> {
    while (!this.#over) {
      this.fates[await visit(connect, options)]++;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over = true;
    await this.#loop;
  }
}
