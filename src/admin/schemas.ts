import { ADDRESS_FORMS } from "../net/address.ts";
import { DESTINATION_OPTIONS } from "../config/destination_options.ts";
import { LOWEST_BUCKET, PER_DOUBLING } from "../operations/fine_counts.ts";
import { BUCKETS_S } from "../operations/histogram.ts";
import type { Option } from "../config/option.ts";
import { END_REASONS } from "../operations/end_reasons.ts";

/** A JSON Schema, draft 2020-12. */
export type Schema = Readonly<Record<string, unknown>>;

/** A reference to one of {@linkcode SCHEMAS}, by its name. */
export function ref(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` };
}

const text: Schema = { type: "string" };
const flag: Schema = { type: "boolean" };
const counter: Schema = { type: "integer", minimum: 0 };
const amount: Schema = { type: "number", minimum: 0 };
const nullable = { text: { type: ["string", "null"] }, place: { type: ["integer", "null"] } };
const time: Schema = { type: "string", format: "date-time" };
const id: Schema = { type: "string", pattern: "^\\d+\\.\\d+$" };
const destinationValues = {
  workers: numberOf(DESTINATION_OPTIONS.workers),
  weight: numberOf(DESTINATION_OPTIONS.weight),
  backup: said(flag, DESTINATION_OPTIONS.backup.help),
  check: said({ type: "string", maxLength: 16384 }, DESTINATION_OPTIONS.check.help),
};
const adminState: Schema = { enum: ["ready", "drain", "maint"] };

function said(schema: Schema, description: string): Schema {
  return { ...schema, description };
}

function list(items: Schema): Schema {
  return { type: "array", items };
}

/** The integers that an option may be. */
export function numberOf({ help, notation }: Option<number>): Schema {
  const [minimum, maximum] = notation!.integers!;
  return { type: "integer", minimum, maximum, description: help };
}

/** An object that has all these members, and no others. */
function object(properties: Readonly<Record<string, Schema>>): Schema {
  return {
    type: "object",
    properties,
    required: Object.keys(properties),
    additionalProperties: false,
  };
}

/** An object that may have these members. */
function optional(properties: Readonly<Record<string, Schema>>, required: string[] = []): Schema {
  return { type: "object", properties, required, additionalProperties: false };
}

const bytes = {
  bytes_up: said(counter, "bytes from clients to destinations"),
  bytes_down: said(counter, "bytes from destinations to clients"),
};

/** All that goes to and fro, by name. */
export const SCHEMAS = {
  Error: optional({
    error: said(text, "one line"),
    errors: said(list(text), "all errors, a line each, where there can be several"),
  }, ["error"]),
  Health: object({ status: { enum: ["ok", "draining", "no destination up"] } }),
  Histogram: object({
    counts: {
      ...list(counter),
      description: `values per bucket, not cumulative: up to ${BUCKETS_S.join(", ")} s, the rest`,
    },
    count: counter,
    sum: said(amount, "seconds"),
    fine: {
      ...list({ type: "integer" }),
      description:
        `the same values in buckets for quantiles, without the empty ones: bucket, values ` +
        `in it, bucket, values in it, and so on; bucket i has those from 2^(i/${PER_DOUBLING}) to ` +
        `2^((i+1)/${PER_DOUBLING}) ms, the lowest, ${LOWEST_BUCKET}, also those below`,
    },
  }),
  Latencies: object({
    queue: ref("Histogram"),
    connect: ref("Histogram"),
    session: ref("Histogram"),
  }),
  Destination: object({
    id,
    name: said(text, "its address as configured"),
    state: { enum: ["untried", "up", "suspect", "down", "drain", "maint"] },
    admin: adminState,
    leaving: said(flag, "whether it was removed and only finishes its sessions"),
    limit: said(counter, "most concurrent sessions"),
    weight: counter,
    backup: flag,
    check: said(text, "how it is checked, as the option is written"),
    workers: said(counter, "workers that exist"),
    active: said(counter, "sessions that it serves"),
    sessions: said(counter, "sessions that were connected to it"),
    failures: said(counter, "connects, probes and checks that failed"),
    lookup_failures: said(counter, "look-ups of its name that failed"),
    ...bytes,
    latencies: ref("Latencies"),
  }),
  Listener: object({
    id: counter,
    name: said(text, "its address as configured"),
    address: said(
      text,
      "what is really bound; several addresses are separated by a comma and a blank",
    ),
    state: { enum: ["running", "draining"] },
    accepted: said(counter, "sessions accepted, refused ones included"),
    waiting: said(counter, "sessions in the line"),
    oldest_waiting_ms: said(amount, "age of the session that has waited longest"),
    queue: said(counter, "most sessions that wait"),
    active: said(counter, "sessions that have a worker"),
    ...bytes,
    ended: {
      type: "object",
      description: "ended sessions by reason",
      propertyNames: { enum: Object.keys(END_REASONS) },
      additionalProperties: counter,
    },
    latencies: ref("Latencies"),
    destinations: list(ref("Destination")),
  }),
  Status: object({
    version: text,
    pid: counter,
    time,
    uptime_ms: amount,
    state: { enum: ["running", "draining"] },
    log_lines_lost: said(
      object({ access: counter, log: counter }),
      "lines of the access log, and of the log itself, that could not be written",
    ),
    listeners: list(ref("Listener")),
    departed: said(
      list(ref("Listener")),
      "what listeners had counted that are gone, for each name that is there again",
    ),
  }),
  Session: object({
    id,
    listener: text,
    client: text,
    destination: said(nullable.text, "of the latest connect"),
    stage: { enum: ["waiting", "connecting", "relaying"] },
    place: said(nullable.place, "its place in the line, 1 is next; null if it does not wait"),
    age_ms: amount,
    ...bytes,
    attempts: said(counter, "connects begun"),
  }),
  Sessions: object({
    sessions: said(list(ref("Session")), "oldest first"),
    total: said(counter, "waiting and active ones of all listeners"),
  }),
  NewDestination: optional({
    listener: said(text, "number or name of the listener; may be left out if there is only one"),
    address: said({ type: "string", minLength: 1, maxLength: 300 }, ADDRESS_FORMS),
    ...destinationValues,
  }, ["address"]),
  DestinationChange: {
    ...optional({ state: adminState, ...destinationValues }),
    minProperties: 1,
  },
  ReloadResult: object({
    changes: said(list(text), "a sentence for each difference that was applied"),
    needs_restart: said(list(text), "keys whose new value counts only after a restart"),
  }),
  Nothing: { type: "object", additionalProperties: false },
} satisfies Record<string, Schema>;
