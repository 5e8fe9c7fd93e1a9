import { messageOf, UsageError } from "../base/errors.ts";
import { OperationError, type Operations, type Status } from "../operations/operations.ts";
import { answer, HttpError, invalid, json, JSON_TYPE } from "./responses.ts";
import type { Caller, May, Whoami } from "./caller.ts";
import { readJson } from "./request_body.ts";
import type { ByteStreams } from "./byte_streams.ts";
import { readInspection, wordsOf } from "./inspection_request.ts";
import type { EventStreams } from "./event_streams.ts";
import { EXPOSITION_TYPE } from "../telemetry/exposition.ts";
import { isProgram, readChange, readNewDestination, readNothing } from "./request_fields.ts";
import { readHistoryQuery, readParameters } from "./request_query.ts";
import { SESSIONS_LIMIT } from "../config/sessions_limit.ts";
import type { Limits } from "./limits.ts";
import { bodyOf, lengthOf, type LongText } from "./long_text.ts";
import { openApiDocument } from "./openapi.ts";
import type { Page } from "./dashboard/bundle.ts";
import type { Sheets } from "./sheets.ts";
import type { StatusCache } from "./status_cache.ts";
import type { HttpRequest } from "../net/http/connection.ts";

/** What the handlers work with. */
export interface HandlerContext {
  operations: Operations;
  snapshots: StatusCache;
  sheets: Sheets;
  streams: EventStreams;
  byteStreams: ByteStreams;
  page: Page | undefined;
  limits: Limits;
}

/** One request that has passed the guard. */
export interface ApiRequest {
  request: HttpRequest;
  query: URLSearchParams;
  /** What stands for `{id}` in the path; empty if it has none. */
  id: string;
  /** Who asks. */
  caller: Caller;
  /** Settles when the answer has ended. */
  completed: Promise<void>;
}

/** One thing that can be asked for. */
export interface Route {
  method: "GET" | "POST" | "PATCH" | "DELETE";
  /** As in the OpenAPI document; `{id}` stands for two numbers. */
  path: string;
  /** What those who ask must be allowed to; a GET needs `read` unless it says otherwise. */
  needs?: May;
  handle(call: ApiRequest, desk: HandlerContext): Response | Promise<Response>;
}

/** Everything that can be asked for. */
export const ROUTES: readonly Route[] = [
  { method: "GET", path: "/", handle: (_, { page }) => showPage(page) },
  { method: "GET", path: "/healthz", handle: (_, desk) => health(desk) },
  { method: "GET", path: "/whoami", handle: ({ caller }) => whoami(caller) },
  {
    method: "GET",
    path: "/status",
    handle: async (_, { snapshots, sheets }) => {
      const text = await sheets.status(await snapshots.status());
      return longAnswer(text, JSON_TYPE);
    },
  },
  { method: "GET", path: "/sessions", handle: sessions },
  { method: "GET", path: "/bytes", needs: "everything", handle: bytes },
  { method: "DELETE", path: "/sessions/{id}", handle: endSession },
  { method: "GET", path: "/history", handle: history },
  {
    method: "GET",
    path: "/config",
    handle: async (_, { snapshots, sheets }) => {
      return answer(sheets.json(await snapshots.config()), { type: JSON_TYPE });
    },
  },
  { method: "GET", path: "/metrics", handle: (_, desk) => metrics(desk) },
  { method: "GET", path: "/events", handle: events },
  { method: "GET", path: "/openapi.json", handle: () => json(openApiDocument()) },
  { method: "POST", path: "/destinations", handle: addDestination },
  { method: "PATCH", path: "/destinations/{id}", handle: changeDestination },
  { method: "DELETE", path: "/destinations/{id}", handle: removeDestination },
  { method: "POST", path: "/drain", handle: drain },
  { method: "POST", path: "/reload", handle: reload },
];

function longAnswer(text: LongText, type: string): Response {
  return answer(bodyOf(text), { type, headers: { "content-length": String(lengthOf(text)) } });
}

function showPage(page: Page | undefined): Response {
  if (!page) throw new HttpError(404, "there is no page here; see /openapi.json");
  return answer(page.body, {
    type: "text/html; charset=utf-8",
    headers: { "content-security-policy": page.contentSecurityPolicy },
  });
}

function whoami({ name, may, token }: Whoami): Response {
  return json({ name, may, token });
}

async function health({ snapshots }: HandlerContext): Promise<Response> {
  const trouble = troubleOf(await snapshots.status());
  return trouble === undefined ? json({ status: "ok" }) : json({ status: trouble }, 503);
}

/** Why no more clients should be sent here, if so. */
function troubleOf({ state, listeners }: Status): string | undefined {
  if (state === "draining") return "draining";
  const running = listeners.filter((listener) => listener.state === "running");
  const served = running.every((listener) =>
    listener.destinations.some((d) => d.state === "up" && d.weight > 0)
  );
  return served && running.length > 0 ? undefined : "no destination up";
}

