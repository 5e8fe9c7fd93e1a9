import { elapsed, oneWord, splitAddress, toMicroseconds } from "./access_values.ts";
import { cut, nearest, quote } from "../base/text.ts";
import type { Session } from "../session/session.ts";

/** Thrown by {@linkcode compileTemplate}; the message says what is wrong and what is allowed. */
export class TemplateError extends Error {
  override readonly name = "TemplateError";
}

/** What stands where a session did not reach a stage. */
const NONE = "-";

/** What a field or literal of a template becomes for one session. */
type Part = (session: Session, time: Date) => string | number;

/** A field of a template. */
interface Field {
  readonly help: string;
  /** What its units stand for, the default one first; one without a name if it has none. */
  readonly units: Readonly<Record<string, Part>>;
}

/** Every field of `--access-log-format`; the listener's name is known before any session. */
const FIELDS: Readonly<Record<string, Field>> = {
  time: {
    help: "when it ended: RFC 3339 in UTC, or seconds or milliseconds since 1970",
    units: {
      rfc3339: (_, time) => time.toISOString(),
      unix: (_, time) => Math.floor(time.getTime() / 1000),
      unix_ms: (_, time) => time.getTime(),
    },
  },
  id: plain("number of the session", ({ id }) => id),
  listener: plain("the address to listen on, as configured", () => NONE),
  client: plain("address and port of the client", ({ clientName }) => oneWord(clientName)),
  client_ip: plain("its address alone", (session) => splitAddress(session.clientName).ip),
  client_port: plain("its port alone", (session) => splitAddress(session.clientName).port),
  destination: plain(
    "the destination of the latest connect",
    ({ destination }) => oneWord(destination ?? NONE),
  ),
  reason: plain("why it ended, see the end reasons", ({ reason }) => reason ?? "done"),
  queue: {
    help: "in the queue, all waits together if a connect failed; the connects are not in it",
    units: durations(({ queued }) => toMicroseconds(queued)),
  },
  connect: {
    help: "the latest connect, if it succeeded",
    units: durations(({ connectStartedAt, connectedAt }) => elapsed(connectStartedAt, connectedAt)),
  },
  total: {
    help: "from accept to close",
    units: durations(({ acceptedAt, endedAt }) => elapsed(acceptedAt, endedAt)),
  },
  bytes_up: plain("bytes from the client to the destination", ({ up }) => up.bytes),
  bytes_down: plain("bytes from the destination to the client", ({ down }) => down.bytes),
  attempts: plain("connects begun", ({ attempts }) => attempts),
};

/** The fields of a template in words, with their units. */
export const TEMPLATE_FIELDS = Object.entries(FIELDS).map(([name, field]) => {
  const units = unitsOf(field).join("|");
  return units === "" ? `{${name}}` : `{${name}:${units}}`;
}).join(" ");

/** The fields as the rows of a Markdown table, for the README. */
export function fieldRows(): string[] {
  return Object.entries(FIELDS).map(([name, field]) => {
    const units = unitsOf(field).map((unit) => `\`${unit}\``).join(", ");
    return `| \`{${name}}\` | ${units} | ${field.help} |`;
  });
}

/**
 * Turns a template into the function that makes the line of an ended session. A field is
 * `{name}` or `{name:unit}`, braces that stand for themselves are doubled, and `\t` is a tab.
 *
 * @param options.listener What `{listener}` stands for.
 * @throws {TemplateError} If the template is not allowed.
 */
export function compileTemplate(
  template: string,
  options: { listener: string },
): (session: Session, time: Date) => string {
  // literals[0] fields[0] literals[1] fields[1] ... literals[n]
  const literals = [""];
  const fields: Part[] = [];
  // deno-lint-ignore no-control-regex -- a line break would split the line
  if (/[\x00-\x08\x0a-\x1f\x7f]/.test(template)) {
    throw new TemplateError("must have no line breaks or other control characters");
  }
  for (const [token, inner] of template.matchAll(/\{\{|\}\}|\{([^{}]*)\}|\\t|[^{}\\]+|./gsu)) {
    if (inner !== undefined) {
      fields.push(readField(inner, options.listener));
      literals.push("");
    } else literals[literals.length - 1] += literal(token);
  }
  if (fields.length === 0) {
    throw new TemplateError(`must have at least one field; the fields are ${TEMPLATE_FIELDS}`);
  }
  return (session, time) => {
    let line = literals[0]!;
    for (let i = 0; i < fields.length; i++) line += fields[i]!(session, time) + literals[i + 1]!;
    return line;
  };
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

function readField(text: string, listener: string): Part {
  const [, name = "", unit] = /^([^:]*)(?::(.*))?$/s.exec(text)!;
  if (!Object.hasOwn(FIELDS, name)) {
    const known = nearest(name, Object.keys(FIELDS));
    throw new TemplateError(
      `has the unknown field {${cut(name)}}; the nearest is {${known}}, all are ${TEMPLATE_FIELDS}`,
    );
  }
  const field = FIELDS[name]!;
  const allowed = unitsOf(field);
  if (unit !== undefined && !allowed.includes(unit)) {
    throw new TemplateError(
      allowed.length === 0
        ? `has the unit ${quote(unit)} in {${cut(text)}}; ${name} has no units`
        : `has the unknown unit ${quote(unit)} in {${cut(text)}}; the nearest is ` +
          `${nearest(unit, allowed)}, all are ${allowed.join(", ")}`,
    );
  }
  if (name === "listener") {
    const value = oneWord(listener);
    return () => value;
  }
  return field.units[unit ?? allowed[0] ?? ""]!;
}

function unitsOf({ units }: Field): string[] {
  return Object.keys(units).filter((unit) => unit !== "");
}

function plain(help: string, part: Part): Field {
  return { help, units: { "": part } };
}

/** Milliseconds in each of the units. */
function durations(pick: (session: Session) => number | null): Field["units"] {
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
