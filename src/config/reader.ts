import type { ConfigFlags, ParsedConfig } from "./parse.ts";
import { ConfigProblems } from "./problems.ts";
import type { ProgramSource } from "./source.ts";
import { UsageError } from "../base/errors.ts";
import { after } from "../base/timer.ts";

/** How long another thread may take, in milliseconds; what is allowed takes it about a second. */
const PATIENCE_MS = 15_000;

/** What the thread is told: once. */
export interface ToConfigThread {
  readonly bytes: Uint8Array;
  readonly file: string;
  readonly flags: ConfigFlags;
}

/** What the thread tells: once. */
export type FromConfigThread =
  | { readonly source: ProgramSource; readonly problems: ConfigProblems["lines"] }
  | { readonly error: string; readonly usage: boolean };

/**
 * Parses a configuration in a thread of its own, so that however long that takes, sessions go on.
 * To begin the thread takes the runtime 10 to 30 ms, which is why short files go without.
 *
 * @throws {UsageError} If it is not TOML, has too much of something, or takes too long.
 */
export async function parseBeside(message: ToConfigThread): Promise<ParsedConfig> {
  const { file } = message;
  const worker = new Worker(new URL("./reader_thread.ts", import.meta.url), { type: "module" });
  const answered = Promise.withResolvers<FromConfigThread>();
  const timer = after(PATIENCE_MS, () => {
    answered.reject(new UsageError(`${file}: takes more than ${PATIENCE_MS / 1000} s to read`));
  });
  worker.onmessage = ({ data }) => answered.resolve(data);
  worker.onerror = (event) => {
    event.preventDefault();
    answered.reject(new Error(`the thread that reads ${file} failed: ${event.message}`));
  };
  try {
    worker.postMessage(message);
    const answer = await answered.promise;
    if ("source" in answer) {
      return { source: answer.source, problems: new ConfigProblems(file, answer.problems) };
    }
    throw answer.usage ? new UsageError(answer.error) : new Error(answer.error);
  } finally {
    timer.stop();
    worker.terminate();
  }
}
