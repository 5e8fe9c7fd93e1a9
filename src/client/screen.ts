import { put } from "../base/output.ts";
import { type Line, paint, widthOf } from "./drawing.ts";

const ENTER = "\x1b[?1049h\x1b[?25l";
const LEAVE = "\x1b[?25h\x1b[?1049l";
const HOME = "\x1b[H";
const CLEAR_LINE = "\x1b[K";
const CLEAR_BELOW = "\x1b[J";

/** The terminal as a place to draw on, from {@linkcode Screen.open} until it is disposed of. */
export class Screen implements Disposable {
  readonly #colors = !Deno.noColor;
  readonly #raw = Deno.stdin.isTerminal();

  private constructor() {
    this.enter();
  }

  /** Changes to the alternate screen, without a cursor; keys come at once and unseen. */
  static open(): Screen {
    return new Screen();
  }

  get size(): { columns: number; rows: number } {
    return Deno.consoleSize();
  }

  /** Takes the terminal again after {@linkcode leave}. */
  enter(): void {
    if (this.#raw) Deno.stdin.setRaw(true);
    put(ENTER);
  }

  /** Gives the terminal back as it was. */
  leave(): void {
    put(LEAVE);
    if (this.#raw) Deno.stdin.setRaw(false);
  }

  /** Replaces what is shown, in one write so that nothing flickers. */
  draw(lines: readonly Line[]): void {
    const { columns } = this.size;
    const texts = lines.map((line) => {
      // At the end of a full line the cursor still stands on its last character.
      const rest = widthOf(line) < columns ? CLEAR_LINE : "";
      return paint(line, { colors: this.#colors }) + rest;
    });
    put(HOME + texts.join("\r\n") + CLEAR_BELOW);
  }

  [Symbol.dispose](): void {
    try {
      this.leave();
    } catch {
      // The terminal is gone.
    }
  }
}
