import { waitAtMost } from "../async/wait_at_most.ts";
import { addSamples, followed, type ListenerSample, unmoved } from "../operations/sample.ts";
import type { NoAnswer } from "./thread_handle.ts";

/** How long a sample waits for the threads, in milliseconds: the next one is due after a second. */
const PATIENCE_MS = 800;

/** Asks a thread for its sample. */
interface SampledThread {
  ask(call: "sample", ask: { limit: number }): Promise<ListenerSample | NoAnswer>;
}

/** The samples of several threads as one, in which nothing counts twice that is told late. */
export class ThreadSamples {
  /** What each thread has told, since the latest look or before. */
  readonly #told = new Map<SampledThread, ListenerSample>();
  /** Threads that have not answered yet. */
  readonly #asked = new Set<SampledThread>();
  readonly #patience: number;

  /** @param options.patience How long it waits for the threads, in milliseconds; for tests. */
  constructor({ patience = PATIENCE_MS }: { patience?: number } = {}) {
    this.#patience = patience;
  }

  /** Looks at these threads; `undefined` if none has told anything yet. */
  async take(
    threads: readonly SampledThread[],
    limit: number,
  ): Promise<ListenerSample | undefined> {
    await waitAtMost(this.#patience, Promise.all(threads.map((one) => this.#ask(one, limit))));
    for (const thread of this.#told.keys()) {
      if (!threads.includes(thread)) this.#told.delete(thread);
    }
    const all = [...this.#told.values()];
    for (const [thread, sample] of this.#told) this.#told.set(thread, unmoved(sample));
    return all.length === 0 ? undefined : addSamples(all);
  }

  async #ask(thread: SampledThread, limit: number): Promise<void> {
    if (this.#asked.has(thread)) return;
    this.#asked.add(thread);
    try {
      const sample = await thread.ask("sample", { limit });
      if (typeof sample === "string") return void this.#told.delete(thread);
      const before = this.#told.get(thread);
      this.#told.set(thread, before ? followed(before, sample) : sample);
    } catch {
      // It is told elsewhere that it does not answer.
    } finally {
      this.#asked.delete(thread);
    }
  }
}
