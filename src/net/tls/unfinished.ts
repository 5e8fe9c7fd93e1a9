import type { TlsOutHost } from "./out_terms.ts";

/**
 * So many connections that were given up may be left with a destination. The runtime keeps one of TLS
 * open until the server has closed it, as long as its handshake is not over or something that was
 * written is not sent (Deno 2.7.11 to 2.9.6). Once there are so many, the next ones go another way, which
 * costs more and leaves nothing. Those that have begun before may come on top.
 */
export const MOST_UNFINISHED = 16;

/** The connections to one destination that were given up in the middle of something. */
export class Unfinished {
  readonly #host: TlsOutHost | undefined;
  #number = 0;

  constructor(host: TlsOutHost | undefined) {
    this.#host = host;
  }

  /** How many there are. */
  get number(): number {
    return this.#number;
  }

  /** Whether one more would be one too many. */
  get full(): boolean {
    return this.#number >= MOST_UNFINISHED;
  }

  /** One was given up: it is closed as soon as what it was in the middle of has come to an end. */
  add(conn: { close(): void }, middle: Promise<unknown>): void {
    this.#number++;
    this.#host?.enter(1);
    const done = () => {
      this.#number--;
      this.#host?.leave(1);
      conn.close();
    };
    middle.then(done, done);
  }
}
