import { every, type Timer } from "./timer.ts";

/**
 * How often a thread has something to do that is to stay, in milliseconds: tokio ends one that had
 * nothing for 10 s. https://docs.rs/tokio/latest/tokio/runtime/struct.Builder.html#method.thread_keep_alive
 */
const WORK_MS = 5000;

/**
 * Keeps one of the threads by which the runtime reads and writes files and standard streams, until it is
 * stopped.
 *
 * They come and go with the work. Where the last one has gone and the system lets none be started, for
 * which it is enough that programs take all that a user or a group may have (RLIMIT_NPROC, pids.max),
 * the runtime aborts the process: "OS can't spawn worker thread" (Deno 2.6 to 2.9). As long as there is
 * one, it does the work of all.
 */
export function keepSpareThread(): Timer {
  work();
  return every(WORK_MS, work);
}

/** Anything that the runtime does not do itself. */
function work(): void {
  Deno.stat("/").catch(() => {});
}
