import { CONFIG_SCHEMA, ENTRY_SCHEMA } from "../operations/config_in_force.ts";
import { DESTINATION_FIELDS } from "../operations/destination_status.ts";
import { objectSchema, type Schema, schemaOf } from "../operations/field.ts";
import { FORECAST_SCHEMA } from "../operations/forecast.ts";
import { eachDuration, HISTOGRAM_SCHEMA } from "../operations/latencies.ts";
import { LISTENER_FIELDS } from "../operations/listener_status.ts";
import { CHILD_SCHEMA } from "../operations/child_status.ts";
import { CERTIFICATE_SCHEMA } from "../operations/tls_status.ts";
import { ROUTE_SCHEMA } from "../operations/route_status.ts";
import { NAME_SCHEMA } from "../operations/name_status.ts";
import { ADMIN_STATES, LISTENER_STATES } from "../operations/states.ts";
import { PLACE_FORMS } from "../net/address.ts";
import { historySchema, MARK_SCHEMA } from "../operations/history.ts";
import { RECORDS_FORMS } from "../net/records_name.ts";
import {
  destinationOptionNames,
  fieldOfDestinationOption,
  isMark,
  writtenOption,
  type WrittenOptionName,
} from "../config/options/destination.ts";
import { EXEC_FORMS } from "../config/exec_address.ts";
import { execOptionNames } from "../config/options/exec.ts";
import { remoteServiceOptionNames } from "../config/options/service.ts";
import { SERVICE_FORMS } from "../config/service_address.ts";
import { NUMBER_PATTERN, type Option } from "../config/option.ts";

