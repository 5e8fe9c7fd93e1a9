import { Pace } from "../async/pace.ts";
import { sleep } from "../base/timer.ts";
import type { ServiceSettings } from "../config/options/service.ts";
import { HttpConnection, type HttpRequest } from "../net/http/connection.ts";
import { pipe } from "../net/pipe.ts";
import type { Service } from "./service.ts";

/** How long clients may take, as those of the admin API; times in milliseconds. */
const LIMITS = {
  headTimeout: 10_000,
  idleTimeout: 75_000,
  readerPatience: 10_000,
  readerRate: 4096,
};

/** What a body of so many bytes is made of, again and again. */
const LINE = "The quick brown fox jumps over the lazy dog, and the queue is fair. ---\n";
const FILLING = new TextEncoder().encode(LINE.repeat(900));

/** What stands for the kind of a file, by the end of its name; anything else is text. */
const KINDS: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  htm: "text/html; charset=utf-8",
  json: "application/json",
  xml: "application/xml",
  svg: "image/svg+xml",
};

/** Options of {@linkcode http}. */
export interface HttpServiceOptions {
  /** What it is called in the line that greets. */
  name(): string;
  settings(): ServiceSettings;
}

/** Answers every request over HTTP, as its settings say. */
export function http(options: HttpServiceOptions): Service {
  const connections = new Set<HttpConnection>();
  const pace = Pace.none();
  let answered = 0;
  let finishing = false;

  /** @param left Aborted when the client has left. */
  async function answer({ method }: HttpRequest, left: AbortSignal): Promise<Response> {
    const { delay, jitter, fail } = options.settings();
    const wait = delay + Math.random() * jitter;
    if (wait > 0) await sleep(wait, { signal: left });
    if (fail.kind === "share" && Math.random() < fail.share) {
      throw new Error("this one fails on purpose");
    }
    return makeAnswer(method);
  }

  function makeAnswer(method: string): Response {
    const { status, size, body } = options.settings();
    const headers = new Headers({ "content-type": kindOf(body.path) });
    // These have none, whatever was asked for.
    if ([204, 205, 304].includes(status)) return new Response(null, { status, headers });
    const bytes = body.path !== ""
      ? body.bytes
      : new TextEncoder().encode(`Hello from ${options.name()}, answer ${++answered}\n`);
    const length = size > 0 ? size : bytes.length;
    headers.set("content-length", String(length));
    if (status === 503) headers.set("retry-after", "5");
    const content = method === "HEAD" ? null : size > 0 ? filling(size) : bytes;
    return new Response(content, { status, headers });
  }

  return {
    connect() {
      const leaving = new AbortController();
      const { near, far } = pipe({
        onNearClose() {
          leaving.abort();
          connection.close();
        },
      });
      let requests = 0;
      const connection: HttpConnection = new HttpConnection(far, {
        pace,
        limits: LIMITS,
        host: "localhost",
        async handler(request) {
          const response = await answer(request, leaving.signal);
          const { requests: most } = options.settings();
          if (finishing || (most > 0 && ++requests >= most)) {
            response.headers.set("connection", "close");
          }
          return response;
        },
        onClose: () => connections.delete(connection),
      });
      connections.add(connection);
      void connection.serve();
      return near;
    },
    finish(now) {
      finishing = now;
      if (now) { for (const connection of connections) connection.finish(); }
    },
  };
}

/** A body of so many bytes, made as it is read. */
function filling(size: number): ReadableStream<Uint8Array<ArrayBuffer>> {
  let left = size;
  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      const number = Math.min(left, FILLING.length);
      left -= number;
      controller.enqueue(FILLING.subarray(0, number));
      if (left === 0) controller.close();
    },
  }, { highWaterMark: 0 });
}

function kindOf(path: string): string {
  return KINDS[path.split(".").at(-1)!.toLowerCase()] ?? "text/plain; charset=utf-8";
}
