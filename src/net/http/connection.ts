import { BadRequest, parseHead, type RequestHead } from "./head.ts";
import { HttpBody, HttpInput } from "./input.ts";
import { refusalBytes, sendAnswer } from "./output.ts";
import type { Pace } from "../../async/pace.ts";
import type { SocketAddress } from "../address.ts";
import type { Stream } from "../stream.ts";
import { after, type Timer } from "../../base/timer.ts";

/** One request, with its address as it was sent: nothing of it is resolved. */
export type HttpRequest = Pick<Request, "method" | "url" | "headers" | "body">;

/** Answers a request. */
export type HttpHandler = (
  request: HttpRequest,
  info: RequestInfo,
) => Response | Promise<Response>;

/** What a request does not say by itself. */
export interface RequestInfo {
  /** Settles when the answer has ended. */
  completed: Promise<void>;
  /** The other end of the connection. */
  peer: SocketAddress;
}

/** What clients are allowed; times in milliseconds. */
export interface HttpLimits {
  /** Time for the head of a request, from its first byte; for the first one from the accept. */
  headTimeout: number;
  /** Time between two requests. */
  idleTimeout: number;
  /** How long all of an answer may wait for its reader, beside the time for its bytes. */
  readerPatience: number;
  /** Bytes that a reader has to read in a second. */
  readerRate: number;
}

/** Time, and bytes, that a client has for what it still sends when it is refused, or answered. */
const LINGER_MS = 1000;
const LINGER_BYTES = 1024 * 1024;

/** Options of {@linkcode HttpConnection}. */
export interface HttpConnectionOptions {
  handler: HttpHandler;
  limits: HttpLimits;
  /** The host that a request of HTTP/1.0 without one is for. */
  host: string;
  /** Deals out the time of the event loop among all clients. */
  pace: Pace;
  /** Called once, when it is closed. */
  onClose(): void;
}

/** One client of a {@linkcode HttpServer}: its requests one after the other, each with its limits. */
export class HttpConnection {
  /** The client, which is closed at the end. */
  readonly #stream: Stream;
  /** Who answers, and how long the client may take. */
  readonly #options: HttpConnectionOptions;
  /** What the client sends, cut into requests. */
  readonly #input: HttpInput;
  /** When its request, or the wait for it, began. */
  #since = performance.now();
  /** Whether the client has to do something: send, or read. */
  #waiting = false;
  /** Whether an answer is being made or sent. */
  #answering = false;
  /** Whether the client was closed. */
  #closed = false;
  /** Whether the request being answered, or the next one, is the last. */
  #last = false;
  /** Closes the client when it takes too long. */
  #timer: Timer | undefined;

  constructor(stream: Stream, options: HttpConnectionOptions) {
    this.#stream = stream;
    this.#options = options;
    this.#input = new HttpInput((buffer) => this.#await(() => stream.read(buffer)));
    stream.sendPromptly();
  }

  /** When its request, or the wait for it, began: that of {@linkcode performance.now}. */
  get since(): number {
    return this.#since;
  }

  /** Whether it is the client that has to do something. */
  get waiting(): boolean {
    return this.#waiting;
  }

  /** Serves it to its end; never rejects. */
  async serve(): Promise<void> {
    const { headTimeout, idleTimeout } = this.#options.limits;
    try {
      for (let timeout = headTimeout; await this.#serveOne(timeout);) timeout = idleTimeout;
    } catch (error) {
      if (error instanceof BadRequest) await this.#refuse(error);
      // Everything else is a client that is gone, too slow, or was closed.
    } finally {
      this.close();
    }
  }

  /** Lets an answer under way end, and closes. */
  finish(): void {
    if (this.#answering) this.#last = true;
    else this.close();
  }

  /** Closes after the next answer, or the one under way. */
  retire(): void {
    this.#last = true;
  }

  /** Closes at once; a second call does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#timer?.stop();
    this.#stream.close();
    this.#options.onClose();
  }

  /** Serves a request; returns whether there may be another. */
  async #serveOne(timeout: number): Promise<boolean> {
    const { limits, host } = this.#options;
    this.#limit(timeout);
    const onBegin = () => this.#limit(limits.headTimeout);
    const bytes = await this.#input.head({ onBegin });
    if (!bytes) return false;
    this.#timer?.stop();
    this.#answering = true;
    try {
      // The next request may be here already, and all of them after it.
      await this.#options.pace.turn();
      const head = parseHead(bytes, { host });
      return await this.#answer(head);
    } finally {
      this.#answering = false;
      this.#since = performance.now();
    }
  }

  async #answer(head: RequestHead): Promise<boolean> {
    const { method, url, headers, framing } = head;
    const completion = Promise.withResolvers<void>();
    completion.promise.catch(() => {});
    const write = this.#newWriter();
    const body = new HttpBody(this.#input, {
      framing,
      onWanted: async () => {
        if (head.expectsContinue) await write(CONTINUE);
      },
    });
    try {
      const request = { method, url, headers, body: body.ended ? null : body.stream };
      const response = await this.#options.handler(request, {
        completed: completion.promise,
        peer: this.#stream.remoteAddress,
      });
      const keepAlive = head.keepAlive && body.ended && !this.#last;
      const to = { head: method === "HEAD", old: head.old, keepAlive };
      const kept = await sendAnswer(response, { to, write, pace: this.#options.pace });
      completion.resolve();
      const last = !kept || this.#last;
      if (!body.ended || (last && this.#input.buffered > 0)) await this.#linger();
      return !last;
    } catch (error) {
      completion.reject(error);
      throw error;
    }
  }

  /** What writes an answer: its reader may be slow, but only so slow. */
  #newWriter(): (bytes: Uint8Array) => Promise<void> {
    const { readerPatience, readerRate } = this.#options.limits;
    let allowed = readerPatience;
    return async (bytes) => {
      while (bytes.length > 0) {
        const begin = performance.now();
        this.#limit(allowed);
        const number = await this.#await(() => this.#stream.write(bytes));
        this.#timer?.stop();
        allowed += number * 1000 / readerRate - (performance.now() - begin);
        allowed = Math.min(allowed, readerPatience);
        bytes = bytes.subarray(number);
      }
    };
  }

  async #refuse({ status, message }: BadRequest): Promise<void> {
    try {
      await this.#newWriter()(refusalBytes(status, message));
      await this.#linger();
    } catch {
      // It is gone.
    }
  }

  /** Reads what a client still sends: closing before would take the answer away from it. */
  async #linger(): Promise<void> {
    this.#limit(LINGER_MS);
    await this.#stream.closeWrite();
    await this.#input.discard(LINGER_BYTES);
  }

  /** Closes it after so long, unless there is another limit before. */
  #limit(ms: number): void {
    this.#timer?.stop();
    if (!this.#closed) this.#timer = after(Math.max(ms, 0), () => this.close());
  }

  /** Waits for the client. */
  async #await<T>(operation: () => Promise<T>): Promise<T> {
    this.#waiting = true;
    try {
      return await operation();
    } finally {
      this.#waiting = false;
    }
  }
}

const CONTINUE = new TextEncoder().encode("HTTP/1.1 100 Continue\r\n\r\n");
