import type { TlsOutHost } from "./out_terms.ts";

/**
 * So many connections that were given up may be left with a destination. The runtime keeps one of TLS
 * open until the server has closed it, as long as its handshake is not over or something that was
 * written is not sent (Deno 2.7.11 to 2.9.6). Once there are so many, the next ones go another way, which
 * costs more and leaves nothing. Those that have begun before may come on top.
 */
export const MOST_UNFINISHED = 16;

/** Those that there are, by whose descriptors they have and where they lead. */
const PRESENT = new WeakMap<TlsOutHost, Map<string, Unfinished>>();

/** The connections to one destination that were given up in the middle of something. */
export class Unfinished {
  readonly #host: TlsOutHost | undefined;
  /** Where they lead; empty if they are forgotten with their destination. */
  readonly #place: string;
  #number = 0;

  constructor(host: TlsOutHost | undefined, place = "") {
    this.#host = host;
    this.#place = place;
  }

  /** Those to a place, which may be left from a destination that is gone: servers come and go. */
  static at(place: string, host: TlsOutHost | undefined): Unfinished {
    return (host && PRESENT.get(host)?.get(place)) ?? new Unfinished(host, place);
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
    this.#remember();
    const done = () => {
      this.#number--;
      this.#host?.leave(1);
      if (this.#number === 0) this.#forget();
      conn.close();
    };
    middle.then(done, done);
  }

  #remember(): void {
    if (!this.#host || this.#place === "") return;
    let all = PRESENT.get(this.#host);
    if (!all) PRESENT.set(this.#host, all = new Map());
    if (!all.has(this.#place)) all.set(this.#place, this);
  }

  #forget(): void {
    const all = this.#host && PRESENT.get(this.#host);
    if (all?.get(this.#place) === this) all.delete(this.#place);
  }
}
