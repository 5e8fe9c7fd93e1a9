import type { Logger } from "@logtape/logtape";
import { sleep } from "../../base/timer.ts";
import { bind } from "../../net/bind.ts";
import { HttpServer } from "../../net/http/server.ts";

/** How long it takes for an answer, in milliseconds: so much, and by chance so much more. */
const DELAY_MS = 200;
const JITTER_MS = 100;

/** How long clients may take for an answer when it breaks, in milliseconds. */
const PATIENCE_MS = 200;

/** How long it waits until it tries again to get its port back, in milliseconds. */
const RETRY_MS = 500;

/** A real server on a port of loopback, which can break and come back to the same port. */
export class FlakyServer implements AsyncDisposable {
  readonly #log: Logger;
  /** Port 0 at first, then the one that it got. */
  #port = 0;
  /** What serves while it is there. */
  #server: HttpServer | undefined;
  /** Aborted when it breaks: whom it has gets an answer at once. */
  #broken = new AbortController();
  /** Clients answered so far. */
  #answered = 0;

  private constructor(log: Logger) {
    this.#log = log;
  }

  static async start(log: Logger): Promise<FlakyServer> {
    const server = new FlakyServer(log);
    await server.#listen();
    return server;
  }

  /** As a destination on the command line. */
  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** Is gone at once: further connects are refused. */
  async break(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    this.#broken.abort();
    await server?.close({ patience: PATIENCE_MS });
  }

  /** Is there again, at the same port, unless the signal is aborted before that is free. */
  async comeBack(signal: AbortSignal): Promise<void> {
    while (!this.#server && !signal.aborted) {
      try {
        await this.#listen();
      } catch {
        await sleep(RETRY_MS, { signal });
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.break();
  }

  async #listen(): Promise<void> {
    const address = { transport: "tcp", hostname: "127.0.0.1", port: this.#port } as const;
    const bound = await bind(address, { tcpBacklog: 128, log: this.#log });
    this.#port = bound.port!;
    const broken = this.#broken = new AbortController();
    this.#server = new HttpServer({
      bound,
      what: "accepting at the server flaky of the demo",
      log: this.#log,
      handler: async () => {
        await sleep(DELAY_MS + Math.random() * JITTER_MS, { signal: broken.signal });
        const body = `Hello from flaky, answer ${++this.#answered}\n`;
        return new Response(body, { headers: { connection: "close" } });
      },
    });
  }
}
