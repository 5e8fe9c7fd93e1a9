import { waitAtMost } from "../async/wait_at_most.ts";
import { messageOf } from "../base/errors.ts";
import type { Logger } from "@logtape/logtape";
import { formatEnd, startOwn } from "../services/own_process.ts";
import { type ProcessEnd, ProcessStream } from "../net/process_stream.ts";
import type { ThreadWorker } from "./messages.ts";
import { MessagePipe } from "./message_pipe.ts";

/** How long it is waited for how a process has ended whose pipe has, in milliseconds. */
const END_MS = 1000;

/**
 * A process of this program in the place of a thread: it gets the same messages, through a pipe. What
 * threads share in memory, descriptors and ways of sessions, it has for itself.
 */
export class ProcessWorker implements ThreadWorker {
  onmessage: ThreadWorker["onmessage"] = null;
  onerror: ThreadWorker["onerror"] = null;
  readonly #log: Logger;
  #stream: ProcessStream | undefined;
  #pipe: MessagePipe | undefined;
  /** How the process has ended. */
  readonly #ended = Promise.withResolvers<ProcessEnd | undefined>();
  #terminated = false;

  constructor(log: Logger) {
    this.#log = log;
    try {
      const process = startOwn(["serve", "echo", "-", "--processes=accept"]);
      this.#stream = new ProcessStream(process, (end) => this.#ended.resolve(end));
      this.#pipe = new MessagePipe(this.#stream);
      void this.#receive(this.#pipe);
    } catch (error) {
      // Whoever has started it wants to be told in the same way as of any other end.
      queueMicrotask(() => this.#fail(`it cannot be started: ${messageOf(error)}`));
    }
  }

  postMessage(message: Parameters<ThreadWorker["postMessage"]>[0]): void {
    const { descriptors: _, trustsNobodyElse: __, trails: ___, boards: ____, ...portable } =
      message as unknown as Record<string, unknown>;
    // If it has ended, that is told.
    this.#pipe?.send(portable).catch(() => {});
  }

  terminate(): void {
    this.#terminated = true;
    this.#stream?.close();
  }

  async #receive(pipe: MessagePipe): Promise<void> {
    try {
      for await (const data of pipe.messages()) {
        if (this.#terminated) return;
        this.onmessage?.({ data } as MessageEvent);
      }
    } catch (error) {
      if (!this.#terminated) this.#log.debug("a process is not heard: {error}", { error });
    }
    // Its pipe has ended. How the process has ended may be seen later.
    let how = "its process says nothing more";
    const told = this.#ended.promise.then((end) => {
      if (end) how = `its process has ended: ${formatEnd(end)}`;
    });
    await waitAtMost(END_MS, told);
    this.#fail(how);
  }

  #fail(message: string): void {
    if (this.#terminated) return;
    this.onerror?.({ message, preventDefault() {} } as ErrorEvent);
  }
}
