import type { InspectionSource, ListenerWish } from "../operations/inspection.ts";
import type { NoAnswer, ThreadHandle } from "./thread_handle.ts";

/**
 * Begins to note in a thread what moves in sessions. It is over when the thread crashes, or says nothing for
 * long: one that is started in its place is not looked into.
 */
export async function inspectThread(
  thread: ThreadHandle,
  wish: ListenerWish,
): Promise<InspectionSource | NoAnswer> {
  const begun = await thread.ask("inspect", wish);
  if (begun === "gone" || begun === "silent") return begun;
  const { number, found } = begun;
  async function end(): Promise<number> {
    const untold = await thread.ask("endInspection", { number }).catch(() => 0);
    return typeof untold === "number" ? untold : 0;
  }
  return {
    found,
    async read() {
      const records = await thread.ask("readInspection", { number });
      if (records === "silent") end();
      return records === "gone" || records === "silent" ? undefined : records;
    },
    end,
  };
}
