import { Channel } from "../async/channel.ts";
import { FatalError } from "../base/errors.ts";
import { after, every } from "../base/timer.ts";
import type { AdminClient } from "./admin_client.ts";
import { follow } from "./feed.ts";
import { readKeys } from "./keys.ts";
import { LiveView, type Message } from "./live_view.ts";
import { Screen } from "./screen.ts";

/** More than a read of the terminal has keys. */
const MOST_MESSAGES = 5000;

/** After so long, whoever is still running was not stopped, in milliseconds. */
const UNSTOPPED_MS = 500;

/**
 * Shows the program on the terminal until the operator has seen enough, also when it is gone for a while.
 *
 * @throws {FatalError} If the program cannot be reached at first, or what answers is not iawlb.
 */
export async function showLive(client: AdminClient): Promise<void> {
  const statuses = client.statuses();
  // Nothing happens to the terminal before there is something to show.
  const first = await statuses.next();
  if (first.done) throw new FatalError(`${client.name} ended the connection at once`);
  const inbox = new Channel<Message>(MOST_MESSAGES);
  const post = (message: Message) => {
    if (!inbox.trySend(message) && message.kind === "status") message.taken();
  };
  const stopWatching = watchTerminal(post);
  // Its end is the end of the view, and with it of the process.
  follow(client, statuses, post);
  readTerminal(post);
  try {
    using screen = Screen.open();
    const view = new LiveView(client, { first: first.value, post });
    for (;;) {
      screen.draw(view.draw(screen.size));
      // Of much that has happened at once the end is drawn.
      do {
        const next = view.take(await inbox.receive());
        if (next === "quit") return;
        if (next === "stop") await stop(screen);
      } while (inbox.size > 0);
    }
  } finally {
    stopWatching();
  }
}

/** Gives the terminal to the shell, as Ctrl-Z is to do, until the shell gives it back. */
async function stop(screen: Screen): Promise<void> {
  if (Deno.build.os === "windows") return;
  const { promise: continued, resolve } = Promise.withResolvers<void>();
  Deno.addSignalListener("SIGCONT", resolve);
  // Where there is no shell that could continue it, the signal stops nobody.
  const timer = after(UNSTOPPED_MS, resolve);
  screen.leave();
  // The whole job, as the terminal does it: sudo and the like have to know.
  Deno.kill(0, "SIGTSTP");
  await continued;
  timer.stop();
  Deno.removeSignalListener("SIGCONT", resolve);
  screen.enter();
}

/** Keys as they come. Cannot be stopped: a read of the terminal ends with the process. */
async function readTerminal(post: (message: Message) => void): Promise<void> {
  if (!Deno.stdin.isTerminal()) return;
  const buffer = new Uint8Array(1024);
  try {
    for (let n = await Deno.stdin.read(buffer); n !== null; n = await Deno.stdin.read(buffer)) {
      const text = new TextDecoder().decode(buffer.subarray(0, n));
      for (const key of readKeys(text)) post({ kind: "key", key });
    }
  } catch {
    // The terminal is gone, as it is at its end of input.
  }
  post({ kind: "quit" });
}

/** Signals, and a beat that keeps the age of the news true. Returns what ends that. */
function watchTerminal(post: (message: Message) => void): () => void {
  const quit = () => post({ kind: "quit" });
  const redraw = () => post({ kind: "redraw" });
  const handlers: Partial<Record<Deno.Signal, () => void>> = Deno.build.os === "windows"
    ? { SIGINT: quit }
    : { SIGINT: quit, SIGTERM: quit, SIGHUP: quit, SIGWINCH: redraw };
  const entries = Object.entries(handlers) as [Deno.Signal, () => void][];
  for (const [signal, handler] of entries) Deno.addSignalListener(signal, handler);
  const beat = every(1000, redraw);
  return () => {
    beat.stop();
    for (const [signal, handler] of entries) Deno.removeSignalListener(signal, handler);
  };
}
