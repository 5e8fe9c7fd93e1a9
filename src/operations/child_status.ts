import { objectSchema, type Schema } from "./field.ts";

/** One of several that share the work of a listener. */
export interface ChildStatus {
  /** What it is, with its number. */
  name: string;
  /** Sessions that it has had; those that were refused are among a thread's. */
  accepted: number;
  /** Those of them that are not over. */
  active: number;
}

/** Its schema. */
export const CHILD_SCHEMA: Schema = objectSchema({
  name: { type: "string", description: "what it is, with its number: thread 0, process 4711" },
  accepted: {
    type: "integer",
    minimum: 0,
    description: "sessions that it has had; those that were refused are among a thread's",
  },
  active: { type: "integer", minimum: 0, description: "those of them that are not over" },
});

/** All of them, in the order of their names. */
export function joinChildren(all: readonly (readonly ChildStatus[])[]): ChildStatus[] {
  const order = (one: ChildStatus, other: ChildStatus) => {
    return one.name.localeCompare(other.name, "en", { numeric: true });
  };
  return all.flat().sort(order);
}
