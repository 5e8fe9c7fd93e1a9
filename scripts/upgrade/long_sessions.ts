const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Sessions that go on while their balancer is replaced, again and again. */
export class LongSessions {
  readonly #port: number;
  readonly #generations: number;
  readonly #open: { conn: Deno.TcpConn; asked: number }[] = [];
  /** Those that were answered to their end, and those that were not. */
  finished = 0;
  cut = 0;

  /** @param options.generations How many upgrades each of them outlives. */
  constructor({ port, generations }: { port: number; generations: number }) {
    this.#port = port;
    this.#generations = generations;
  }

  /** Begins one more. */
  async begin(): Promise<void> {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port: this.#port });
    const session = { conn, asked: 0 };
    this.#open.push(session);
    await this.#ask(session);
  }

  /** Asks all of them for an answer; those that have outlived enough upgrades are over. */
  async goOn(): Promise<void> {
    for (const session of [...this.#open]) {
      if (await this.#ask(session) && session.asked > this.#generations) this.#close(session, true);
    }
  }

  /** Ends all that are there. */
  async end(): Promise<void> {
    for (const session of [...this.#open]) {
      if (await this.#ask(session)) this.#close(session, true);
    }
  }

  async #ask(session: { conn: Deno.TcpConn; asked: number }): Promise<boolean> {
    const request = `session ${session.asked++}`;
    const buffer = new Uint8Array(request.length);
    try {
      await session.conn.write(encoder.encode(request));
      let answer = "";
      while (answer.length < request.length) {
        const n = await session.conn.read(buffer);
        if (n === null) break;
        answer += decoder.decode(buffer.subarray(0, n));
      }
      if (answer === request) return true;
    } catch {
      // It counts as cut.
    }
    this.#close(session, false);
    return false;
  }

  #close(session: { conn: Deno.TcpConn; asked: number }, finished: boolean): void {
    this.#open.splice(this.#open.indexOf(session), 1);
    session.conn.close();
    if (finished) this.finished++;
    else this.cut++;
  }
}
