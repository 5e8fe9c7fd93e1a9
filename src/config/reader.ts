import type { ConfigFlags, ParsedConfig } from "./parse.ts";
import { type ConfigPiece, PiecesOfConfig } from "./pieces.ts";
import { ConfigProblems } from "./problems.ts";
import { Pace } from "../async/pace.ts";
import { UsageError } from "../base/errors.ts";
import { after } from "../base/timer.ts";

/** How long another thread may take, in milliseconds; what is allowed takes it about a second. */
const PATIENCE_MS = 15_000;

/** What is to be read. */
export interface ConfigBytes {
  readonly bytes: Uint8Array;
  readonly file: string;
  readonly flags: ConfigFlags;
}

/** What the thread is told: first what is to be read, then after each piece that the next may come. */
export type ToConfigThread = ConfigBytes | "next";

/** What the thread tells. */
export type FromConfigThread =
  | { readonly piece: ConfigPiece }
  | "end"
  | { readonly error: string; readonly usage: boolean };

/**
 * Parses a configuration in a thread of its own, so that however long that takes, sessions go on.
 * To begin the thread takes the runtime 10 to 30 ms, which is why short files go without.
 *
 * @throws {UsageError} If it is not TOML, has too much of something, or takes too long.
 */
export async function parseBeside(bytes: ConfigBytes): Promise<ParsedConfig> {
  const { file } = bytes;
  const worker = new Worker(new URL("./reader_thread.ts", import.meta.url), { type: "module" });
  const pieces = new PiecesOfConfig();
  const pace = new Pace();
  const answered = Promise.withResolvers<ParsedConfig>();
  const timer = after(PATIENCE_MS, () => {
    answered.reject(new UsageError(`${file}: takes more than ${PATIENCE_MS / 1000} s to read`));
  });
  worker.onmessage = async ({ data }: MessageEvent<FromConfigThread>) => {
    if (data === "end") {
      const { source, problems } = pieces.whole();
      return answered.resolve({ source, problems: new ConfigProblems(file, problems) });
    }
    if ("error" in data) {
      return answered.reject(data.usage ? new UsageError(data.error) : new Error(data.error));
    }
    pieces.add(data.piece);
    if (pace.due) await pace.turn();
    worker.postMessage("next" satisfies ToConfigThread);
  };
  worker.onerror = (event) => {
    event.preventDefault();
    answered.reject(new Error(`the thread that reads ${file} failed: ${event.message}`));
  };
  try {
    worker.postMessage(bytes satisfies ToConfigThread);
    return await answered.promise;
  } finally {
    timer.stop();
    pace.close();
    worker.terminate();
  }
}
