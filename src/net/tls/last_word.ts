/**
 * When a peer may close its connection without saying so in TLS (close_notify). Many programs do once they
 * were told that nothing more comes (nginx with a kept connection, redis, Python): there is nothing left
 * that could be missing then. Whatever a peer says after that counts only with an end of its own.
 */
export class LastWord {
  /** Whether a peer has to have said something before, or else its answer may be what is missing. */
  readonly #mustAnswer: boolean;
  /** Whether it was told, and nothing has come since. */
  #isLast = false;
  #hasAnswered = false;

  constructor({ mustAnswer }: { mustAnswer: boolean }) {
    this.#mustAnswer = mustAnswer;
  }

  /** The peer is told that nothing more comes. */
  tell(): void {
    this.#isLast = true;
  }

  /** Something has come from it. */
  hear(): void {
    this.#hasAnswered = true;
    this.#isLast = false;
  }

  /** Whether its connection may just end now. */
  get excuses(): boolean {
    return this.#isLast && (this.#hasAnswered || !this.#mustAnswer);
  }
}
