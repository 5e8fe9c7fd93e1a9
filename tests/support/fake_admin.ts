import type { LogEvent, Status } from "../../src/operations/operations.ts";
import { statusOf } from "./statuses.ts";

/** One request that the fake got. */
export interface Received {
  request: string;
  authorization: string | null;
  type: string | null;
  body: unknown;
}

/** An admin API that answers what a test wants, after the contract of the real one. */
export class FakeAdmin implements AsyncDisposable {
  /** As the operator gives it. */
  readonly address: string;
  readonly received: Received[] = [];
  status: Status = statusOf({});
  /** What was logged before, instead of one line that has nothing but a message. */
  past: readonly LogEvent[] = [];
  /** Wanted from everybody, if it is set. */
  token: string | undefined;
  /** Answers instead of the fake's own, by method and path. */
  readonly answers = new Map<string, () => Response>();
  readonly #server: Deno.HttpServer;
  readonly #streams = new Set<ReadableStreamDefaultController<Uint8Array>>();

  constructor(options: { path?: string; hostname?: string; port?: number } = {}) {
    const { path, hostname = "127.0.0.1", port = 0 } = options;
    const handler = (request: Request) => this.#answer(request);
    const onListen = () => {};
    if (path) {
      this.#server = Deno.serve({ path, onListen }, handler);
      this.address = `unix:${path}`;
    } else {
      const server = Deno.serve({ hostname, port, onListen }, handler);
      this.#server = server;
      const { port: bound } = server.addr;
      this.address = hostname.includes(":") ? `[${hostname}]:${bound}` : `${hostname}:${bound}`;
    }
  }

  /** Requests by method and path. */
  get requests(): string[] {
    return this.received.map(({ request }) => request);
  }

  /** Streams of events that are open. */
  get streams(): number {
    return this.#streams.size;
  }

  /** The second of a beat: the new status for everybody who follows. */
  tell(status: Status): void {
    this.status = status;
    for (const stream of this.#streams) stream.enqueue(statusEvent(status));
  }

  /** Something is logged. */
  log(event: LogEvent): void {
    for (const stream of this.#streams) stream.enqueue(logEvent(event));
  }

  endStreams(): void {
    for (const stream of this.#streams) stream.close();
    this.#streams.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.endStreams();
    await this.#server.shutdown();
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname, search } = new URL(request.url.replace(/^http\+unix/, "http"));
    const name = `${request.method} ${pathname}${search}`;
    const text = await request.text();
    const authorization = request.headers.get("authorization");
    this.received.push({
      request: name,
      authorization,
      type: request.headers.get("content-type"),
      body: text === "" ? undefined : JSON.parse(text),
    });
    if (this.token && authorization !== `Bearer ${this.token}`) {
      return Response.json({ error: "the token is missing or wrong" }, { status: 401 });
    }
    const wanted = this.answers.get(name);
    if (wanted) return wanted();
    if (name === "GET /status") return Response.json(this.status);
    if (name === "GET /events") return this.#events();
    return Response.json({ error: `${name} is not there` }, { status: 404 });
  }

  #events(): Response {
    let own: ReadableStreamDefaultController<Uint8Array>;
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => {
        own = controller;
        this.#streams.add(own);
        const past = this.past.length > 0 ? this.past : [{ message: "started" }];
        for (const event of past) own.enqueue(logEvent(event));
        own.enqueue(statusEvent(this.status));
      },
      cancel: () => void this.#streams.delete(own),
    });
    return new Response(stream, { headers: { "content-type": "text/event-stream" } });
  }
}

function logEvent(event: Partial<LogEvent>): Uint8Array {
  return encode(`event: log\ndata: ${JSON.stringify(event)}\n\n`);
}

function statusEvent(status: Status): Uint8Array {
  return encode(`event: status\ndata: ${JSON.stringify(status)}\n\n`);
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
