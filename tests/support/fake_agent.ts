import { TestServer, writeAll } from "./servers.ts";

/** An agent that says what a test wants, in a line or in any other way. */
export class FakeAgent implements AsyncDisposable {
  /** What it says from now on: a line without its end, or what it does with a connection. */
  says: string | ((conn: Deno.TcpConn) => Promise<void>);
  /** How often it was asked. */
  asked = 0;
  readonly #server: TestServer;

  constructor(says: FakeAgent["says"], options: { port?: number; hostname?: string } = {}) {
    this.says = says;
    this.#server = new TestServer(async (conn) => {
      this.asked++;
      const { says } = this;
      if (typeof says !== "string") return await says(conn);
      await writeAll(conn, new TextEncoder().encode(`${says}\n`));
    }, { ...options, speaksFirst: true });
  }

  get port(): number {
    return this.#server.port;
  }

  get address(): string {
    return this.#server.address;
  }

  /** Questions that it has not answered yet. */
  get open(): number {
    return this.#server.open;
  }

  /** Most that it was asked at a time. */
  get mostOpen(): number {
    return this.#server.mostOpen;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#server[Symbol.asyncDispose]();
  }
}
