import { FatalError, messageOf } from "../../base/errors.ts";
import { complain } from "../../base/output.ts";
import { waitAtMost } from "../../async/wait_at_most.ts";
import { meet } from "../../net/meeting_point.ts";
import type { Stream } from "../../net/stream.ts";
import { writeAll } from "../../net/write_all.ts";
import { STARTER_VARIABLE, type StarterNote, type ToStarter, writeMessage } from "./messages.ts";

/** How long the starter may take to hear something, in milliseconds. */
const PATIENCE_MS = 1000;

/** The starter of this process, as it sees it: it waits until this one serves, or has ended. */
export class Starter {
  /** What relative paths mean; `undefined` if this is no daemon, and they mean what they always do. */
  readonly folder: string | undefined;
  readonly #stream: Stream;
  /** The latest write. */
  #writing: Promise<void> = Promise.resolve();
  #closed = false;

  private constructor(stream: Stream, { folder }: StarterNote) {
    this.folder = folder;
    this.#stream = stream;
    this.#tell("here");
    this.#watch();
  }

  /**
   * The starter that waits for this process; `undefined` if none does, as whenever somebody starts the
   * program by hand.
   *
   * @throws {FatalError} If it does not answer.
   */
  static async find(): Promise<Starter | undefined> {
    const text = Deno.env.get(STARTER_VARIABLE);
    if (text === undefined) return undefined;
    // Not for programs that this one starts.
    Deno.env.delete(STARTER_VARIABLE);
    try {
      const note: StarterNote = JSON.parse(text);
      return new Starter(await meet(note.socket), note);
    } catch (error) {
      throw new FatalError(`Cannot reach who has started this process: ${messageOf(error)}`);
    }
  }

  /** Tells it that this process serves. A daemon is on its own from here. */
  async serving(): Promise<void> {
    const told = await this.#tell("serving");
    if (this.folder === undefined) return;
    const closed = this.#closed;
    this.close();
    if (!told && !closed) stop();
  }

  /** Says something on standard error; a daemon says it on the starter's. */
  async complain(text: string): Promise<void> {
    if (this.folder === undefined || this.#closed) complain(text);
    else await this.#tell({ complaint: text });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stream.close();
  }

  /** Returns whether it is there to be told. */
  async #tell(message: ToStarter): Promise<boolean> {
    let told = true;
    await waitAtMost(PATIENCE_MS, this.#send(message).catch(() => void (told = false)));
    return told;
  }

  #send(message: ToStarter): Promise<void> {
    const bytes = writeMessage(message);
    return this.#writing = this.#writing.then(() => writeAll(this.#stream, bytes));
  }

  /** Whoever has started it and is gone does so no less than by a signal: it drains. */
  async #watch(): Promise<void> {
    await this.#stream.read(new Uint8Array(1)).catch(() => {});
    if (!this.#closed) stop();
  }
}

function stop(): void {
  Deno.kill(Deno.pid, "SIGTERM");
}
