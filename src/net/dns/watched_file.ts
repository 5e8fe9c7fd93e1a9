import { FileError, readBounded } from "../../base/bounded_file.ts";
import { ResolveError } from "./records.ts";

/** Most bytes of a file: there are long lists of hosts. */
const LIMIT = 32 * 1024 * 1024;

/** What a file of the system says; it is read again when it has changed. */
export class WatchedFile<T> {
  readonly #path: string;
  readonly #parse: (text: string) => T;
  /** What is known, and of which state of the file. */
  #known: { stamp: string; contents: T } | undefined;

  /** @param parse What the text of the file says; of none, if there is no such file. */
  constructor(path: string, parse: (text: string) => T) {
    this.#path = path;
    this.#parse = parse;
  }

  /**
   * What it says now.
   *
   * @throws {ResolveError} If it is there and cannot be read.
   */
  async read(): Promise<T> {
    const stamp = await stampOf(this.#path);
    if (this.#known?.stamp === stamp) return this.#known.contents;
    const contents = this.#parse(stamp === "" ? "" : await this.#text());
    this.#known = { stamp, contents };
    return contents;
  }

  async #text(): Promise<string> {
    try {
      return new TextDecoder().decode(await readBounded(this.#path, { limit: LIMIT }));
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      throw new ResolveError(`${this.#path} cannot be read: ${error.message}`);
    }
  }
}

/** Another text for every state of a file; empty if there is none. */
async function stampOf(path: string): Promise<string> {
  try {
    const { ino, size, mtime } = await Deno.stat(path);
    return `${ino} ${size} ${mtime?.getTime()}`;
  } catch {
    return "";
  }
}
