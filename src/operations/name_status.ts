import { objectSchema, type OwnPoint, type Schema } from "./field.ts";
import { ADMIN_STATES, type AdminState } from "./states.ts";

/** A name whose records are destinations. */
export interface NameStatus {
  /** `LISTENER.NAME`, two numbers; counts like the id of a destination. */
  id: string;
  /** What it is called: its records are `NAME@ADDRESS:PORT`. */
  name: string;
  /** What is looked up, as configured. */
  address: string;
  /** What the operator wants of its records, also of those that are still to come. */
  admin: AdminState;
  /** Destinations that it leads to. */
  records: number;
  /** Look-ups that failed, or only partly succeeded. */
  failures: number;
  /** What was wrong with the latest look-up; empty if nothing was. */
  last_error: string;
  /** How long ago it was last answered, in milliseconds; `null` if it never was. */
  age_ms: number | null;
}

/** Its schema. */
export const NAME_SCHEMA: Schema = objectSchema({
  id: { type: "string", pattern: "^\\d+\\.\\d+$" },
  name: { type: "string", description: "what it is called: its records are NAME@ADDRESS:PORT" },
  address: { type: "string", description: "what is looked up, as configured" },
  admin: {
    enum: ADMIN_STATES,
    description: "what the operator wants of its records, also of those that are still to come",
  },
  records: { type: "integer", minimum: 0, description: "destinations that it leads to" },
  failures: {
    type: "integer",
    minimum: 0,
    description: "look-ups that failed, or only partly succeeded",
  },
  last_error: {
    type: "string",
    description: "what was wrong with the latest look-up; empty if nothing was",
  },
  age_ms: {
    type: ["number", "null"],
    minimum: 0,
    description: "how long ago it was last answered; null if it never was",
  },
});

/** The names of several listeners that are called the same as one: what is counted adds up. */
export function joinNames(all: readonly (readonly NameStatus[])[]): NameStatus[] {
  const byName = Map.groupBy(all.flat(), ({ name }) => name);
  return [...byName.values()].map((same) => ({
    ...same[0]!,
    failures: same.reduce((sum, { failures }) => sum + failures, 0),
  }));
}

/** A number of each name, with the name as label. */
export function pointsOf(
  names: readonly NameStatus[],
  value: (name: NameStatus) => number | undefined,
): OwnPoint[] {
  return names.flatMap((one): OwnPoint[] => {
    const number = value(one);
    return number === undefined ? [] : [[number, { name: one.name }]];
  });
}
