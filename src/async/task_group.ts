/** Tasks under way, and the moment when none is left. */
export class TaskGroup {
  #number = 0;
  #onIdle: (() => void) | undefined;
  readonly #onDone = () => this.#done();
  readonly #onFailed: (error: unknown) => void;

  /** @param onDefect Gets the error of a task that failed, which none should. */
  constructor(onDefect: (error: unknown) => void) {
    this.#onFailed = (error) => {
      onDefect(error);
      this.#done();
    };
  }

  /** Takes a task in that has begun. */
  add(task: Promise<void>): void {
    this.#number++;
    task.then(this.#onDone, this.#onFailed);
  }

  /** Resolves once no task is under way. */
  idle(): Promise<void> {
    if (this.#number === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onIdle = resolve);
  }

  #done(): void {
    if (--this.#number === 0) this.#onIdle?.();
  }
}
