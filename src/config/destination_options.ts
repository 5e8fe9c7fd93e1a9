import type { Check } from "./values/check.ts";
import type { Option } from "./option.ts";
import { count } from "./option.ts";
import { OPTIONS } from "./options.ts";

/** The options that one destination has of its own. */
export interface DestinationOptions {
  /** Most concurrent connections; the listener's option unless given. */
  readonly workers: number;
  /** Its share of the sessions relative to the others, from 1 to 256; 1 unless given. */
  readonly weight: number;
  /** Whether it serves only while no destination without this mark is up. */
  readonly backup: boolean;
  /** How it is checked, `null` for not at all; the listener's option unless given. */
  readonly check: Check | null;
}

/** The name of an option of a destination, which is the same wherever it is written. */
export type DestinationOptionName = keyof DestinationOptions;

/**
 * Every option of a destination: what texts, tables of the file and objects of the admin API can
 * say, and what is told about it. What a text says of a boolean is its name alone.
 */
export const DESTINATION_OPTIONS: {
  readonly [N in DestinationOptionName]: Option<DestinationOptions[N]>;
} = {
  workers: OPTIONS.workers,
  weight: count({
    default: 1,
    min: 1,
    max: 256,
    help: "share of the sessions relative to the other destinations",
  }),
  backup: {
    form: "",
    default: false,
    help: "whether it serves only while no other destination is up",
    allowed: "true or false",
    parse: (text) => ["true", "false"].includes(text) ? text === "true" : undefined,
    format: String,
  },
  check: { ...OPTIONS.check, form: "CHECK" },
};

/** How all of them are written in a text, for messages. */
export const DESTINATION_OPTION_FORMS = destinationOptionNames()
  .map((name) => {
    const { form } = DESTINATION_OPTIONS[name];
    return form === "" ? name : `${name}=${form}`;
  })
  .join(", ")
  .replace(/, (?=[^,]*$)/, " or ");

/** All names, in the order in which they are written. */
export function destinationOptionNames(): DestinationOptionName[] {
  return ["workers", "weight", "backup", "check"];
}

/** Whether there is an option of this name. */
export function isDestinationOption(name: string): name is DestinationOptionName {
  return (destinationOptionNames() as string[]).includes(name);
}

/** Whether a destination has it or has it not, instead of a value. */
export function isMark(name: DestinationOptionName): boolean {
  return DESTINATION_OPTIONS[name].form === "";
}
