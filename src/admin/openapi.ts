import project from "../../deno.json" with { type: "json" };
import { SESSIONS_LIMIT } from "../config/sessions_limit.ts";
import { SPAN_NAMES } from "../operations/history.ts";
import type { Schema } from "../operations/field.ts";
import { numberOf, ref, SCHEMAS } from "./schemas.ts";

const ID: Schema = { type: "string", pattern: "^\\d+\\.\\d+$" };

type Operation = Readonly<Record<string, unknown>>;

/** What every request can be answered with; `401` only where the token counts. */
const REFUSALS: Readonly<Record<string, string>> = {
  400: "malformed",
  401: "the token is missing or wrong",
  403:
    "Host or Origin is not allowed, the token may only look, or a program or bytes without a token",
  404: "there is no such thing",
  408: "the body did not arrive in time",
  409: "cannot be done now",
  413: "the body is too large",
  415: "the body is not declared as application/json",
  422: "a value is not allowed",
  500: "a defect; the log has the details",
  503: "too many streams",
};

/** The OpenAPI 3.1 document of the admin API. */
export function openApiDocument(): Record<string, unknown> {
  return {
    openapi: "3.1.0",
    info: {
      title: "iawlb admin API",
      version: project.version,
      description: "See what the load balancer is doing, and change it while it runs. Every GET " +
        "can be asked as HEAD. A method that a path does not have is answered with 405 and Allow.",
      license: { name: "MIT", identifier: "MIT" },
    },
    // The token is optional: without --admin-token-file and --admin-read-token-file none is asked for.
    security: [{}, { token: [] }],
    paths: PATHS,
    components: {
      schemas: SCHEMAS,
      securitySchemes: {
        token: {
          type: "http",
          scheme: "bearer",
          description: "the first line of the file that --admin-token-file names; " +
            "that of --admin-read-token-file may every GET",
        },
      },
    },
  };
}