async function sessions(
  { query }: ApiRequest,
  { snapshots, sheets }: HandlerContext,
): Promise<Response> {
  const limit = readLimit(query);
  const [list, { listeners }] = await Promise.all([snapshots.sessions(limit), snapshots.status()]);
  const counted = listeners.reduce((sum, { greeting, waiting, active }) => {
    return sum + greeting + waiting + active;
  }, 0);
  // The two are not from the same moment.
  const answered = { sessions: list, total: Math.max(counted, list.length) };
  return answer(sheets.json(answered), { type: JSON_TYPE });
}

async function history(
  { query }: ApiRequest,
  { operations, sheets }: HandlerContext,
): Promise<Response> {
  const wanted = readHistoryQuery(query);
  const found = await told(Promise.try(() => operations.history(wanted)));
  return answer(sheets.json(found), { type: JSON_TYPE });
}

function readLimit(query: URLSearchParams): number {
  const { limit: text } = readParameters(query, ["limit"]);
  if (text === undefined) return SESSIONS_LIMIT.default;
  const limit = SESSIONS_LIMIT.parse(text);
  if (limit !== undefined) return limit;
  throw invalid([`limit ${JSON.stringify(text)}: must be ${SESSIONS_LIMIT.allowed}`]);
}

async function endSession(
  { id, caller: { by } }: ApiRequest,
  { operations, snapshots }: HandlerContext,
): Promise<Response> {
  await asked(operations.endSession(id, { by }), snapshots);
  return answer(null, { status: 204 });
}

async function metrics({ snapshots, sheets }: HandlerContext): Promise<Response> {
  return longAnswer(await sheets.metrics(await snapshots.status()), EXPOSITION_TYPE);
}

function events({ request, completed }: ApiRequest, { streams }: HandlerContext): Response {
  if (request.method === "HEAD") return answer(null, { type: "text/event-stream; charset=utf-8" });
  return streams.answer(completed);
}

async function bytes(
  { request, query, completed, caller: { by, token } }: ApiRequest,
  { operations, byteStreams }: HandlerContext,
): Promise<Response> {
  if (!token) {
    throw new HttpError(
      403,
      "what sessions carry is shown only with a token: start iawlb with --admin-token-file FILE, " +
        "and give ctl --token-file FILE",
    );
  }
  const wish = readInspection(query);
  if (request.method === "HEAD") return answer(null, { type: "text/event-stream; charset=utf-8" });
  const begin = () => told(operations.inspect(wish));
  return await byteStreams.answer(begin, { what: wordsOf(wish), by, completed });
}

async function addDestination(
  { request, caller: { by, token } }: ApiRequest,
  { operations, snapshots, limits }: HandlerContext,
): Promise<Response> {
  const destination = readNewDestination(await readJson(request, { timeout: limits.bodyTimeout }));
  if (isProgram(destination) && !token) {
    throw new HttpError(
      403,
      "a program can be added only with a token: whoever reaches this address could run anything; " +
        "give --admin-token-file, or add it to the configuration",
    );
  }
  return json(await asked(operations.addDestination(destination, { by }), snapshots), 201);
}

async function changeDestination(
  { request, id, caller: { by } }: ApiRequest,
  { operations, snapshots, limits }: HandlerContext,
): Promise<Response> {
  const change = readChange(await readJson(request, { timeout: limits.bodyTimeout }));
  return json(await asked(operations.changeDestination(id, change, { by }), snapshots));
}

async function removeDestination(
  { id, caller: { by } }: ApiRequest,
  { operations, snapshots }: HandlerContext,
): Promise<Response> {
  await asked(operations.removeDestination(id, { by }), snapshots);
  return json({}, 202);
}

async function drain(
  { request, caller: { by } }: ApiRequest,
  { operations, snapshots, limits }: HandlerContext,
): Promise<Response> {
  readNothing(await readJson(request, { timeout: limits.bodyTimeout }));
  await asked(Promise.try(() => operations.beginDrain({ by })), snapshots);
  return json({}, 202);
}

async function reload(
  { request, caller: { by } }: ApiRequest,
  { operations, snapshots, limits }: HandlerContext,
): Promise<Response> {
  readNothing(await readJson(request, { timeout: limits.bodyTimeout }));
  try {
    return json(await asked(operations.reload({ by }), snapshots));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const errors = messageOf(error).split("\n");
    const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
    throw new HttpError(422, `${errors[0]}${more}`, { errors });
  }
}

const STATUS_OF = { missing: 404, invalid: 422, conflict: 409 } as const;

/** What an operation came to; whoever looks next sees it. */
async function asked<T>(operation: Promise<T>, snapshots: StatusCache): Promise<T> {
  try {
    return await told(operation);
  } finally {
    snapshots.forget();
  }
}

/** What was asked for, or why it is not told. */
async function told<T>(operation: Promise<T>): Promise<T> {
  try {
    return await operation;
  } catch (error) {
    if (!(error instanceof OperationError)) throw error;
    throw new HttpError(STATUS_OF[error.kind], error.message);
  }
}
