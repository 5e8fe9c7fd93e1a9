/** Where lines go in the end: a file, a stream, or another thread. */
export interface ByteSink {
  /**
   * Writes some of the lines. Resolves to the number of bytes that are taken care of, which ends
   * with a line; whoever calls goes on with the rest.
   *
   * @param lines Whole lines, each with its line break.
   * @throws {Deno.errors.WouldBlock} If nobody reads fast enough at the moment.
   * @throws {AwayError} If nobody is there to read.
   */
  write(lines: Uint8Array): Promise<number>;
  /** Tries to finish a line that is taken care of but not written to its end. */
  finishLine?(): Promise<void>;
  /** Absent where there is nothing to close. */
  close?(): void;
}

/** Nobody is there who reads, but somebody may come; nothing is lost yet. */
export class AwayError extends Error {
  override readonly name = "AwayError";
}
