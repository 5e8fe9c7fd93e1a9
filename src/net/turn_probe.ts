import { isPending } from "../async/is_pending.ts";
import { sleep } from "../base/timer.ts";
import { nextTurn } from "./accept_failures.ts";
import { Loopback, type Pair } from "./loopback.ts";

/** How long a turn may last after an operation has begun, in milliseconds. */
const MOMENT_MS = 0.1;

const BYTE = new Uint8Array(1);

/**
 * Tells whether the runtime has looked at the sockets, and has served all that was ready then.
 *
 * Neither goes without saying: turns of the event loop may pass without a look at the sockets, and
 * between two looks the runtime finishes at most 128 operations, those first that became ready last.
 * Under load an accept may be ready for a hundred turns and have said nothing.
 */
export class TurnProbe implements Disposable {
  /** Both ends of a connection of the program to itself; absent if it could not be made. */
  readonly #ends: Pair | undefined;
  /** Not the whole of it is read: what comes next shows only at the next look. */
  readonly #buffer = new Uint8Array(2);

  private constructor(ends: Pair | undefined) {
    this.#ends = ends;
  }

  /**
   * Opens the connection. Without descriptors, or without loopback, there is no way to tell: a
   * millisecond counts as a look at the sockets then.
   */
  static async open(options: { signal?: AbortSignal } = {}): Promise<TurnProbe> {
    try {
      using loopback = new Loopback();
      return new TurnProbe(await loopback.connect(options));
    } catch {
      return new TurnProbe(undefined);
    }
  }

  /** Resolves after a look at the sockets: whether all that was ready has been served. */
  async look(): Promise<boolean> {
    if (this.#ends === undefined) {
      await sleep(1);
      return true;
    }
    const { near, far } = this.#ends;
    const come = far.read(this.#buffer);
    await near.write(BYTE);
    await come;
    await nextTurn();
    return await this.served();
  }

  /**
   * Whether all that was ready has been served in this turn so far, told before anything else happens: a
   * write that has room is finished at once, unless the 128 are used up.
   */
  async served(): Promise<boolean> {
    return this.#ends === undefined || !await isPending(this.#ends.far.write(BYTE));
  }

  /**
   * Whether an operation that has just begun has to wait, and the turn was over within a moment: what is
   * closed then is closed at the end of the turn, when all others have had theirs.
   */
  async waits(operation: Promise<unknown>): Promise<boolean> {
    const begin = performance.now();
    if (!await isPending(operation) || !await this.served()) return false;
    await nextTurn();
    return performance.now() - begin < MOMENT_MS && await isPending(operation);
  }

  [Symbol.dispose](): void {
    this.#ends?.near.close();
    this.#ends?.far.close();
  }
}
