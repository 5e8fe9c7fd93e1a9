import type { Flow } from "./flow.ts";

/** Whether something that a client has sent is unanswered: whatever comes after it is the answer. */
export class Unanswered {
  /** Whether it is noted while the client's bytes are passed on, which costs a little. */
  noted: boolean;
  readonly #answers: Flow;
  /** What had come from the server when the client's latest bytes were passed on; -1 before that. */
  #askedAt = -1;

  constructor(answers: Flow, options: { noted: boolean }) {
    this.#answers = answers;
    this.noted = options.noted;
  }

  /** Bytes of the client are about to be passed on: an answer may be here before they are. */
  ask(): void {
    this.#askedAt = this.#answers.received;
  }

  /** The server has begun to answer. */
  answer(): void {
    this.#askedAt = -1;
  }

  /** Whether the client would have given up if it finished sending now. */
  get any(): boolean {
    return this.noted && this.#askedAt >= this.#answers.received && !this.#answers.ended;
  }
}
