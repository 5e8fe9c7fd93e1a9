import { objectSchema, type Schema } from "./field.ts";

/** The value of an option that is in force. */
export interface Entry {
  /** As one would write it in the file, but for what 0 stands for; secrets are paths. */
  readonly value: string;
  /** Whether somebody has written it, or an operator set it; otherwise it is what counts by itself. */
  readonly given: boolean;
}

/** Options by their keys in the configuration file. */
export type Entries = Readonly<Record<string, Entry>>;

/** A destination, or a name that leads to some, as it is configured now. */
export interface DestinationInForce {
  /** As in its status. */
  readonly id: string;
  readonly name: string;
  readonly address: string;
  readonly options: Entries;
}

/** A listener as it is configured now. */
export interface ListenerInForce {
  readonly id: number;
  readonly name: string;
  /** The addresses that are really bound. */
  readonly listen: readonly string[];
  readonly options: Entries;
  /** Those that are configured, in their order, then the records of names. */
  readonly destinations: readonly DestinationInForce[];
}

/** What the program runs by: what `GET /config` answers. */
export interface ConfigInForce {
  /** The configuration file as it was named; `null` without one. */
  readonly file: string | null;
  /** The options of the program as a whole. */
  readonly settings: Entries;
  readonly listeners: readonly ListenerInForce[];
}

const text: Schema = { type: "string" };

export const ENTRY_SCHEMA: Schema = objectSchema({
  value: {
    ...text,
    description:
      "as in the configuration file, or what counts in the place of 0; secrets are paths",
  },
  given: { type: "boolean", description: "whether it was written, or set by an operator" },
});

const entries: Schema = {
  type: "object",
  description: "by their keys in the configuration file",
  additionalProperties: { $ref: "#/components/schemas/Entry" },
};

export const CONFIG_SCHEMA: Schema = objectSchema({
  file: { type: ["string", "null"], description: "as it was named; null without one" },
  settings: entries,
  listeners: {
    type: "array",
    items: objectSchema({
      id: { type: "integer", minimum: 0 },
      name: text,
      listen: { type: "array", items: text, description: "what is really bound" },
      options: entries,
      destinations: {
        type: "array",
        description: "those that are configured, then the records of names",
        items: objectSchema({ id: text, name: text, address: text, options: entries }),
      },
    }),
  },
});
