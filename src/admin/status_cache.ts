import type { ConfigInForce } from "../operations/config_in_force.ts";
import type { Operations, SessionInfo, Status } from "../operations/operations.ts";

/** What was looked up, or is being. */
interface Taken<T> {
  /** When it was there; what is on its way is never too old. */
  at: number;
  readonly limit: number;
  readonly value: Promise<T>;
}

/**
 * What operators see, looked up seldom enough that the sessions do not notice, however many ask.
 *
 * Everyone who asks within `age` of a look shares what it found, or its error.
 */
export class StatusCache {
  readonly #operations: Operations;
  readonly #age: number;
  #status: Taken<Status> | undefined;
  #sessions: Taken<SessionInfo[]> | undefined;
  #config: Taken<ConfigInForce> | undefined;

  /** @param options.age Milliseconds. */
  constructor(operations: Operations, options: { age: number }) {
    this.#operations = operations;
    this.#age = options.age;
  }

  /** The status of the program, not older than `age`. */
  status(): Promise<Status> {
    if (!this.#isFresh(this.#status)) {
      this.#status = taken(() => this.#operations.status(), 1);
    }
    return this.#status.value;
  }

  /** The oldest live sessions, at most so many, not older than `age`. */
  async sessions(limit: number): Promise<SessionInfo[]> {
    if (!this.#isFresh(this.#sessions) || this.#sessions.limit < limit) {
      this.#sessions = taken(() => this.#operations.sessions({ limit }), limit);
    }
    return (await this.#sessions.value).slice(0, limit);
  }

  /** What the program runs by, not older than `age`. */
  config(): Promise<ConfigInForce> {
    if (!this.#isFresh(this.#config)) this.#config = taken(() => this.#operations.config(), 1);
    return this.#config.value;
  }

  /** The next one who asks gets what is there then; called when something was changed. */
  forget(): void {
    this.#status = undefined;
    this.#sessions = undefined;
    this.#config = undefined;
  }

  #isFresh<T>(taken: Taken<T> | undefined): taken is Taken<T> {
    return taken !== undefined && performance.now() - taken.at < this.#age;
  }
}

function taken<T>(look: () => Promise<T>, limit: number): Taken<T> {
  const result: Taken<T> = { at: Infinity, limit, value: look() };
  const settled = () => void (result.at = performance.now());
  result.value.then(settled, settled);
  return result;
}