/** A reference to one of {@linkcode SCHEMAS}, by its name. */
export function ref(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` };
}

const text: Schema = { type: "string" };
const counter: Schema = { type: "integer", minimum: 0 };
const amount: Schema = { type: "number", minimum: 0 };
const nullable = { text: { type: ["string", "null"] }, place: { type: ["integer", "null"] } };
const time: Schema = { type: "string", format: "date-time" };
const id: Schema = { type: "string", pattern: "^\\d+\\.\\d+$" };
const destinationValues = valuesOf(destinationOptionNames());
const adminState: Schema = { enum: ADMIN_STATES };

function said(schema: Schema, description: string): Schema {
  return { ...schema, description };
}

function list(items: Schema): Schema {
  return { type: "array", items };
}

function valuesOf(names: readonly WrittenOptionName[]): Readonly<Record<string, Schema>> {
  return Object.fromEntries(names.map((name) => [fieldOfDestinationOption(name), valueOf(name)]));
}

/** The value of an option of a destination. */
function valueOf(name: WrittenOptionName): Schema {
  const option = writtenOption(name);
  if (isMark(name)) {
    if (!option.notation?.integers) return { type: "boolean", description: option.help };
    return { ...numberOf(option), type: ["boolean", "integer"] };
  }
  const words = { type: "string", maxLength: 16384 };
  if (!option.notation?.integers) return said(words, option.help);
  const { description, ...number } = numberOf(option);
  const { pattern, words: others } = option.notation;
  return others || pattern !== NUMBER_PATTERN
    ? { anyOf: [number, words], description }
    : numberOf(option);
}

/** The integers that an option may be. */
export function numberOf({ help, notation }: Option<unknown>): Schema {
  const [minimum, maximum] = notation!.integers!;
  return { type: "integer", minimum, maximum, description: help };
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
  Health: objectSchema({ status: { enum: ["ok", "draining", "no destination up"] } }),
  Whoami: objectSchema({
    name: said(
      text,
      "operator or reader, by the token; without one socket file or loopback, by the address",
    ),
    may: said({ enum: ["everything", "read"] }, "everything, or only look"),
    token: said({ type: "boolean" }, "whether a token was shown"),
  }),
  Histogram: HISTOGRAM_SCHEMA,
  Latencies: objectSchema(eachDuration(() => ref("Histogram"))),
  Forecast: FORECAST_SCHEMA,
  Child: CHILD_SCHEMA,
  Certificate: CERTIFICATE_SCHEMA,
  Name: NAME_SCHEMA,
  Route: ROUTE_SCHEMA,
  Destination: schemaOf(DESTINATION_FIELDS),
  Listener: schemaOf(LISTENER_FIELDS),
  Status: objectSchema({
    version: text,
    pid: counter,
    generation: said(
      { type: "integer", minimum: 1 },
      "how many processes have served in this place, each replacing the one before",
    ),
    time,
    uptime_ms: amount,
    state: { enum: LISTENER_STATES },
    log_lines_lost: said(
      objectSchema({ access: counter, log: counter }),
      "lines of the access log, and of the log itself, that could not be written",
    ),
    listeners: list(ref("Listener")),
    departed: said(
      list(ref("Listener")),
      "what listeners had counted that are gone, for each name that is there again",
    ),
  }),
  Session: optional({
    id,
    listener: text,
    client: said(text, "its connection's peer, or whom that has named in a PROXY header"),
    peer: said(text, "the peer of its connection"),
    server_name: said(
      nullable.text,
      "the server that the client asks for in its hello of TLS, if that is read",
    ),
    destination: said(nullable.text, "of the latest connect"),
    stage: { enum: ["greeting", "waiting", "connecting", "relaying"] },
    place: said(
      nullable.place,
      "its place in the queue by arrival, 1 has waited longest; null if it does not wait",
    ),
    age_ms: amount,
    ...bytes,
    attempts: said(counter, "connects begun"),
    tls_version: said(text, "of TLS with its client, as 1.3; only of a session with TLS"),
    alpn: said(
      text,
      "what was agreed on over TLS, empty if nothing was; only of a session with TLS",
    ),
    tls_client: said(text, "subject of the client's certificate; only if it had to show one"),
    datagrams_up: said(counter, "datagrams of the client; only of a session of UDP"),
    datagrams_down: said(counter, "datagrams of the destination; only of a session of UDP"),
  }, [
    ...[
      "id",
      "listener",
      "client",
      "peer",
      "server_name",
      "destination",
      "stage",
      "place",
      "age_ms",
    ],
    ...[...Object.keys(bytes), "attempts"],
  ]),
  Mark: MARK_SCHEMA,
  History: historySchema(ref("Mark")),
  Sessions: objectSchema({
    sessions: said(list(ref("Session")), "oldest first"),
    total: said(counter, "greeted, waiting and active ones of all listeners"),
  }),
  Entry: ENTRY_SCHEMA,
  Config: CONFIG_SCHEMA,
  NewDestination: {
    ...optional({
      listener: said(text, "number or name of the listener; may be left out if there is only one"),
      address: said(
        {
          type: "string",
          minLength: 1,
          anyOf: [
            { maxLength: 300 },
            { pattern: "^[eE][xX][eE][cC]:", maxLength: 16 * 1024 },
          ],
        },
        `${PLACE_FORMS}, ${RECORDS_FORMS}, ${SERVICE_FORMS}, ${EXEC_FORMS}; either this or exec`,
      ),
      exec: said(
        { type: "array", minItems: 1, maxItems: 100, items: { type: "string", maxLength: 4096 } },
        "a program and its arguments, which is started for each session; only with a token",
      ),
      ...valuesOf(execOptionNames()),
      ...destinationValues,
      ...valuesOf(remoteServiceOptionNames()),
    }),
    oneOf: [{ required: ["address"] }, { required: ["exec"] }],
  },
  DestinationChange: {
    ...optional({ state: adminState, ...destinationValues }),
    minProperties: 1,
  },
  ReloadResult: objectSchema({
    changes: said(list(text), "a sentence for each difference that was applied"),
    needs_restart: said(list(text), "keys whose new value counts only after a restart"),
  }),
  Nothing: { type: "object", additionalProperties: false },
} satisfies Record<string, Schema>;