const PATHS: Readonly<Record<string, Record<string, Operation>>> = {
  "/": {
    get: {
      ...operation("page", "The dashboard"),
      security: [{}],
      responses: { 200: content("HTML", "text/html", { type: "string" }), ...refusals(404) },
    },
  },
  "/healthz": {
    get: {
      ...operation("health", "Whether clients should be sent here"),
      security: [{}],
      responses: {
        200: answers("they should", "Health"),
        ...refusals(),
        503: answers("draining, or a listener has no destination up", "Health"),
      },
    },
  },
  "/whoami": {
    get: {
      ...operation("whoami", "Who is asking, and what they may"),
      responses: { 200: answers("who it is", "Whoami"), ...refusals(401) },
    },
  },
  "/status": {
    get: {
      ...operation("status", "What the program is doing, at most 200 ms old"),
      responses: { 200: answers("the status", "Status"), ...refusals(401) },
    },
  },
  "/sessions": {
    get: {
      ...operation("sessions", "The oldest live sessions"),
      parameters: [{
        name: "limit",
        in: "query",
        schema: { ...numberOf(SESSIONS_LIMIT), default: SESSIONS_LIMIT.default },
      }],
      responses: { 200: answers("the sessions", "Sessions"), ...refusals(401, 422) },
    },
  },
  "/sessions/{id}": {
    delete: {
      ...operation("endSession", "End a session at once"),
      parameters: [idOf("session")],
      responses: { 204: { description: "it has ended" }, ...refusals(401, 404, 409, 422) },
    },
  },
  "/bytes": {
    get: {
      ...operation("bytes", "Server-sent events: what chosen sessions carry, while it is open"),
      parameters: [
        queryOf("session", "an id; as often as there are", ID),
        queryOf("listener", "sessions, also those that come, of a listener: its number or name"),
        queryOf("destination", "those of a destination: its id or name"),
        queryOf("client", "those of a client: an address, a network, or unix"),
      ],
      responses: {
        200: content(
          'event "session": a session of which bytes follow; "bytes": direction, offset and bytes ' +
            '(base64); "end": a direction has ended; "over": why a session has; "lost": so much was ' +
            'left out; "done": nothing more comes. See the documentation of the admin API.',
          "text/event-stream",
          { type: "string" },
        ),
        ...refusals(401, 404, 422, 503),
      },
    },
  },
  "/history": {
    get: {
      ...operation("history", "What the program did in the last five minutes, or in a day"),
      parameters: [{
        name: "span",
        in: "query",
        schema: { enum: SPAN_NAMES, default: SPAN_NAMES[0] },
      }, {
        name: "listener",
        in: "query",
        description:
          "the number or the name of a listener; all of them if absent, of which a day " +
          "is told without destinations",
        schema: { type: "string" },
      }],
      responses: { 200: answers("the history", "History"), ...refusals(401, 404, 422) },
    },
  },
  "/config": {
    get: {
      ...operation("config", "What the program runs by: every option that is in force"),
      responses: { 200: answers("the configuration", "Config"), ...refusals(401) },
    },
  },
  "/metrics": {
    get: {
      ...operation("metrics", "Metrics for Prometheus, text format 0.0.4"),
      responses: {
        200: content("the metrics", "text/plain", { type: "string" }),
        ...refusals(401),
      },
    },
  },
  "/events": {
    get: {
      ...operation(
        "events",
        "Server-sent events: the history, what happens, and the status each second",
      ),
      responses: {
        200: content(
          'event "history", once: the History of all listeners; event "log": an object with time, ' +
            'level and message, the recent ones first; event "status": a Status whose ' +
            'destinations lack latencies; event "mark": a Mark. A reader that does not read ' +
            "misses statuses, and is cut in the end.",
          "text/event-stream",
          { type: "string" },
        ),
        ...refusals(401, 503),
      },
    },
  },
  "/openapi.json": {
    get: {
      ...operation("openapi", "This document"),
      responses: {
        200: content("the document", "application/json", { type: "object" }),
        ...refusals(401),
      },
    },
  },
  "/destinations": {
    post: {
      ...operation("addDestination", "Add a destination, or a name whose records are some"),
      requestBody: takes("NewDestination"),
      responses: { 201: answers("it is there", "Destination"), ...changeRefusals(404, 409) },
    },
  },
  "/destinations/{id}": {
    patch: {
      ...operation("changeDestination", "Change a destination, or all records of a name"),
      parameters: [idOf("destination")],
      requestBody: takes("DestinationChange"),
      responses: {
        200: answers("what it is like now", "Destination"),
        ...changeRefusals(404, 409),
      },
    },
    delete: {
      ...operation(
        "removeDestination",
        "Let a destination, or all records of a name, finish and be forgotten",
      ),
      parameters: [idOf("destination")],
      responses: { 202: answers("it is leaving", "Nothing"), ...refusals(401, 404, 409, 422) },
    },
  },
  "/drain": {
    post: {
      ...operation("drain", "Accept nothing more, finish all sessions, and end the program"),
      requestBody: takes("Nothing", { required: false }),
      responses: { 202: answers("it has begun", "Nothing"), ...changeRefusals(409) },
    },
  },
  "/reload": {
    post: {
      ...operation("reload", "Read the configuration again and apply what is different"),
      requestBody: takes("Nothing", { required: false }),
      responses: { 200: answers("what was different", "ReloadResult"), ...changeRefusals(409) },
    },
  },
};

function operation(operationId: string, summary: string): Operation {
  return { operationId, summary };
}

function queryOf(
  name: string,
  description: string,
  schema: Schema = { type: "string" },
): Operation {
  return { name, in: "query", description, schema };
}

function idOf(what: string): Operation {
  return {
    name: "id",
    in: "path",
    required: true,
    description: `the id of the ${what}: two numbers with a dot`,
    schema: ID,
  };
}

function takes(name: keyof typeof SCHEMAS, options = { required: true }): Operation {
  return { ...options, content: { "application/json": { schema: ref(name) } } };
}

function answers(description: string, name: keyof typeof SCHEMAS): Operation {
  return content(description, "application/json", ref(name));
}

function content(description: string, type: string, schema: Schema): Operation {
  return { description, content: { [type]: { schema } } };
}

/** The answers to requests that are not served: those that all can have, and these. */
function refusals(...statuses: number[]): Record<string, Operation> {
  const all = [400, 403, 500, ...statuses];
  return Object.fromEntries(all.map((status) => [status, answers(REFUSALS[status]!, "Error")]));
}

/** The same for requests with a body. */
function changeRefusals(...statuses: number[]): Record<string, Operation> {
  return refusals(401, 408, 413, 415, 422, ...statuses);
}
