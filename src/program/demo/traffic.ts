import { monotonic } from "../../base/clock.ts";
import { every, type Timer } from "../../base/timer.ts";
import { connect } from "../../net/connect.ts";
import { writeAll } from "../../net/write_all.ts";

/** How often clients are made, in milliseconds. */
const TICK_MS = 40;

const REQUEST = new TextEncoder().encode("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n");
const GOOD = new TextEncoder().encode("HTTP/1.1 200 ");

/** What became of clients. */
export interface Tally {
  came: number;
  answered: number;
  /** Those that got no answer. */
  lost: number;
  /** The longest time from connecting to the end of the answer, in milliseconds. */
  longest: number;
}

/** Clients of the demo: real connections, each with one request. */
export class Traffic {
  readonly #port: number;
  /** Aborted when no further client is to come; those that are there stay. */
  readonly #signal: AbortSignal;
  readonly #timer: Timer;
  /** How many come in a second, and how many there are at most. */
  #rate = 0;
  #most = 0;
  /** How much of a client is due. */
  #due = 0;
  #last = monotonic();
  #here = 0;
  #tally = nothing();

  constructor(port: number, signal: AbortSignal) {
    this.#port = port;
    this.#signal = signal;
    this.#timer = every(TICK_MS, () => this.#tick());
    signal.addEventListener("abort", () => this.stop());
    if (signal.aborted) this.stop();
  }

  /** How many clients are there: they wait, or are being served. */
  get here(): number {
    return this.#here;
  }

  /** From now on so many clients come in a second, as long as fewer than `most` are there. */
  become({ rate, most }: { rate: number; most: number }): void {
    this.#rate = rate;
    this.#most = most;
  }

  /** What became of clients since the last call. */
  take(): Tally {
    const tally = this.#tally;
    this.#tally = nothing();
    return tally;
  }

  /** No further client comes. */
  stop(): void {
    this.#timer.stop();
  }

  #tick(): void {
    const now = monotonic();
    // People do not come at equal distances. What is missed while all is full is not made up for.
    this.#due += (now - this.#last) / 1000 * this.#rate * 2 * Math.random();
    this.#last = now;
    while (this.#due >= 1 && this.#here < this.#most) {
      this.#due--;
      void this.#ask();
    }
    this.#due = Math.min(this.#due, 1);
  }

  async #ask(): Promise<void> {
    const tally = this.#tally;
    const since = monotonic();
    this.#here++;
    try {
      const answered = await this.#isAnswered();
      if (answered === undefined) return;
      tally.came++;
      if (answered) tally.answered++;
      else tally.lost++;
      tally.longest = Math.max(tally.longest, monotonic() - since);
    } finally {
      this.#here--;
    }
  }

  /** Whether a client gets its answer; `undefined` if nobody listens any more. */
  async #isAnswered(): Promise<boolean | undefined> {
    try {
      const stream = await connect({ hostname: "127.0.0.1", port: this.#port });
      try {
        await writeAll(stream, REQUEST);
        const answer = new Uint8Array(512);
        for (let length = 0; length < answer.length;) {
          const read = await stream.read(answer.subarray(length));
          if (read === 0) break;
          length += read;
        }
        return GOOD.every((byte, i) => answer[i] === byte);
      } finally {
        stream.close();
      }
    } catch {
      return this.#signal.aborted ? undefined : false;
    }
  }
}

function nothing(): Tally {
  return { came: 0, answered: 0, lost: 0, longest: 0 };
}
