/** Something that is numbered by the listener that it came to. */
export class Numbered {
  /** Counts up from 1 in the order of accept. */
  readonly id: number;
  /** The number of its listener. */
  readonly #listener: number;

  constructor({ id, listener = 1 }: { id: number; listener?: number }) {
    this.id = id;
    this.#listener = listener;
  }

  /** What it is called in logs, and by whoever operates the program: both numbers, as in `1.17`. */
  get title(): string {
    return `${this.#listener}.${this.id}`;
  }
}
