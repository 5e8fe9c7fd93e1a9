import type { EndReason } from "../../operations/end_reasons.ts";

/** Thrown by a greeting: why the session ends. The message says what exactly was wrong. */
export class GreetingFailure extends Error {
  override readonly name = "GreetingFailure";
  readonly reason: EndReason;
  /** Whether it is of no interest: a client that has sent nothing, such as somebody who only looks. */
  readonly quiet: boolean;
  /** What the client is told before it is closed; nothing unless given. */
  readonly lastWords: Uint8Array | undefined;

  constructor(
    reason: EndReason,
    problem: string,
    { quiet = false, lastWords }: { quiet?: boolean; lastWords?: Uint8Array | undefined } = {},
  ) {
    super(problem);
    this.reason = reason;
    this.quiet = quiet;
    this.lastWords = lastWords;
  }
}
