import { messageOf } from "../base/errors.ts";
import type { Logger } from "@logtape/logtape";
import { formatEnd, startOwn } from "../services/own_process.ts";
import { ProcessStream } from "../net/process_stream.ts";
import type { ThreadWorker } from "./messages.ts";
import { MessagePipe } from "./message_pipe.ts";

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
  #terminated = false;

  constructor(log: Logger) {
    this.#log = log;
    try {
      const process = startOwn(["serve", "echo", "-", "--processes=accept"]);
      this.#stream = new ProcessStream(process, (end) => {
        this.#fail(`its process has ended: ${end ? formatEnd(end) : "killed"}`);
      });
      this.#pipe = new MessagePipe(this.#stream);
      void this.#receive(this.#pipe);
    } catch (error) {
      // Whoever has started it wants to be told in the same way as of any other end.
      queueMicrotask(() => this.#fail(`it cannot be started: ${messageOf(error)}`));
    }
  }

  postMessage(message: Parameters<ThreadWorker["postMessage"]>[0]): void {
    const { descriptors: _, trails: __, boards: ___, ...portable } = message as unknown as Record<
      string,
      unknown
    >;
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
  }

  #fail(message: string): void {
    if (this.#terminated) return;
    this.onerror?.({ message, preventDefault() {} } as ErrorEvent);
  }
}
