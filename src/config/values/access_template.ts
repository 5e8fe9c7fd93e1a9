import { cut, nearest, quote } from "../../base/text.ts";

/** Thrown by {@linkcode parseTemplate}; the message says what is wrong and what is allowed. */
export class TemplateError extends Error {
  override readonly name = "TemplateError";
}

/** The units of a duration, the default one first. */
const DURATION_UNITS = ["ms", "us", "s"] as const;

/** Every field of `--access-log-format`: its meaning, and its units with the default one first. */
const FIELDS = {
  time: {
    help: "when it ended: RFC 3339 in UTC, or seconds or milliseconds since 1970",
    units: ["rfc3339", "unix", "unix_ms"],
  },
  id: {
    help: "what the session is called everywhere: number of its listener and its own, as `1.17`",
    units: [],
  },
  listener: { help: "the name of the listener, or its address as configured", units: [] },
  client: {
    help: "address and port of the client: its connection's peer, or whom a PROXY header names",
    units: [],
  },
  client_ip: { help: "its address alone", units: [] },
  client_port: { help: "its port alone", units: [] },
  peer: { help: "address and port of the connection's peer, whatever a header says", units: [] },
  server_name: {
    help: "the server that the client asks for in its hello of TLS; a dash if none, or not read",
    units: [],
  },
  destination: { help: "the destination of the latest connect, by its name or address", units: [] },
  reason: { help: "why it ended, see the end reasons", units: [] },
  queue: {
    help: "in the queue, all waits together if a connect failed; the connects are not in it",
    units: DURATION_UNITS,
  },
  connect: { help: "the latest connect, if it succeeded", units: DURATION_UNITS },
  total: { help: "from accept to close", units: DURATION_UNITS },
  bytes_up: { help: "bytes from the client to the destination", units: [] },
  bytes_down: { help: "bytes from the destination to the client", units: [] },
  datagrams_up: {
    help: "datagrams of the client; a dash unless it is a session of UDP",
    units: [],
  },
  datagrams_down: {
    help: "datagrams of the destination; a dash unless it is a session of UDP",
    units: [],
  },
  exit_status: {
    help: "status that the program of exec: ended with; a dash if none did, or a signal ended it",
    units: [],
  },
  exit_signal: { help: "signal that ended the program of exec:, as SIGTERM", units: [] },
  tls_version: { help: "version of TLS with the client, as 1.3; a dash without TLS", units: [] },
  alpn: {
    help: "protocol that was agreed on over TLS, as h2; a dash if none was",
    units: [],
  },
  tls_client: { help: "subject of the certificate that the client has shown", units: [] },
  attempts: { help: "connects begun", units: [] },
} as const satisfies Readonly<
  Record<string, { readonly help: string; readonly units: readonly string[] }>
>;

/** The name of a field. */
export type FieldName = keyof typeof FIELDS;

/** The units that a field may have; never a name if it has none. */
export type FieldUnit<N extends FieldName> = (typeof FIELDS)[N]["units"][number];

/** A field of a template with the unit that was asked for; without one if the field has none. */
export type TemplateField = {
  readonly [N in FieldName]: { readonly name: N; readonly unit: FieldUnit<N> | undefined };
}[FieldName];

/** A template: `literals[0] fields[0] literals[1] fields[1] ... literals[n]`. */
export interface Template {
  readonly literals: readonly string[];
  readonly fields: readonly TemplateField[];
}

/** The fields of a template in words, with their units. */
export const TEMPLATE_FIELDS = Object.entries(FIELDS).map(([name, { units }]) => {
  return units.length === 0 ? `{${name}}` : `{${name}:${units.join("|")}}`;
}).join(" ");

/** The fields as the rows of a Markdown table. */
export function fieldRows(): string[] {
  return Object.entries(FIELDS).map(([name, { units, help }]) => {
    return `| \`{${name}}\` | ${units.map((unit) => `\`${unit}\``).join(", ")} | ${help} |`;
  });
}

/**
 * Reads a template. A field is `{name}` or `{name:unit}`, braces that stand for themselves are
 * doubled, and `\t` is a tab.
 *
 * @throws {TemplateError} If the template is not allowed.
 */
export function parseTemplate(template: string): Template {
  const literals = [""];
  const fields: TemplateField[] = [];
  // deno-lint-ignore no-control-regex -- a line break would split the line
  if (/[\x00-\x08\x0a-\x1f\x7f]/.test(template)) {
    throw new TemplateError("must have no line breaks or other control characters");
  }
  for (const [token, inner] of template.matchAll(/\{\{|\}\}|\{([^{}]*)\}|\\t|[^{}\\]+|./gsu)) {
    if (inner !== undefined) {
      fields.push(readField(inner));
      literals.push("");
    } else literals[literals.length - 1] += literal(token);
  }
  if (fields.length === 0) {
    throw new TemplateError(`must have at least one field; the fields are ${TEMPLATE_FIELDS}`);
  }
  return { literals, fields };
}

function literal(token: string): string {
  if (token === "{" || token === "}") {
    throw new TemplateError(
      `has a single ${token}; must be ${token}${token} where no field is meant`,
    );
  }
  if (token === "{{" || token === "}}") return token[0]!;
  return token === "\\t" ? "\t" : token;
}

function readField(text: string): TemplateField {
  const [, name = "", unit] = /^([^:]*)(?::(.*))?$/s.exec(text)!;
  if (!isFieldName(name)) {
    const known = nearest(name, Object.keys(FIELDS));
    throw new TemplateError(
      `has the unknown field {${cut(name)}}; the nearest is {${known}}, all are ${TEMPLATE_FIELDS}`,
    );
  }
  const allowed: readonly string[] = FIELDS[name].units;
  if (unit !== undefined && !allowed.includes(unit)) {
    throw new TemplateError(
      allowed.length === 0
        ? `has the unit ${quote(unit)} in {${cut(text)}}; ${name} has no units`
        : `has the unknown unit ${quote(unit)} in {${cut(text)}}; the nearest is ` +
          `${nearest(unit, allowed)}, all are ${allowed.join(", ")}`,
    );
  }
  return { name, unit: unit ?? allowed[0] } as TemplateField;
}

function isFieldName(name: string): name is FieldName {
  return Object.hasOwn(FIELDS, name);
}
