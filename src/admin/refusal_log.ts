import type { Logger } from "@logtape/logtape";
import type { HttpRequest } from "../net/http/connection.ts";
import { LineBudget } from "../logging/line_budget.ts";
import { quote } from "../base/text.ts";
import type { HttpError } from "./responses.ts";

/** Tells of those who tried what they may not: a change with the token of a reader, a wrong token. */
export class RefusalLog {
  readonly #log: Logger;
  readonly #budget = new LineBudget();

  constructor(log: Logger) {
    this.#log = log;
  }

  /**
   * A request was answered with an error.
   *
   * @param who Who has sent it, or at least from where.
   */
  note(
    request: Pick<HttpRequest, "method" | "url" | "headers">,
    error: HttpError,
    who: string,
  ): void {
    const { status } = error;
    // Without a token it is nobody who guesses, but the page before the sign-in.
    if (status !== 403 && !(status === 401 && request.headers.has("authorization"))) return;
    const missed = this.#budget.take();
    if (missed === undefined) return;
    this.#log.warning("refused to {who}: {request}: {why}{more}", {
      who,
      request: quote(`${request.method} ${request.url.replace(/^[a-z+]+:\/\/[^/?#]*/i, "")}`),
      why: error.message,
      more: missed > 0 ? ` (${missed} before were not told)` : "",
    });
  }
}
