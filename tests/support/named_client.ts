import { hello } from "./hellos.ts";
import { tryClose, writeAll } from "./servers.ts";

/** A client that has said which server it wants, has finished sending, and waits for an answer of a few bytes. */
export class NamedClient implements Disposable {
  readonly conn: Deno.TcpConn;
  /** What comes back until the end: the first bytes of it as text; empty if there is nothing. */
  readonly answer: Promise<string>;
  /** Whether that has come. */
  answered = false;

  private constructor(conn: Deno.TcpConn) {
    this.conn = conn;
    this.answer = this.#read();
  }

  /** @param name Nothing but a hello without a name unless given. */
  static async connect(port: number, name?: string, alpn?: readonly string[]) {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port });
    await writeAll(conn, hello({ ...name && { names: [name] }, ...alpn && { alpn } }));
    await conn.closeWrite();
    return new NamedClient(conn);
  }

  async #read(): Promise<string> {
    const buffer = new Uint8Array(64);
    try {
      const length = await this.conn.read(buffer) ?? 0;
      if (buffer[0] === 21 && length === 7) return `alert ${buffer[6]}`;
      return new TextDecoder().decode(buffer.subarray(0, length));
    } catch {
      return "";
    } finally {
      this.answered = true;
      tryClose(this.conn);
    }
  }

  [Symbol.dispose](): void {
    tryClose(this.conn);
  }
}

/** So many of these at once, which are closed in the end. */
export async function namedClients(port: number, number: number, name?: string) {
  const all = await Promise.all(
    Array.from({ length: number }, () => NamedClient.connect(port, name)),
  );
  return {
    all,
    answers: () => Promise.all(all.map(({ answer }) => answer)),
    [Symbol.dispose]: () => all.forEach((one) => one[Symbol.dispose]()),
  };
}
