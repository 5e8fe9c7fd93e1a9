import { setImmediate } from "node:timers";
import { Loopback, type Pair } from "./loopback.ts";

/** Most reads that begin between two turns. */
const READS_PER_TURN = 64;

const BYTE = new Uint8Array(1);

/**
 * Deals out turns among sessions that could all read at any time.
 *
 * The runtime finishes at most 128 reads and writes between two looks at the sockets, and when more
 * are ready it prefers those that became so last: a hundred busy sessions would keep all others
 * waiting for seconds. So no more reads begin in a turn than can be finished, and the others
 * wait for the next one.
 *
 * A turn is over when the runtime has looked at the sockets again. Only a socket can tell: one that
 * is connected to this process itself, made when it is first needed.
 */
export class FairReads {
  /** Reads that have begun in this turn. */
  #begun = 0;
  /** Reads that wait for a turn, the oldest first. */
  #waiting: (() => void)[] = [];
  /** What is read of the own connection. */
  readonly #buffer = new Uint8Array(2 * BYTE.length);
  /** Both ends of the connection; absent before it is needed, or if it could not be made. */
  #ends: Pair | undefined;
  /** The attempt to make it, once one was needed. */
  #opening: Promise<void> | undefined;
  /** Whether everybody may read at any time, since it ends. */
  #closed = false;
  /** Whether no read may begin, see {@linkcode hold}. */
  #held = false;
  /** Begins the next turn. */
  readonly #onTurn = () => this.#next();

  /** Whether a read may begin at once; otherwise {@linkcode turn} has to be awaited before it. */
  take(): boolean {
    if (this.#held) return false;
    if (++this.#begun < READS_PER_TURN) return true;
    if (this.#begun === READS_PER_TURN) this.#callNext();
    return false;
  }

  /** Resolves when it is the caller's turn. */
  turn(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Whether no read may begin, nor go on. */
  get held(): boolean {
    return this.#held;
  }

  /** Lets no read begin until {@linkcode release}. */
  hold(): void {
    this.#held = true;
  }

  /** Ends a hold. */
  release(): void {
    this.#held = false;
    this.#next();
  }

  /** Lets everybody go on who waits and closes the connection. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#opening;
    if (this.#ends) closeBoth(this.#ends);
    this.#next();
  }

  /** Ends this turn when the sockets have been looked at. */
  #callNext(): void {
    if (!this.#ends || this.#closed) {
      setImmediate(this.#onTurn);
      this.#opening ??= this.#open().catch(() => {
        // Without it turns are shorter than they should be, but they are dealt out all the same.
      });
      return;
    }
    const { near, far } = this.#ends;
    // Not the whole buffer is read: what comes next shows only at the next look.
    far.read(this.#buffer).then(this.#onTurn, this.#onTurn);
    near.write(BYTE).catch(() => {});
  }

  #next(): void {
    if (this.#held && !this.#closed) return;
    const now = this.#closed ? this.#waiting.length : READS_PER_TURN;
    const begun = this.#waiting.slice(0, now);
    this.#waiting = this.#waiting.slice(now);
    this.#begun = begun.length;
    if (this.#begun >= READS_PER_TURN) this.#callNext();
    for (const begin of begun) begin();
  }

  async #open(): Promise<void> {
    using loopback = new Loopback();
    const ends = await loopback.connect();
    ends.near.sendPromptly();
    if (this.#closed) closeBoth(ends);
    else this.#ends = ends;
  }
}

function closeBoth({ near, far }: Pair): void {
  near.close();
  far.close();
}
