import { FatalError } from "../base/errors.ts";
import type { Status } from "../operations/operations.ts";
import type { DestinationStatus } from "../operations/destination_status.ts";
import type { ListenerStatus } from "../operations/listener_status.ts";
import { nearest, quote } from "../base/text.ts";
import { printable } from "./format.ts";
import { namesOf } from "./names.ts";

/** Most candidates that a message lists. */
const LISTED = 10;

/** Most spellings that are compared with one that is not known, which takes its time. */
const COMPARED = 4000;

/** A destination, or a name with all its records. */
export interface Target {
  readonly id: string;
  readonly name: string;
  /** Sessions there. */
  readonly active: number;
}

/** What a text may mean. */
export interface Candidate {
  readonly listener: ListenerStatus;
  readonly destination: Target & {
    readonly address?: string;
    /** The name whose record it is, if it is one. */
    readonly source?: string;
    readonly leaving: boolean;
  };
  /** Whether it is a name, which stands for its records. */
  readonly isName: boolean;
}

/**
 * The destination that the operator means, or the name that stands for all its records: by its id, by its
 * name or address, or by `LISTENER/NAME`. One that was removed and only finishes its sessions counts if no
 * other is meant.
 *
 * @throws {FatalError} If there is none, or if there are several.
 */
export function findDestination(status: Status, text: string): Target {
  const all = candidatesOf(status);
  const found = all.filter((candidate) => spellings(candidate).includes(text));
  const staying = found.filter(({ destination }) => !destination.leaving);
  const meant = staying.length > 0 ? staying : found;
  if (meant.length === 1) return meant[0]!.destination;
  if (meant.length > 1) {
    throw new FatalError(`${quote(text)} is more than one destination: give ${listOf(meant)}`);
  }
  if (all.length === 0) throw new FatalError(`${quote(text)}: there are no destinations`);
  const known = nearest(text, all.flatMap(spellings).slice(0, COMPARED));
  throw new FatalError(
    `${quote(text)}: no such destination; ` +
      (all.length <= LISTED ? `there is ${listOf(all)}` : `the nearest is ${printable(known)}`),
  );
}

/** All destinations and names, in their order. */
export function candidatesOf(status: Status): readonly Candidate[] {
  return status.listeners.flatMap((listener): Candidate[] => {
    const names = namesOf(listener).map((name): Candidate => {
      const records = partsOf(status, name);
      const active = records.reduce((sum, { active }) => sum + active, 0);
      return { listener, destination: { ...name, active, leaving: false }, isName: true };
    });
    const own = listener.destinations.map((destination): Candidate => {
      return { listener, destination, isName: false };
    });
    return [...names, ...own];
  });
}

/** The destinations that a target consists of: itself, or the records of a name, also leaving ones. */
export function partsOf(
  { listeners }: Status,
  target: Pick<Target, "id" | "name">,
): DestinationStatus[] {
  const [listener] = target.id.split(".");
  return listeners.flatMap(({ id, destinations }) => {
    if (String(id) !== listener) return [];
    return destinations.filter((one) => one.id === target.id || one.source === target.name);
  });
}

/** A destination as messages name it. */
export function titleOf({ id, name }: Pick<Target, "id" | "name">): string {
  return `${id} ${printable(name)}`;
}

/** Everything that a candidate may be called. */
export function spellings(
  { listener, destination: { id, name, address = name } }: Candidate,
): string[] {
  const names = [...new Set([name, address])];
  const within = names.flatMap((one) => [`${listener.id}/${one}`, `${listener.name}/${one}`]);
  return [id, ...names, ...within];
}

/** Candidates for a message, if there are not too many. */
export function listOf(candidates: readonly Candidate[]): string {
  const names = candidates.slice(0, LISTED).map(({ listener, destination }) => {
    return `${destination.id} (${printable(`${listener.name}/${destination.name}`)})`;
  });
  if (candidates.length > LISTED) names.push(`${candidates.length - LISTED} more`);
  return names.length === 1 ? names[0]! : `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
}
