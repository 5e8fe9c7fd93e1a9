import {
  elapsed,
  escaped,
  exitOf,
  oneWord,
  splitAddress,
  toMicroseconds,
} from "./access_values.ts";
import {
  type FieldName,
  type FieldUnit,
  parseTemplate,
  type TemplateField,
} from "../config/values/access_template.ts";
import { datagramsOf } from "../session/exchange.ts";
import { tlsOf } from "../session/client_tls.ts";
import type { Session } from "../session/session.ts";

/** What stands where a session did not reach a stage. */
const NONE = "-";

/** The value of a field for one session that ended at a time. */
type Value = (session: Session, time: Date) => string | number;

/** The values of every field: one, or one for each of its units. */
type Values = {
  readonly [N in FieldName]: [FieldUnit<N>] extends [never] ? Value
    : Readonly<Record<FieldUnit<N>, Value>>;
};

const VALUES: Values = {
  time: {
    rfc3339: (_, time) => time.toISOString(),
    unix: (_, time) => Math.floor(time.getTime() / 1000),
    unix_ms: (_, time) => time.getTime(),
  },
  id: ({ title }) => title,
  // It is known before any session.
  listener: () => NONE,
  client: ({ clientName }) => oneWord(clientName),
  client_ip: ({ clientName }) => splitAddress(clientName).ip,
  client_port: ({ clientName }) => splitAddress(clientName).port,
  peer: ({ peerName }) => oneWord(peerName),
  server_name: ({ hello }) => hello?.name ?? NONE,
  destination: ({ destination }) => oneWord(destination?.name ?? NONE),
  reason: ({ reason }) => reason ?? "done",
  queue: durations(({ queued }) => toMicroseconds(queued)),
  connect: durations(({ connectStartedAt, connectedAt }) => elapsed(connectStartedAt, connectedAt)),
  total: durations(({ acceptedAt, endedAt }) => elapsed(acceptedAt, endedAt)),
  bytes_up: ({ up }) => up.bytes,
  bytes_down: ({ down }) => down.bytes,
  datagrams_up: (session) => datagramsOf(session).datagrams_up ?? NONE,
  datagrams_down: (session) => datagramsOf(session).datagrams_down ?? NONE,
  exit_status: (session) => exitOf(session).exit_status ?? NONE,
  exit_signal: (session) => exitOf(session).exit_signal ?? NONE,
  tls_version: (session) => tlsOf(session).tls_version ?? NONE,
  alpn: (session) => escaped(tlsOf(session).alpn || NONE),
  tls_client: (session) => escaped(tlsOf(session).tls_client ?? NONE),
  attempts: ({ attempts }) => attempts,
};

/**
 * Turns a template into the function that makes the line of an ended session.
 *
 * @param options.listener What `{listener}` stands for.
 * @throws {TemplateError} If the template is not allowed.
 */
export function compileTemplate(
  template: string,
  options: { listener: string },
): (session: Session, time: Date) => string {
  const { literals, fields } = parseTemplate(template);
  const listener = oneWord(options.listener);
  const values = fields.map((field) => field.name === "listener" ? () => listener : valueOf(field));
  return (session, time) => {
    let line = literals[0]!;
    for (let i = 0; i < values.length; i++) line += values[i]!(session, time) + literals[i + 1]!;
    return line;
  };
}

function valueOf({ name, unit }: TemplateField): Value {
  const value: Value | Readonly<Record<string, Value>> = VALUES[name];
  return typeof value === "function" ? value : value[unit!]!;
}

/** Milliseconds in each of the units. */
function durations(pick: (session: Session) => number | null): Record<"ms" | "us" | "s", Value> {
  return {
    ms: (session) => pick(session) ?? NONE,
    us: (session) => {
      const ms = pick(session);
      return ms === null ? NONE : Math.round(ms * 1000);
    },
    s: (session) => {
      const ms = pick(session);
      return ms === null ? NONE : Number((ms / 1000).toFixed(6));
    },
  };
}
