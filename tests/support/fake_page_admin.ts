import { loadPage } from "../../src/admin/dashboard/bundle.ts";
import type { Whoami } from "../../src/admin/caller.ts";
import type { LogEvent, SessionInfo, Status } from "../../src/operations/operations.ts";
import type { History, Span } from "../../src/operations/history.ts";
import type { DestinationStatus } from "../../src/operations/destination_status.ts";
import type { ListenerStatus } from "../../src/operations/listener_status.ts";
import { configInForceOf } from "./config_in_force.ts";
import { freePort } from "./servers.ts";
import { destinationOf, listenerOf, statusOf } from "./statuses.ts";

/** A change that was asked for. */
export interface Change {
  method: string;
  path: string;
  body: unknown;
}

/** A program with the admin API, whose state a test writes: it serves nothing but the page and that. */
export class FakeAdmin implements AsyncDisposable {
  /** What the page is told; `tell` sends it. */
  status: Status;
  readonly events: LogEvent[] = [];
  sessions: SessionInfo[] = [];
  /** Changes that were asked for, in order. */
  readonly changes: Change[] = [];
  /** What requests must bring, if not undefined. */
  token: string | undefined;
  /** What `GET /whoami` answers. */
  whoami: Whoami = { name: "operator", may: "everything", token: false };
  /** Statuses that a new stream begins with, in place of the current one alone. */
  past: Status[] = [];
  /** What was before, which a new stream begins with, and what is answered of a day. */
  histories: Partial<Record<Span, History>> = {};
  readonly port: number;
  readonly #streams = new Set<ReadableStreamDefaultController<Uint8Array>>();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #page = loadPage();

  constructor(status: Status, options: { port?: number; token?: string } = {}) {
    this.status = status;
    this.token = options.token;
    this.#server = Deno.serve({
      hostname: "127.0.0.1",
      port: options.port ?? freePort(),
      onListen: () => {},
    }, (request) => this.#answer(request));
    this.port = this.#server.addr.port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Whether a page follows. */
  get followed(): boolean {
    return this.#streams.size > 0;
  }

  /** Lets a second pass and sends the status to every page. */
  tell(): void {
    this.status.uptime_ms += 1000;
    this.#send("status", this.status);
  }

  log(message: string, level = "info"): void {
    const event = { time: new Date().toISOString(), level, message };
    this.events.push(event);
    this.#send("log", event);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const stream of this.#streams) stream.close();
    this.#streams.clear();
    await this.#server.shutdown();
  }

  #send(event: string, data: unknown): void {
    for (const stream of this.#streams) stream.enqueue(encode(event, data));
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/") {
      const { body, contentSecurityPolicy } = await this.#page;
      return new Response(body, {
        headers: {
          "content-type": "text/html; charset=utf-8",
          "content-security-policy": contentSecurityPolicy,
        },
      });
    }
    if (this.token && request.headers.get("authorization") !== `Bearer ${this.token}`) {
      return Response.json({ error: "the token is missing or wrong" }, { status: 401 });
    }
    if (request.method !== "GET") return await this.#change(request, pathname);
    if (pathname === "/sessions") {
      return Response.json({ sessions: this.sessions, total: this.sessions.length });
    }
    if (pathname === "/whoami") return Response.json(this.whoami);
    if (pathname === "/config") return Response.json(configInForceOf(this.status.listeners));
    if (pathname === "/events") return this.#follow();
    const history = this.histories[searchParams.get("span") as Span];
    if (pathname === "/history" && history) return Response.json(history);
    return Response.json({ error: "no such path" }, { status: 404 });
  }

  #follow(): Response {
    let own: ReadableStreamDefaultController<Uint8Array>;
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => {
        own = controller;
        if (this.histories["5m"]) controller.enqueue(encode("history", this.histories["5m"]));
        for (const event of this.events) controller.enqueue(encode("log", event));
        for (const status of [...this.past, this.status]) {
          controller.enqueue(encode("status", status));
        }
        this.#streams.add(controller);
      },
      cancel: () => {
        this.#streams.delete(own);
      },
    });
    return new Response(stream, { headers: { "content-type": "text/event-stream" } });
  }

  async #change(request: Request, path: string): Promise<Response> {
    const { method } = request;
    const wantsJson = method === "POST" || method === "PATCH";
    if (wantsJson && request.headers.get("content-type") !== "application/json") {
      return Response.json({ error: "content-type must be application/json" }, { status: 415 });
    }
    const text = await request.text();
    const body = text === "" ? undefined : JSON.parse(text);
    this.changes.push({ method, path, body });
    if (path === "/drain") {
      this.status.state = "draining";
      return Response.json({}, { status: 202 });
    }
    if (path === "/reload") {
      return Response.json({
        error: "the configuration is not allowed",
        errors: ["iawlb.toml:3: worker: unknown key; did you mean workers?"],
      }, { status: 422 });
    }
    if (path.startsWith("/sessions/")) {
      this.sessions = this.sessions.filter(({ id }) => `/sessions/${id}` !== path);
      return new Response(null, { status: 204 });
    }
    const all = this.status.listeners.flatMap(({ destinations }) => destinations);
    if (method === "POST") {
      const listener = this.status.listeners[Number(body.listener)]!;
      const id = `${listener.id}.${listener.destinations.length + 1}`;
      const added = destination(id, { name: body.address, limit: Number(body.workers) || 8 });
      listener.destinations.push(added);
      return Response.json(added, { status: 201 });
    }
    const found = all.find(({ id }) => path === `/destinations/${id}`);
    if (!found) return Response.json({ error: "no such destination" }, { status: 404 });
    if (method === "DELETE") {
      found.leaving = true;
      return Response.json({}, { status: 202 });
    }
    found.admin = body.state;
    found.state = body.state === "ready" ? "up" : body.state;
    return Response.json(found);
  }
}

function encode(event: string, data: unknown): Uint8Array {
  return new TextEncoder().encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}

/** A destination that is up and has done nothing. */
export function destination(
  id: string,
  options: Partial<DestinationStatus> = {},
): DestinationStatus {
  return destinationOf({ id, name: `10.0.0.${id.split(".")[1]}:9000`, limit: 8, ...options });
}

/** A listener that has done nothing, with three destinations. */
export function listener(id: number, options: Partial<ListenerStatus> = {}): ListenerStatus {
  return listenerOf({
    id,
    name: String(8080 + id),
    address: `[::]:${8080 + id}`,
    destinations: [1, 2, 3].map((number) => destination(`${id}.${number}`)),
    ...options,
  });
}

/** The status of a program that has just started. */
export function status(listeners: ListenerStatus[]): Status {
  return statusOf({ pid: 4711, time: new Date().toISOString(), uptime_ms: 1000, listeners });
}
