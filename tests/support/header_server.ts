import { readAll, TestServer, writeAll } from "./servers.ts";

const SIGNATURE = "0d0a0d0a000d0a515549540a";

/** What came on one connection. */
export interface Received {
  /** The header in the words of version 1, `LOCAL`, or `UNIX` and two paths. */
  readonly header: string;
  /** Everything after it, once the client has finished. */
  text: string | undefined;
}

/**
 * A server that expects a PROXY header of either version, greets with the header's words in a line,
 * and answers the end of the client with "bye".
 */
export class HeaderServer implements AsyncDisposable {
  /** Connections that were for a client, in order. */
  readonly received: Received[] = [];
  /** The versions of their headers. */
  readonly versions: string[] = [];
  /** Headers of connections that were for nobody. */
  readonly checks: string[] = [];
  /** Connections that began with something else, or with nothing. */
  readonly strangers: string[] = [];
  readonly #server: TestServer;

  constructor(options: { port?: number } = {}) {
    this.#server = new TestServer((conn) => this.#serve(conn), { ...options, speaksFirst: true });
  }

  get port(): number {
    return this.#server.port;
  }

  get address(): string {
    return this.#server.address;
  }

  async #serve(conn: Deno.Conn): Promise<void> {
    const { header, version } = await readHeader(conn) ?? {};
    if (header === undefined || version === undefined) {
      return void this.strangers.push("nothing, or no header");
    }
    if (/^(UNKNOWN|LOCAL)$/.test(header)) this.checks.push(header);
    const one: Received = { header, text: undefined };
    if (!this.checks.includes(header)) {
      this.received.push(one);
      this.versions.push(version);
    }
    await writeAll(conn, new TextEncoder().encode(`${header}\n`));
    one.text = new TextDecoder().decode(await readAll(conn));
    await writeAll(conn, new TextEncoder().encode("bye"));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#server[Symbol.asyncDispose]();
  }
}

/** Reads a header and not a byte more; `undefined` if it is none. */
async function readHeader(
  conn: Deno.Conn,
): Promise<{ version: string; header: string } | undefined> {
  const bytes: number[] = [];
  const next = async (length: number) => {
    while (bytes.length < length) {
      const buffer = new Uint8Array(length - bytes.length);
      const n = await conn.read(buffer);
      if (n === null) return false;
      bytes.push(...buffer.subarray(0, n));
    }
    return true;
  };
  if (!await next(6)) return undefined;
  if (text(bytes) === "PROXY ") {
    while (bytes.at(-1) !== 10) if (bytes.length > 107 || !await next(bytes.length + 1)) return;
    return { version: "v1", header: text(bytes.slice(6)).replace(/\r\n$/, "") };
  }
  if (!await next(16) || hex(bytes.slice(0, 12)) !== SIGNATURE) return undefined;
  const [command, family, high, low] = bytes.slice(12) as [number, number, number, number];
  if (!await next(16 + high * 256 + low)) return undefined;
  return { version: "v2", header: wordsOf({ command, family, body: bytes.slice(16) }) };
}

function wordsOf(
  { command, family, body }: { command: number; family: number; body: readonly number[] },
): string {
  const port = (at: number) => body[at]! * 256 + body[at + 1]!;
  if (command === 0x20) return "LOCAL";
  if (family === 0x11) {
    return `TCP4 ${body.slice(0, 4).join(".")} ${body.slice(4, 8).join(".")} ${port(8)} ${
      port(10)
    }`;
  }
  if (family === 0x21) {
    return `TCP6 ${hex(body.slice(0, 16))} ${hex(body.slice(16, 32))} ${port(32)} ${port(34)}`;
  }
  const path = (at: number) => text(body.slice(at, at + 108)).replace(/\0+$/, "");
  return `UNIX ${path(0) || "?"} ${path(108) || "?"}`;
}

function text(bytes: readonly number[]): string {
  return String.fromCharCode(...bytes);
}

function hex(bytes: readonly number[]): string {
  return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
