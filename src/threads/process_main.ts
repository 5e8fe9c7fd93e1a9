// One of several processes that share a port: what `thread_main.ts` is for threads.
import { every } from "../base/timer.ts";
import { LimitBoards } from "../destinations/limits/limit_boards.ts";
import { Trails } from "../net/trails.ts";
import type { StartMessage, ToThread } from "./messages.ts";
import { MessagePipe } from "./message_pipe.ts";
import { type Orders, serveAsOne } from "./one_of_several.ts";

/** How often it is looked whether whoever started it is still there, in milliseconds. */
const LOOK_MS = 1000;

/** Serves as one of several processes, by what comes on standard input; resolves when nobody is there. */
export async function serveAsProcess(): Promise<void> {
  const pipe = new MessagePipe({
    read: async (buffer) => await Deno.stdin.read(buffer) ?? 0,
    write: (bytes) => Deno.stdout.write(bytes),
  });
  const orders: Orders = {
    onmessage: null,
    postMessage(message) {
      // Nobody listens any more only when whoever has started it is gone.
      pipe.send(message).catch(() => {});
    },
  };
  serveAsOne(orders);
  const orphaned = Promise.withResolvers<void>();
  const parent = Deno.ppid;
  const watch = every(LOOK_MS, () => {
    if (Deno.ppid !== parent) orphaned.resolve();
  });
  try {
    await Promise.race([receive(), orphaned.promise]);
  } finally {
    watch.stop();
  }

  async function receive(): Promise<void> {
    for await (const message of pipe.messages()) {
      const data = message as ToThread;
      orders.onmessage?.({ data: data.kind === "start" ? withOwn(data) : data });
    }
  }
}

/** What threads share. */
type Own = "descriptors" | "trustsNobodyElse" | "trails" | "boards";

/** A process has that for itself. */
function withOwn(start: Omit<StartMessage, Own>): StartMessage {
  return {
    ...start,
    descriptors: undefined,
    trustsNobodyElse: undefined,
    trails: new Trails().buffer,
    boards: LimitBoards.memory(start.thread.number),
  };
}
