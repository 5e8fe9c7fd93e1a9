import { after, type Timer } from "../base/timer.ts";
import type { Stream } from "../net/stream.ts";
import { writeAll } from "../net/write_all.ts";

/** About how much is written at a time, in characters. */
const BATCH = 4096;

/** How long the last words may wait for their reader, in milliseconds. */
const FAREWELL_MS = 1000;

/** Where the lines are that members read. */
export interface Board {
  /** What a member has not read, about so many characters; empty if it has read everything. */
  take(member: Member, most: number): string;
  /** Somebody has read. */
  progress(): void;
}

/** Who is in a room, or about to be: what is written to one client. */
export class Member {
  /** What it is called; nothing until it has joined. */
  name = "";
  /** The number of the next line that it has to read. */
  position = 0;
  /** Lines of its own from there on, which it does not read. */
  own = 0;
  /** Since when a write waits for it to read, `Infinity` if none does: by `performance.now`. */
  writingSince = Infinity;
  /** Whether it was waited for in vain, and has not caught up since. */
  late = false;
  /** Where it is written to. */
  readonly #stream: Stream;
  readonly #board: Board;
  /** What only this one is told next, and what is called when it has read that. */
  #word: { readonly text: string; told(): void } | undefined;
  /** Whether nothing is written after that. */
  #ended = false;
  /** Closes the client that does not read the last words. */
  #patience: Timer | undefined;
  /** Ends the wait for something to write. */
  #wake: (() => void) | undefined;

  constructor(stream: Stream, board: Board) {
    this.#stream = stream;
    this.#board = board;
  }

  /** Tells this one alone; resolves when it has read, or will read nothing more. */
  async say(text: string): Promise<void> {
    if (this.#ended) return;
    await new Promise<void>((told) => {
      this.#word = { text: `${text}\n`, told };
      this.wake();
    });
  }

  /** There is something to write. */
  wake(): void {
    this.#wake?.();
  }

  /** Writes no more than this one, if there is one, and closes then, or after a second. */
  end(word?: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#word?.told();
    this.#word = word === undefined ? this.#word : { text: `${word}\n`, told() {} };
    this.#patience = after(FAREWELL_MS, () => this.#stream.close());
    this.wake();
  }

  /** Writes what there is until the end; rejects if the client has left. */
  async write(): Promise<void> {
    const encoder = new TextEncoder();
    try {
      for (;;) {
        const word = this.#word;
        this.#word = undefined;
        const text = (this.name === "" ? "" : this.#board.take(this, BATCH)) + (word?.text ?? "");
        if (text !== "") {
          this.writingSince = performance.now();
          try {
            await writeAll(this.#stream, encoder.encode(text));
          } finally {
            word?.told();
          }
          this.writingSince = Infinity;
          this.#board.progress();
        } else if (this.#ended) break;
        else await new Promise<void>((resolve) => this.#wake = resolve);
      }
      this.#stream.close();
    } finally {
      this.#ended = true;
      this.#patience?.stop();
      this.#word?.told();
    }
  }
}
