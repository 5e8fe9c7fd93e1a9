import { Channel } from "../async/channel.ts";
import { FatalError } from "../base/errors.ts";
import type { Status } from "../operations/operations.ts";
import { every } from "../base/timer.ts";
import type { AdminClient } from "./admin_client.ts";
import { SORT_ORDERS } from "./destination_rows.ts";
import { type Key, readKeys } from "./keys.ts";
import { History } from "./rates.ts";
import { Screen } from "./screen.ts";
import { drawFrame } from "./view.ts";

/** The rates are those of so many milliseconds. */
const RATE_SPAN_MS = 5000;

/** After so long without a status, the view says that it is old, in milliseconds. */
const SILENCE_MS = 3000;

type Message =
  | { readonly kind: "status"; readonly status: Status; taken(): void }
  | { readonly kind: "key"; readonly key: Key }
  | { readonly kind: "redraw" }
  | { readonly kind: "quit" }
  | { readonly kind: "ended" }
  | { readonly kind: "failed"; readonly error: unknown };

/**
 * Shows the program on the terminal until the operator has seen enough.
 *
 * @throws {FatalError} If the program cannot be reached, or ends otherwise than by a drain.
 */
export async function showLive(client: AdminClient): Promise<void> {
  const statuses = client.statuses({ patient: true });
  // Nothing happens to the terminal before there is something to show.
  const first = await statuses.next();
  if (first.done) throw new FatalError(`${client.name} ended the connection at once`);
  const inbox = new Channel<Message>(1000);
  const post = (message: Message) => void inbox.trySend(message);
  const stopWatching = watchTerminal(post);
  // Its end is the end of the view, and with it of the process.
  follow(statuses, post);
  readTerminal(post);
  try {
    using screen = Screen.open();
    await show(screen, inbox, { first: first.value, name: client.name });
  } finally {
    stopWatching();
  }
}

async function show(
  screen: Screen,
  inbox: Channel<Message>,
  options: { first: Status; name: string },
): Promise<void> {
  const history = new History(RATE_SPAN_MS);
  let latest = { now: options.first, before: history.add(options.first) };
  let shown = latest;
  let lastNews = performance.now();
  let [offset, sort, paused] = [0, 0, false];
  for (;;) {
    const { columns, rows } = screen.size;
    const silence = performance.now() - lastNews;
    const frame = drawFrame(shown.now, shown.before, {
      columns,
      rows,
      offset,
      sort: SORT_ORDERS[sort]!,
      paused,
      warning: silence >= SILENCE_MS ? `no news for ${Math.round(silence / 1000)} s` : undefined,
    });
    offset = frame.offset;
    screen.draw(frame.lines);
    const message = await inbox.receive();
    switch (message.kind) {
      case "status":
        message.taken();
        latest = { now: message.status, before: history.add(message.status) };
        if (!paused) shown = latest;
        lastNews = performance.now();
        break;
      case "key":
        if (message.key === "quit") return;
        if (message.key === "sort") sort = (sort + 1) % SORT_ORDERS.length;
        else if (message.key === "pause") {
          paused = !paused;
          if (!paused) shown = latest;
        } else offset = Math.max(0, offset + stepOf(message.key, rows));
        break;
      case "redraw":
        break;
      case "quit":
        return;
      case "ended":
        if (latest.now.state === "draining") return;
        throw new FatalError(`${options.name} has ended the connection`);
      case "failed":
        throw message.error;
    }
  }
}

function stepOf(key: Exclude<Key, "quit" | "sort" | "pause">, rows: number): number {
  const page = Math.max(1, rows - 3);
  const steps = { "up": -1, "down": 1, "page up": -page, "page down": page };
  if (key === "top") return -1e9;
  return key === "end" ? 1e9 : steps[key];
}

async function follow(
  statuses: AsyncIterable<Status>,
  post: (message: Message) => void,
): Promise<void> {
  try {
    for await (const status of statuses) {
      // However fast they come, one at a time is kept.
      const { promise, resolve: taken } = Promise.withResolvers<void>();
      post({ kind: "status", status, taken });
      await promise;
    }
    post({ kind: "ended" });
  } catch (error) {
    post({ kind: "failed", error });
  }
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
