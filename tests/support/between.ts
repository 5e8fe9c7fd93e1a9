import { tryClose, writeAll } from "./servers.ts";

/** Whoever is in between a client and a server, and can cut their connection. */
export class Between implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #ends: Deno.Conn[] = [];
  readonly #passing: Promise<void>;

  /** @param port Where the server listens. */
  constructor(port: number) {
    this.#passing = this.#pass(port);
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /** Ends the connection of both, without a word. */
  async cut(): Promise<void> {
    for (const end of this.#ends) tryClose(end);
    await this.#passing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    tryClose(this.#listener);
    await this.cut();
  }

  async #pass(port: number): Promise<void> {
    try {
      const near = await this.#listener.accept();
      this.#ends.push(near);
      const far = await Deno.connect({ hostname: "127.0.0.1", port });
      this.#ends.push(far);
      await Promise.allSettled([copy(near, far), copy(far, near)]);
    } catch {
      // It is over.
    }
  }
}

async function copy(from: Deno.Conn, to: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(4096);
  for (;;) {
    const length = await from.read(buffer);
    if (length === null) return await to.closeWrite();
    await writeAll(to, buffer.slice(0, length));
  }
}
