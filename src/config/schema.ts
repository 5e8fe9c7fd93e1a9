import { helpOfKey } from "./key_help.ts";
import {
  DESTINATION_OPTION_FORMS,
  isMark,
  writtenOption,
  type WrittenOptionName,
  writtenOptionNames,
} from "./options/destination.ts";
import type { Option } from "./option.ts";
import { serviceNames } from "./options/service.ts";
import { NO_RESERVED_WORD, PORT_PATTERN } from "./values/address_pattern.ts";
import { keyOf, type OptionName, optionNames, rowOf } from "./options.ts";

/** A JSON schema, or a part of one. */
export type Schema = { readonly [key: string]: unknown };

const ADDRESS: Schema = {
  anyOf: [
    { type: "string", pattern: `^(unix:/.*|(udp:)?${NO_RESERVED_WORD}(.*:)?${PORT_PATTERN})$` },
    { type: "integer", minimum: 0, maximum: 65535 },
  ],
};

/** A part of a destination, in which a backslash makes a comma or a backslash one of its own. */
const PART = "([^,\\\\]|\\\\[\\s\\S])*";

/** Names whose records are servers. */
const RECORDS = `[dD][nN][sS]:[^,:]+:${PORT_PATTERN}|[sS][rR][vV]:[^,:]+`;

/** What this program serves itself. */
const SERVICE = `[sS][eE][rR][vV][iI][cC][eE]:(${serviceNames().join("|")})`;

/** A program, which stands behind its options. */
const PROGRAM = "[eE][xX][eE][cC]:(?![ \\t\\n]*[0-9]+([ \\t\\n]|$))[\\s\\S]*[^ \\t\\n][\\s\\S]*";

/** Any option of a destination. */
const PARTS = writtenOptionNames().map(partOf).join("|");

const DESTINATION_ADDRESS =
  `(unix:/${PART}|${RECORDS}|${SERVICE}|(udp:)?${NO_RESERVED_WORD}([^,]*:)?${PORT_PATTERN})`;

const DESTINATION: Schema = {
  anyOf: [
    {
      type: "string",
      pattern: `^(${DESTINATION_ADDRESS}(,(${PARTS}))*|((${PARTS}),)*${PROGRAM})$`,
    },
    { type: "integer", minimum: 1, maximum: 65535 },
    {
      type: "object",
      properties: {
        address: {
          anyOf: [
            { type: "string", pattern: `^(${DESTINATION_ADDRESS}|${PROGRAM})$` },
            { type: "integer", minimum: 1, maximum: 65535 },
          ],
          description: "The address of the server.",
        },
        exec: {
          type: "array",
          items: { type: "string" },
          minItems: 1,
          description:
            "Instead of an address a program that is started for each session, word by " +
            "word: its path, or its name in PATH, and its arguments.",
        },
        ...Object.fromEntries(
          writtenOptionNames().map((name) => {
            const option = writtenOption(name);
            return [name, { anyOf: valueSchemas(option), description: helpOfKey(option) }];
          }),
        ),
      },
      oneOf: [{ required: ["address"] }, { required: ["exec"] }],
      additionalProperties: false,
    },
  ],
};

function partOf(name: WrittenOptionName): string {
  const { integers, words } = writtenOption(name).notation ?? {};
  if (isMark(name)) return `${name}(=(true|false${integers ? "|[0-9]+" : ""}))?`;
  return `${name}=${integers && !words ? "[0-9]+" : PART}`;
}

/** The keys of a listener that are no flags. */
export const LISTENER_KEYS: Readonly<Record<string, Schema>> = {
  listen: {
    ...ADDRESS,
    description: "The address to listen on: PORT, HOST:PORT, IPV4:PORT, [IPV6]:PORT, unix:/path, " +
      "or udp: before one with a port. Without a host it is every interface, IPv4 and IPv6; for the port there may be " +
      "the name of a service.",
  },
  destinations: {
    type: "array",
    items: DESTINATION,
    minItems: 1,
    description: "The servers: addresses as in listen, without a host localhost, or names whose " +
      "records are servers (dns:HOST:PORT, srv:NAME), or services of the program itself " +
      "(service:NAME), or programs (exec:PROGRAM ARGUMENTS). Each may have " +
      `options after commas, in which \\, is a comma: ${DESTINATION_OPTION_FORMS}; those of a ` +
      "program stand before it; or be a table with these as keys, besides address or exec.",
  },
  rules: {
    type: "array",
    items: { type: "string", pattern: "^(allow|deny) +.+$" },
    description: "allow and deny in one list, where the order needs more than one of each: the " +
      "first that matches a client counts; without a match it is served.",
  },
};

/** The JSON schema of the configuration file, for editors. */
export function configSchema(): Schema {
  const listenerOptions = optionSchemas(optionNames("listener"));
  const noneOf = Object.fromEntries(
    optionNames().filter((name) => rowOf(name).single).map((name) => [keyOf(name), false]),
  );
  const rulesInOneWay = {
    not: { required: ["rules"], anyOf: [{ required: ["allow"] }, { required: ["deny"] }] },
  };
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "The configuration file of iawlb",
    type: "object",
    properties: {
      ...LISTENER_KEYS,
      listener: {
        type: "array",
        minItems: 1,
        items: { $ref: "#/definitions/listener" },
        description: "Listeners that share nothing but the process.",
      },
      ...listenerOptions,
      ...optionSchemas(optionNames("program")),
    },
    additionalProperties: false,
    ...rulesInOneWay,
    oneOf: [
      { required: ["listen", "destinations"], properties: { listener: false } },
      { required: ["listener"], properties: { listen: false, destinations: false, ...noneOf } },
    ],
    definitions: {
      listener: {
        type: "object",
        properties: { ...LISTENER_KEYS, ...listenerOptions },
        required: ["listen", "destinations"],
        additionalProperties: false,
        ...rulesInOneWay,
      },
    },
  };
}

function optionSchemas(names: readonly OptionName[]): Record<string, Schema> {
  return Object.fromEntries(names.map((name) => [keyOf(name), optionSchema(name)]));
}

function optionSchema(name: OptionName): Schema {
  const option = rowOf(name);
  const text = option.format(option.default);
  const usual = option.notation?.booleans
    ? option.default
    : option.notation?.integers && /^\d+$/.test(text)
    ? Number(text)
    : text;
  return {
    anyOf: valueSchemas(option),
    ...(!option.notation?.list && { default: usual }),
    description: helpOfKey(option),
  };
}

/** The alternatives that a value may be. */
function valueSchemas({ notation = {} }: Option<unknown>): Schema[] {
  const { words, pattern, integers, booleans, list, pairs } = notation;
  const schemas: Schema[] = [];
  if (words) schemas.push({ enum: words });
  if (pattern !== undefined) schemas.push({ type: "string", pattern });
  if (booleans) schemas.push({ type: "boolean" });
  if (integers) schemas.push({ type: "integer", minimum: integers[0], maximum: integers[1] });
  if (list) {
    const tables = pairs ? [pairSchema(pairs)] : [];
    schemas.unshift({ type: "array", items: { anyOf: [...schemas, ...tables] } });
  }
  return schemas.length > 0 ? schemas : [{ type: "string" }];
}

/** A table with these two keys. */
function pairSchema(keys: readonly string[]): Schema {
  return {
    type: "object",
    properties: Object.fromEntries(keys.map((key) => [key, { type: "string", minLength: 1 }])),
    required: keys,
    additionalProperties: false,
  };
}
