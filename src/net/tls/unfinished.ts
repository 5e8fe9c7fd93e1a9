import type { TlsOutHost } from "./out_terms.ts";

/**
 * So many handshakes that were given up may be left with a destination. The runtime keeps the
 * descriptor of one until the server closes its end (Deno 2.7.11 to 2.9.6); once there are so many, the
 * next ones go another way, which costs more and leaves nothing.
 */
export const MOST_UNFINISHED = 16;

/** The handshakes with one destination that were given up and have not ended. */
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

  /** One was given up: it is closed as soon as it can be. */
  add(conn: Deno.TlsConn, handshake: Promise<unknown>): void {
    this.#number++;
    this.#host?.enter(1);
    const done = () => {
      this.#number--;
      this.#host?.leave(1);
      conn.close();
    };
    handshake.then(done, done);
  }
}
